"""The verbs of a city to measure on: its people, and the files departments send about them."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Literal

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.event.actions import ensure_epoch
from app.kit.clock import now
from app.kit.db.database import database_lifespan
from app.kit.process import surroundings
from app.kit.process.prepare import prepare_database
from app.town.city.actions.show import show_city
from app.town.feed.actions import FeedOrder, write_feed
from app.town.people.actions.move_in import make_people, score_people
from app.values.days import shanghai_day

CITIZENS_DEFAULT, RECORDS_EACH = 20_000, 10
SEED_MAX, CITIZENS_MAX = 99, 5_000_000
COMMAND_SECONDS_MAX = 1_800  # counting ten million records, on a busy machine
SHARE = click.FloatRange(0, 1)


@click.group()
def city() -> None:
    """Make a believable city of people who are not real, and files of facts about them."""
    if os.environ.get("ENVIRONMENT") == "production":
        raise click.ClickException("these people are not real; not in production")


@city.command("generate")
@click.option("--citizens", type=click.IntRange(1, CITIZENS_MAX), default=CITIZENS_DEFAULT, show_default=True)
@click.option("--records", type=click.IntRange(1), help="About how many in all; ten for each citizen if not given.")
@click.option("--seed", type=click.IntRange(1, SEED_MAX), default=1, show_default=True)
@click.option("--no-score", "is_unscored", is_flag=True, help="Leave that to `huixin score recompute`.")
def generate(citizens: int, records: int | None, seed: int, *, is_unscored: bool) -> None:
    """Let people move in by COPY, score them, and print what the city is made of.

    The same seed makes the same people, on one day with the same records. Blocks that are there are left as they are,
    so that making may be stopped and begun again.
    """
    if records is not None and records < citizens:
        raise click.BadParameter("everybody has a record of having joined", param_hint="--records")
    with surroundings.database():
        prepare_database()
        mean = RECORDS_EACH if records is None else records / citizens
        asyncio.run(_generate(Console(), citizens, mean, seed, is_scored=not is_unscored))


async def _generate(console: Console, citizens: int, records_mean: float, seed: int, *, is_scored: bool) -> None:
    begin = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    async with database_lifespan(command_seconds_max=COMMAND_SECONDS_MAX):
        await ensure_epoch()
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("市民迁入 people move in", total=citizens)
            await make_people(
                citizens=citizens,
                seed=seed,
                at=now(),
                records_mean=records_mean,
                is_scored=False,
                moved_in=lambda count: progress.advance(task, count),
            )
            made = time.monotonic()
            if is_scored:
                task = progress.add_task("计算信用分 scores", total=None)
                await score_people(
                    on_opened=lambda total: progress.update(task, total=total),
                    on_progress=lambda count: progress.advance(task, count),
                )
        scored = time.monotonic()
        await show_city(console)
    console.print(f"迁入用时 {made - begin:.1f} 秒，计分用时 {scored - made:.1f} 秒")
    console.print(f"moved in within {made - begin:.1f} s, scored within {scored - made:.1f} s")


@city.command("file")
@click.option("--rows", type=click.IntRange(1, 100_000_000), required=True, help="The header not counted.")
@click.option("--seed", type=click.IntRange(1, SEED_MAX), default=1, show_default=True, help="The city's.")
@click.option("--citizens", type=click.IntRange(1, CITIZENS_MAX), default=CITIZENS_DEFAULT, show_default=True)
@click.option("--kind", type=click.Choice(["records", "honours"]), default="records", show_default=True)
@click.option("--dirt", type=SHARE, default=0.02, show_default=True, help="Share of rows with something wrong.")
@click.option("--duplicates", type=SHARE, default=0.05, show_default=True, help="Share of rows that were sent before.")
@click.option("--members-share", type=SHARE, default=0.9, show_default=True, help="Of the other rows.")
@click.option("--encoding", type=click.Choice(["utf-8", "gb18030"]), default="utf-8", show_default=True)
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), required=True)
def file(
    rows: int, seed: int, citizens: int, kind: Literal["records", "honours"], dirt: float, duplicates: float,
    members_share: float, encoding: Literal["utf-8", "gb18030"], form: Literal["csv", "jsonl"], out: Path,
) -> None:  # fmt: skip
    """Write a department's file about the people of a generated city; needs no database.

    Beside it, with .json added to its name, goes what an import must find: how many rows of each kind.
    """
    if dirt + duplicates > 1:
        raise click.BadParameter("with the duplicates it is more than all rows", param_hint="--dirt")
    begin = time.monotonic()
    expected = write_feed(
        FeedOrder(
            rows=rows, seed=seed, citizens=citizens, kind=kind, dirt=dirt, duplicates=duplicates,
            members_share=members_share, encoding=encoding, form=form, today=shanghai_day(now()),
        ),
        out,
    )  # fmt: skip
    seconds = time.monotonic() - begin
    for name, count in expected.iter_counts():
        click.echo(f"{name:<40}{count:>14,}")
    click.echo(f"用时 {seconds:.1f} 秒, {rows / seconds:,.0f} 行/秒 rows per second")

"""The verbs of scores, for those who run a city: score everybody, prove the scores, look at them from afar."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click
from rich.progress import Progress

from app.kit.db.database import database_lifespan
from app.kit.jobs.pace import FULL, GENTLE
from app.kit.process import surroundings
from app.score.city.actions.prepare import read_progress, score_city
from app.score.current.actions.distribution import read_distribution
from app.score.current.actions.read import verify_scores

if TYPE_CHECKING:
    from app.score.current.actions.distribution import Distribution

SAMPLE_MAX = 100_000
PATIENCE_SECONDS = 600
BAR_CHARACTERS = 40


@click.command("recompute")
@click.option("--gentle", is_flag=True, help="Take a third of the time only, as the worker does.")
def recompute(*, gentle: bool) -> None:
    """Score everybody anew today under the active rule book; goes on where an earlier run was stopped."""
    with surroundings.database():

        async def run(bar: Progress) -> int:
            async with database_lifespan(command_seconds_max=PATIENCE_SECONDS):
                row = await read_progress()
                task = bar.add_task("市民 citizens", total=row.citizens if row else None)
                return await score_city(
                    pace=GENTLE if gentle else FULL,
                    on_opened=lambda total: bar.update(task, total=total),
                    on_progress=lambda count: bar.advance(task, count),
                )

        with Progress() as bar:
            citizens = asyncio.run(run(bar))
    click.echo(f"已重新计算 scored {citizens:,} citizens")


@click.command("verify")
@click.option("--sample", type=click.IntRange(1, SAMPLE_MAX), default=1000, show_default=True)
def verify(sample: int) -> None:
    """Compute the scores of a random sample again and compare value, level, sum of the explanation and inputs hash."""
    with surroundings.database():

        async def run() -> tuple[int, list[str]]:
            async with database_lifespan(command_seconds_max=PATIENCE_SECONDS):
                return await verify_scores(sample)

        looked_at, wrong = asyncio.run(run())
    for line in wrong:
        click.echo(line)
    click.echo(f"抽查 looked at {looked_at:,}, 不符 wrong {len(wrong):,}")
    if wrong:
        raise SystemExit(1)


@click.command("distribution")
def distribution() -> None:
    """Print how the scores of the live city lie: by level, and by steps of twenty points; nobody in particular."""
    with surroundings.database():

        async def run() -> Distribution:
            async with database_lifespan(command_seconds_max=PATIENCE_SECONDS):
                return await read_distribution()

        found = asyncio.run(run())
    click.echo(f"{found.citizens:,} 市民 citizens, {found.book}")
    for level in found.levels:
        click.echo(f"{level.code:4} {level.title}  {level.citizens:>10,}  {level.share:6.1%}")
    most = max((step.citizens for step in found.steps), default=1)
    for step in found.steps:
        click.echo(f"{step.from_value:5}…{step.to_value:<5} {step.citizens:>9,} {_bar(step.citizens, most)}")


def _bar(count: int, most: int) -> str:
    return "█" * round(BAR_CHARACTERS * count / most)

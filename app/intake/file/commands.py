"""The verbs of records: sources, files, their quarantine and how sources fare."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click
import msgspec
import uvloop
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from app.event.actions import ensure_epoch
from app.intake.file.actions.quarantine import find_import, open_quarantine
from app.intake.file.actions.run import ImportElsewhere, run_import
from app.intake.file.actions.store import ImportStopped
from app.intake.file.actions.upload import find_parent, open_file_import
from app.intake.file.report import QUALITY_HEADER, describe_counts, describe_quality
from app.intake.quality.actions import read_quality, read_quality_of_all
from app.intake.source.actions import register_source
from app.intake.source.compile import make_default_mapping
from app.intake.source.entry import SourceEntry
from app.intake.source.mapping import Mapping
from app.kit.clock import now
from app.kit.db.database import database_lifespan
from app.kit.errors import Refusal
from app.kit.jobs.pace import FULL, GENTLE
from app.kit.process import surroundings
from app.kit.process.prepare import prepare_database
from app.values.days import shanghai_day

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from uuid import UUID

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PATIENCE_SECONDS = 60  # of a statement: the command line is in less of a hurry than a request
WATCH_SECONDS = 0.5
QUALITY_DAYS = 28
STOPPED_EXIT = 130


@click.group()
def records() -> None:
    """Register sources, import their files, correct what stayed behind."""


@records.command("register")
@click.argument("code")
@click.option("--title-zh", required=True, help="What citizens read, in Chinese.")
@click.option("--title-en", required=True, help="The same in English.")
@click.option("--mapping", "mapping_file", type=FILE, help="A mapping as JSON; without it our own names of columns.")
def register(code: str, title_zh: str, title_en: str, mapping_file: Path | None) -> None:
    """Register a source by its CODE, so that its files can be imported."""
    given = None if mapping_file is None else mapping_file.read_bytes()

    async def run() -> None:
        mapping = make_default_mapping(code) if given is None else msgspec.json.decode(given, type=Mapping)
        entry = SourceEntry(
            code=code, title_zh=title_zh, title_en=title_en, institution_id=None, mapping=mapping, indicators=None,
            honours=None,
        )  # fmt: skip
        await register_source(None, entry)
        click.echo(f"registered {code}")

    _run(run)


@records.command("import")
@click.argument("file", type=FILE)
@click.option("--source", required=True, help="The code of a registered source.")
@click.option("--gentle/--full", default=False, help="Leave room for others, or take all the time there is (default).")
@click.option("--watch", is_flag=True, help="When another process imports this file, follow it to its end.")
def import_file(file: Path, source: str, *, gentle: bool, watch: bool) -> None:
    """Import a FILE of records (CSV, JSONL or .xlsx), here and now; run again after an interruption it goes on."""
    _run(lambda: _import(file, source, None, gentle=gentle, watch=watch))


@records.command("rerun")
@click.argument("import_id", metavar="ID", type=click.UUID)
@click.argument("file", type=FILE)
@click.option("--gentle/--full", default=False)
def rerun(import_id: UUID, file: Path, *, gentle: bool) -> None:
    """Import the corrected quarantine of import ID from FILE."""

    async def run() -> None:
        parent = await find_parent(import_id)
        await _import(file, parent.source, import_id, gentle=gentle, watch=False)

    _run(run)


@records.command("quarantine")
@click.argument("import_id", metavar="ID", type=click.UUID)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write here instead of the terminal.")
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
def quarantine(import_id: UUID, out: Path | None, language: Any) -> None:
    """Print the rows of import ID that are still to be corrected: CSV, or a workbook where --out ends in .xlsx."""

    async def run() -> None:
        form: Any = "xlsx" if out is not None and out.suffix.lower() == ".xlsx" else "csv"
        lines = await open_quarantine(None, import_id, language, form)
        with out.open("wb") if out else open(sys.stdout.fileno(), "wb", closefd=False) as file:  # noqa: ASYNC230 - nobody else waits on this loop
            async for line in lines:
                file.write(line)

    _run(run)


@records.command("quality")
@click.argument("source", required=False)
def quality(source: str | None) -> None:
    """Print how SOURCE, or every source, fared in the last 28 days beside the 28 days before."""

    async def run() -> None:
        until = shanghai_day(now())
        since = until - timedelta(days=QUALITY_DAYS - 1)
        reports = [await read_quality(source, since, until)] if source else await read_quality_of_all(since, until)
        click.echo(QUALITY_HEADER)
        for report in reports:
            for line in describe_quality(report.source, report.total, report.before, report.signs):
                click.echo(line)

    _run(run)


def _run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run work on a city's database, or on the embedded one; what is refused is said in one line."""
    with surroundings.database():
        prepare_database()

        async def run() -> None:
            async with database_lifespan(command_seconds_max=PATIENCE_SECONDS):
                await ensure_epoch()
                await work()

        try:
            uvloop.run(run())  # a million rows pass through this loop: its sockets cost less than asyncio's
        except Refusal as refusal:
            reasons = "; ".join(reason.en for reason in refusal.reasons)
            raise click.ClickException(f"{refusal.text('en')} {reasons}".strip()) from None
        except KeyboardInterrupt:
            click.echo("stopped; run it again to go on", err=True)
            raise SystemExit(STOPPED_EXIT) from None


async def _import(file: Path, source: str, parent_id: UUID | None, *, gentle: bool, watch: bool) -> None:
    received = await open_file_import(file, source=source, parent_id=parent_id)
    stored: Any = received.stored
    if stored.state == "finished":
        click.echo("this file was imported before; nothing is changed")
    else:
        surroundings.collect_rarely()
        try:
            with _Bar(stored) as bar:
                stored = await run_import(stored.id, pace=GENTLE if gentle else FULL, on_progress=bar.show, path=file)
        except ImportElsewhere:
            if not watch:
                raise click.ClickException("another process imports this file; --watch follows it") from None
            stored = await _watch(received.stored)
        except ImportStopped:
            raise click.ClickException("the import was cancelled") from None
    assert stored is not None, "an import is not deleted"
    _print_report(stored)


async def _watch(stored: Any) -> Any:
    """Follow an import that another process runs."""
    with _Bar(stored) as bar:
        while stored.state in {"waiting", "running"}:
            await asyncio.sleep(WATCH_SECONDS)
            stored = await find_import(stored.id)
            bar.show(stored)
    return stored


class _Bar:
    """How far a file has got, in the terminal."""

    def __init__(self, stored: Any) -> None:
        self._progress = Progress(
            TextColumn("import"), BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"),
            TimeRemainingColumn(), console=Console(stderr=True),
        )  # fmt: skip
        self._task = self._progress.add_task("", total=stored.file_bytes, completed=stored.seen_bytes)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, progress: Any) -> None:
        """Show how far an import has got, one that runs here or one as stored."""
        counts = progress.counts
        rows = f"{counts.received:,} rows, {sum(counts.quarantined.values()):,} quarantined"
        self._progress.update(self._task, completed=progress.seen_bytes, description=rows)


def _print_report(stored: Any) -> None:
    click.echo(f"import     {stored.id}\nstate      {stored.state}")
    if stored.refusal is not None:
        flaw = stored.refusal
        raise click.ClickException(f"{flaw.zh} {flaw.en} ({flaw.code})")
    for line in describe_counts(stored.counts):
        click.echo(line)

"""What happens by itself, by the clock or as soon as a request asks for it; no job runs twice at a time.

Jobs wait in the queue's tables, and each kind runs beside the others, so that a file of a million rows holds up no
notice. Every job may be stopped anywhere and run again. Long ones rest between their pieces, except at full pace.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from functools import partial

import click

from app.duties import JOBS
from app.intake.file.queries import imports as imports_queries
from app.kit.background import keep_doing
from app.kit.db.database import database_lifespan
from app.kit.jobs.jobs import run_jobs
from app.kit.jobs.pace import FULL_SHARE, GENTLE_SHARE, StoppablePace
from app.kit.jobs.queue import Job, list_queue_sizes
from app.kit.outside.ask import outside_lifespan
from app.kit.outside.valkey import valkey_lifespan
from app.kit.process import surroundings
from app.kit.process.prepare import prepare_database
from app.kit.security.keys import ensure_keys
from app.notice.actions import notices as notices_actions
from app.score.city.actions import prepare as prepare_actions
from app.values.days import SHANGHAI

COMMAND_SECONDS_MAX = 60  # a piece of long work may take longer than a request
IMPORTS_SHOWN_MAX = 20


@click.command()
@click.option("--full", is_flag=True, help="Long work takes all the time it can instead of 0.3 of it.")
@click.option("--status", is_flag=True, help="Only show what waits, runs and failed, and how far long work has come.")
def worker(*, full: bool, status: bool) -> None:
    """Do what happens by itself: imports, rescoring, notices, rule books, partitions, forgetting."""
    with surroundings.database():
        prepare_database()
        if status:
            click.echo("\n".join(asyncio.run(read_status())))
        else:
            asyncio.run(run_worker(FULL_SHARE if full else GENTLE_SHARE))


async def run_worker(share: float = GENTLE_SHARE) -> None:
    """Work until SIGTERM or SIGINT; short jobs at hand finish, long ones end after the piece at hand."""
    pace = StoppablePace(share)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, pace.stopping.set)
    ensure_keys()
    async with (
        database_lifespan(command_seconds_max=COMMAND_SECONDS_MAX),
        valkey_lifespan(),
        outside_lifespan(),
    ):
        await keep_working(JOBS, pace)


async def keep_working(jobs: Sequence[Job], pace: StoppablePace) -> None:
    """Run jobs until ``pace.stopping`` is set; after any failure of the queue, begin again (decision 52)."""
    await keep_doing("doing jobs", partial(run_jobs, jobs, pace), stopping=pace.stopping)


async def read_status() -> list[str]:
    """Return what an operator wants to know: each job's queue, and how far long work has come."""
    async with database_lifespan():
        return [*await _describe_queue(), "", *await _describe_progress()]


async def _describe_queue() -> list[str]:
    lines = [f"{'job':<18}{'waiting':>8}{'running':>8}  {'last done':<16}last failed"]
    for size in await list_queue_sizes():
        done, failed = (
            f"{at.astimezone(SHANGHAI):%m-%d %H:%M:%S}" if at else "-" for at in (size.done_at, size.failed_at)
        )
        lines.append(f"{size.entrypoint:<18}{size.waiting:>8}{size.running:>8}  {done:<16}{failed}")
    return lines


async def _describe_progress() -> list[str]:
    deliveries = await notices_actions.count_deliveries()
    lines = ["notices           " + (", ".join(f"{name} {number}" for name, number in deliveries.items()) or "none")]
    for waiting in await imports_queries.list_spooled(IMPORTS_SHOWN_MAX):
        row = await imports_queries.find_import(waiting.id)
        if row is None:
            continue
        share = 100 * row.seen_bytes // max(row.file_bytes or 1, 1)
        lines.append(f"import            {row.id} from {row.source}: {row.state}, {share} %")
    preparation = await prepare_actions.read_progress()
    if preparation is not None:
        done = f"{preparation.chunks_done} of {preparation.chunks} ranges"
        lines.append(f"rule book {preparation.rule_book_id:<8}{preparation.phase} for {preparation.as_of}: {done}")
    return lines

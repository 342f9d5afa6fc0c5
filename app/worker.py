"""What happens by itself: partitions ahead, scores that change with the calendar, tombstones that are forgotten.

One worker works, any further ones wait: whoever holds the advisory lock. Every job may be stopped and run again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Awaitable, Callable, Sequence

import asyncpg
import msgspec

from app.kit.clock import now, shanghai_day
from app.kit.database import database_lifespan, transaction
from app.kit.keys import ensure_keys
from app.kit.lock import try_lock
from app.kit.partitions import drop_old_partitions, make_partitions
from app.membership import actions as membership_actions
from app.score import actions as score_actions

LOG = logging.getLogger("huixin.worker")
WORKER_LOCK = 0x776F726B  # "work"
STANDBY_SECONDS = 5
RETRY_SECONDS = 60
LOOK_SECONDS = 1.0
RESCORE_CHUNK = 200


class Job(msgspec.Struct, frozen=True):
    """Something to do every so often."""

    name: str
    every_seconds: int
    run: Callable[[], Awaitable[None]]


async def keep_partitions() -> None:
    """Make the partitions of the days ahead and drop the scans nobody may redeem any more."""
    today = shanghai_day(now())
    await make_partitions(today)
    await drop_old_partitions(today)


async def rescore_due() -> None:
    """Rescore, in chunks that commit, everybody whose score changes by today without a new record."""
    done: set[object] = set()
    while due := [one for one in await score_actions.find_due(shanghai_day(now()), RESCORE_CHUNK) if one not in done]:
        async with transaction():
            await score_actions.rescore(due, at=now())
        done.update(due)


async def forget_tombstones() -> None:
    """Forget those who left more than a year ago."""
    await membership_actions.forget_old_tombstones(now())


JOBS = (
    Job("partitions", 3600, keep_partitions),
    Job("rescore", 600, rescore_due),
    Job("tombstones", 3600, forget_tombstones),
)


async def run_worker() -> None:
    """Work until SIGTERM or SIGINT; the job at hand finishes."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    ensure_keys()
    async with database_lifespan():
        while not stopping.is_set():
            try:
                async with try_lock(WORKER_LOCK) as lost:
                    if lost is not None:
                        await do_jobs(JOBS, stopping, lost)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                LOG.warning("the database is away: %s", type(error).__name__)
            await _sleep(STANDBY_SECONDS, stopping)


async def do_jobs(jobs: Sequence[Job], stopping: asyncio.Event, lost: asyncio.Event) -> None:
    """Run every job when it is due, one after another, until told to stop or the lock is lost."""
    due = dict.fromkeys(jobs, 0.0)
    while not (stopping.is_set() or lost.is_set()):
        for job in jobs:
            if due[job] <= time.monotonic() and not stopping.is_set():
                due[job] = time.monotonic() + await run_job(job)
        await _sleep(LOOK_SECONDS, stopping)


async def run_job(job: Job) -> int:
    """Run a job once and return in how many seconds it is due again; a failing job must not stop the others."""
    try:
        await job.run()
    except Exception:
        LOG.exception("job %s failed", job.name)
        return RETRY_SECONDS
    return job.every_seconds


async def _sleep(seconds: float, stopping: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)

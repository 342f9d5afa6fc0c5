"""Runs jobs through pgqueuer: when something asks for them and by the clock, each one at a time over all workers.

A job may be stopped anywhere and run again: by SIGTERM between two pieces, by a lost connection at once, by kill -9.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Awaitable, Sequence
from datetime import timedelta
from typing import Any

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job as QueuedJob
from pgqueuer.models import Schedule

from app.kit.db.lock import try_lock, watch_connection
from app.kit.jobs.pace import JobStopped, StoppablePace
from app.kit.jobs.queue import Job, release_jobs
from app.piccolo_conf import connection_options

LOG = logging.getLogger("huixin.worker")
JOB_LOCK = 0x6A6F6273  # "jobs"
TICK = b"tick"
RETRY_SECONDS = 60
BUSY_SECONDS = 5  # until a job is tried again that another worker still holds
HEARTBEAT_SECONDS_MAX = 15  # a job silent for so long may be picked by another worker, which then waits for its lock
LOOK_SECONDS = 30  # without any news the queue is looked at
COMMAND_SECONDS_MAX = 10
DRAIN_SECONDS_MAX = 30


class LockLost(Exception):  # noqa: N818 - it says what is true
    """The connection whose lock kept others from a job is gone: the database restarts, or ended it."""


class QueueInterrupted(Exception):  # noqa: N818 - it says what is true
    """The queue ended although nobody stopped it."""


class JobFailed(Exception):  # noqa: N818 - it says what is true
    """A job failed; why is in the worker's own log. Nothing of its values reaches the queue's tables."""


def lock_of(name: str) -> int:
    """Return the number of the lock under which a job runs."""
    return JOB_LOCK << 32 | zlib.crc32(name.encode())


async def run_jobs(jobs: Sequence[Job], pace: StoppablePace) -> None:
    """Work until ``pace.stopping`` is set; what runs then ends, at the latest after its time.

    Raises when it ends for another reason: the connection is lost, or the queue gave up by itself.
    """
    connection = await asyncpg.connect(**connection_options(), command_timeout=COMMAND_SECONDS_MAX)
    try:
        for job in jobs:
            await _release(job)
        queue = PgQueuer.from_asyncpg_connection(connection)
        for job in jobs:
            _register(queue, job, pace)
            await _tick(queue, job.name)
        async with watch_connection(connection) as lost:
            await _run_queue(queue, pace.stopping, lost)
    finally:
        connection.terminate()
    if not pace.stopping.is_set():
        raise QueueInterrupted


async def _run_queue(queue: PgQueuer, stopping: asyncio.Event, lost: asyncio.Event) -> None:
    running = asyncio.create_task(
        queue.run(
            dequeue_timeout=timedelta(seconds=LOOK_SECONDS),
            heartbeat_timeout=timedelta(seconds=HEARTBEAT_SECONDS_MAX),
            shutdown_on_listener_failure=True,
        )
    )
    try:
        await _wait_for_any(running, stopping, lost, queue.shutdown)  # shut down by itself: its listener failed
        if not lost.is_set():
            queue.shutdown.set()
            await asyncio.wait({running}, timeout=DRAIN_SECONDS_MAX)
    finally:
        running.cancel()
        await asyncio.wait({running})
    if not running.cancelled() and (error := running.exception()) is not None:
        raise error


async def _wait_for_any(task: asyncio.Task[Any], *events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait({task, *waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


def _register(queue: PgQueuer, job: Job, pace: StoppablePace) -> None:
    @queue.entrypoint(job.name, concurrency_limit=1, accepts_context=False)
    async def perform(asked: QueuedJob) -> None:
        await run_job(job, pace, is_tick=asked.payload == TICK)

    @queue.schedule(job.name, job.cron, accepts_context=False)
    async def tick(_: Schedule) -> None:
        await _tick(queue, job.name)


async def _tick(queue: PgQueuer, name: str) -> None:
    """Ask for a job because it is time, unless a tick of it still waits or runs."""
    assert queue.queries is not None
    await queue.queries.enqueue([name], [TICK], [0], dedupe_key=[name], on_conflict="skip")


async def run_job(job: Job, pace: StoppablePace, *, is_tick: bool) -> None:
    """Run a job once, alone among all workers; a tick that fails is tried again soon, other calls leave it to the tick.

    The lock is what keeps it alone: a worker that was frozen and wakes up still holds it.
    """
    async with try_lock(lock_of(job.name)) as lost:
        if lost is None:
            raise RetryRequested(timedelta(seconds=BUSY_SECONDS), "another worker holds it")
        failure = await _run_until(job.run(pace), lost)
    if isinstance(failure, JobStopped):
        raise RetryRequested(timedelta(0), "the worker stops")
    if isinstance(failure, LockLost):
        raise RetryRequested(timedelta(seconds=BUSY_SECONDS), "its lock was lost")
    if failure is not None:
        LOG.error("job %s failed", job.name, exc_info=failure)
        if is_tick:
            raise RetryRequested(timedelta(seconds=RETRY_SECONDS), type(failure).__name__)
        raise JobFailed(type(failure).__name__)


async def _run_until(work: Awaitable[object], lost: asyncio.Event) -> BaseException | None:
    """Await work unless the lock under it is lost, and return how it failed."""
    task = asyncio.ensure_future(_hold(work))
    try:
        await _wait_for_any(task, lost)
    finally:
        task.cancel()
        await asyncio.wait({task})
    if task.cancelled():
        return LockLost()
    return task.result()


async def _hold(work: Awaitable[object]) -> BaseException | None:
    try:
        await work
    except (Exception, JobStopped) as error:  # noqa: BLE001 - whatever it is, the worker goes on
        return error
    return None


async def _release(job: Job) -> None:
    """Give back what a worker that is gone was doing: its lock is free, so nobody does it now."""
    async with try_lock(lock_of(job.name)) as free:
        if free is not None and await release_jobs(job.name):
            LOG.warning("job %s was left behind and is done again", job.name)

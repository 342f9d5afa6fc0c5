"""Workers that run within a test, and what the queue holds."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app import worker
from app.kit.db.database import fetch_value
from app.kit.jobs import jobs
from app.kit.jobs.pace import StoppablePace
from app.kit.jobs.queue import Job

NEVER = "0 0 1 1 *"
SECONDS_MAX = 60


@asynccontextmanager
async def working(*some: Job) -> AsyncIterator[StoppablePace]:
    """Run a worker with some jobs."""
    pace = StoppablePace(1.0)
    task = asyncio.create_task(worker.keep_working(some, pace), context=contextvars.Context())
    try:
        yield pace
    finally:
        pace.stopping.set()
        await asyncio.wait_for(task, jobs.DRAIN_SECONDS_MAX)


async def count_jobs(name: str, status: str = "queued") -> int:
    """Return how many jobs of a name are in one state."""
    sql = "SELECT count(*) FROM pgqueuer WHERE entrypoint = $1 AND status = $2::pgqueuer_status"
    return int(await fetch_value(sql, name, status))


async def is_put_off(name: str) -> bool:
    """Whether a job was tried and waits for its next try."""
    return bool(await fetch_value("SELECT count(*) FROM pgqueuer WHERE entrypoint = $1 AND attempts > 0", name))


async def none_left(name: str) -> bool:
    """Whether nobody has a job of this name to do; one question, since a job given back goes from state to state."""
    sql = "SELECT count(*) FROM pgqueuer WHERE entrypoint = $1 AND status IN ('queued', 'picked')"
    return bool(await fetch_value(sql, name) == 0)


async def is_at_least_one(sql: str) -> bool:
    """Whether a statement counts any."""
    return bool(await fetch_value(sql))


async def so(is_so: bool) -> bool:
    """Whether it is so: what a test notes itself, to be waited for like what stands in the database."""
    return is_so

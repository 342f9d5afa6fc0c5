"""Leaving work for the worker: a job in the caller's transaction, and what an operator sees of the queue.

Plain SQL in the format of pgqueuer's tables, so that the API need not load it. Its dedupe keys are not used here: whose
key conflicts waits until the other transaction ends, which lines up everybody behind an import; and a job that is
already running, or is picked before this transaction commits, would swallow the news.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec

from app.kit.db.database import execute, fetch_all
from app.kit.jobs.pace import StoppablePace

SHARED_SECONDS_MAX = 1.0
LOG_DAYS = 3


class Job(msgspec.Struct, frozen=True):
    """Something to do when asked for by its name, and by the clock: a cron line in UTC, seconds as a sixth part."""

    name: str
    cron: str
    run: Callable[[StoppablePace], Awaitable[object]]


class QueueSize(msgspec.Struct, frozen=True):
    """How much of one kind of work waits and runs, and when it last ended well or badly."""

    entrypoint: str
    waiting: int
    running: int
    oldest_at: datetime | None
    done_at: datetime | None
    failed_at: datetime | None


async def enqueue(entrypoint: str) -> None:
    """Have the worker do a job as soon as the caller's transaction commits; a thousand calls make one job or a few.

    Who finds a job that waits locks it until the commit instead of adding another: the worker passes over locked jobs,
    so it starts when everything it was asked for can be seen. A job is shared for its first second only, so that those
    who come later cannot keep it locked for ever.
    """
    await execute(
        """
        WITH shared AS MATERIALIZED (
            SELECT id FROM pgqueuer
            WHERE entrypoint = $1 AND status = 'queued' AND execute_after <= now()
                AND created > clock_timestamp() - $2 * interval '1 second'
            ORDER BY id DESC
            LIMIT 1
            FOR KEY SHARE SKIP LOCKED
        ), job AS (
            INSERT INTO pgqueuer (priority, created, entrypoint, status)
            SELECT 0, clock_timestamp(), $1, 'queued' WHERE NOT EXISTS (SELECT FROM shared)
            RETURNING id, status, entrypoint, priority
        )
        INSERT INTO pgqueuer_log (job_id, status, entrypoint, priority)
        SELECT id, status, entrypoint, priority FROM job
        """,
        entrypoint,
        SHARED_SECONDS_MAX,
    )


async def release_jobs(entrypoint: str) -> int:
    """Give back jobs whose worker is gone; the caller holds the lock under which such jobs run."""
    return await execute(
        """
        UPDATE pgqueuer SET status = 'queued', queue_manager_id = NULL, slot = NULL, updated = now()
        WHERE entrypoint = $1 AND status = 'picked'
        """,
        entrypoint,
    )


async def list_queue_sizes() -> list[QueueSize]:
    """Return what waits, runs and has ended in the queue, by name of the job."""
    return await fetch_all(
        QueueSize,
        """
        SELECT name AS entrypoint, coalesce(waiting, 0) AS waiting, coalesce(running, 0) AS running, oldest_at,
               (SELECT max(created) FROM pgqueuer_log WHERE entrypoint = name AND status = 'successful') AS done_at,
               (SELECT max(created) FROM pgqueuer_log WHERE entrypoint = name AND status = 'exception') AS failed_at
        FROM (SELECT entrypoint AS name FROM pgqueuer_schedules UNION SELECT entrypoint FROM pgqueuer) named
        LEFT JOIN (
            SELECT entrypoint AS name, count(*) FILTER (WHERE status = 'queued') AS waiting,
                   count(*) FILTER (WHERE status = 'picked') AS running, min(created) AS oldest_at
            FROM pgqueuer GROUP BY entrypoint
        ) sizes USING (name)
        ORDER BY name
        """,
    )


async def forget_old_jobs(at: datetime) -> int:
    """Delete what the queue noted of jobs that ended days ago, and schedules that no worker has any more."""
    before = at - timedelta(days=LOG_DAYS)
    await execute("DELETE FROM pgqueuer_statistics WHERE created < $1", before)
    await execute("DELETE FROM pgqueuer_schedules WHERE updated < $1", before)
    return await execute("DELETE FROM pgqueuer_log WHERE created < $1", before)

"""Whatever dies meanwhile, a job is done: by the same worker or by the next."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from app.kit.clock import now
from app.kit.db.database import execute
from app.kit.db.lock import try_lock
from app.kit.jobs.jobs import lock_of
from app.kit.jobs.pace import StoppablePace
from app.kit.jobs.queue import Job
from app.values.days import shanghai_day
from tests.support.waiting import patient_connection, wait_until
from tests.support.working import NEVER, SECONDS_MAX, count_jobs, is_at_least_one, is_put_off, none_left, so, working


async def test_a_worker_that_slept_still_holds_its_job(empty_queue: None) -> None:
    """The queue gives a silent worker's job to another one; the lock makes that one wait."""
    del empty_queue
    ran: list[str] = []

    async def note(_: StoppablePace) -> None:
        ran.append("ran")

    async with try_lock(lock_of("test")) as held:
        assert held is not None
        async with working(Job("test", NEVER, note)):
            await wait_until(lambda: is_put_off("test"))
    assert ran == []


async def test_the_worker_goes_on_after_its_connections_were_cut(empty_queue: None) -> None:
    del empty_queue
    ran: list[str] = []
    stuck = asyncio.Event()

    async def note(_: StoppablePace) -> None:
        ran.append("ran")
        if len(ran) == 1:
            await stuck.wait()  # cut off in the middle: it is done again

    async with working(Job("test", NEVER, note)):
        await wait_until(lambda: so(len(ran) == 1))
        await execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
                AND (query LIKE '%pg_try_advisory_lock%' OR query LIKE '%pgqueuer%' OR query LIKE '%pg_notify%')
            """
        )
        await wait_until(lambda: so(len(ran) == 2))
        await wait_until(lambda: none_left("test"))


async def test_what_a_killed_worker_was_doing_is_done_again_at_once(empty_queue: None) -> None:
    """Its lock is free, so nobody waits for its heartbeat to be missed."""
    del empty_queue
    ran: list[str] = []

    async def note(_: StoppablePace) -> None:
        ran.append("ran")

    await execute(
        """
        INSERT INTO pgqueuer (priority, entrypoint, status, queue_manager_id, slot, dedupe_key, payload)
        VALUES (0, 'test', 'picked', gen_random_uuid(), 0, 'test', 'tick')
        """
    )
    async with working(Job("test", NEVER, note)):
        await wait_until(lambda: none_left("test"))
    assert ran == ["ran"]


@asynccontextmanager
async def process() -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the command, without Valkey, which it can do without; stop it when the test does not."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", "worker", stderr=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != "VALKEY_URL"},
    )  # fmt: skip
    try:
        yield started
    finally:
        if started.returncode is None:
            started.send_signal(signal.SIGTERM)
            _, said = await asyncio.wait_for(started.communicate(), SECONDS_MAX)
            assert started.returncode == 0, said.decode()


async def test_a_worker_killed_at_work_leaves_it_to_the_next(empty_queue: None) -> None:
    del empty_queue
    done = "SELECT count(*) FROM pgqueuer_log WHERE entrypoint = 'partitions' AND status = 'successful'"
    async with patient_connection() as connection, connection.transaction():
        # Partitions are made under this lock: the job is at work and cannot end.
        await connection.execute("SELECT pg_advisory_xact_lock($1)", 0x70617274)
        await connection.execute(f"DROP TABLE scan_{shanghai_day(now()) + timedelta(days=8):%Y%m%d}")
        async with process() as first:
            await wait_until(lambda: _is_picked("partitions"))
            first.kill()
            await first.wait()
        assert await _is_picked("partitions")
    async with process():
        await wait_until(lambda: is_at_least_one(done))


async def _is_picked(name: str) -> bool:
    return await count_jobs(name, "picked") == 1

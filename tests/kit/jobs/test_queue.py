"""Asking for a job: in the transaction at hand, once for everybody, for as long as it is of use."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from app.kit.clock import now, uuid7
from app.kit.db.database import execute, fetch_value, transaction
from app.kit.jobs import queue
from app.kit.jobs.pace import StoppablePace
from app.kit.jobs.queue import LOG_DAYS, Job, enqueue, forget_old_jobs
from tests.support.waiting import wait_until
from tests.support.working import NEVER, SECONDS_MAX, count_jobs, is_at_least_one, so, working

Answer = TypeVar("Answer")


async def outside(asked: Coroutine[Any, Any, Answer]) -> Answer:
    """Await something outside of the transaction at hand."""
    return await asyncio.create_task(asked, context=contextvars.Context())


async def test_a_thousand_calls_leave_one_job(empty_queue: None, monkeypatch: pytest.MonkeyPatch) -> None:
    del empty_queue
    monkeypatch.setattr(queue, "SHARED_SECONDS_MAX", 3600.0)  # however long a thousand calls take
    async with transaction():
        for _ in range(1000):
            await enqueue("test")
    assert await count_jobs("test") == 1
    await enqueue("test")
    assert await count_jobs("test") == 1


async def test_nothing_is_asked_for_when_the_transaction_fails(empty_queue: None) -> None:
    del empty_queue
    with pytest.raises(ZeroDivisionError):
        async with transaction():
            await enqueue("test")
            raise ZeroDivisionError
    assert await count_jobs("test") == 0


async def test_a_job_starts_when_everybody_who_shares_it_has_committed(empty_queue: None) -> None:
    """Else it would look before there is anything to see, and nobody would ask again."""
    del empty_queue
    marker, seen, probed = uuid7(), list[int](), asyncio.Event()

    async def probe(_: StoppablePace) -> None:
        probed.set()

    async def look(_: StoppablePace) -> None:
        seen.append(int(await fetch_value("SELECT count(*) FROM cache_version WHERE name = $1", str(marker))))

    await enqueue("test")
    async with AsyncExitStack() as stack:
        async with transaction():
            await execute("INSERT INTO cache_version (name, version) VALUES ($1, 1)", str(marker))
            await enqueue("test")
            assert await count_jobs("test") == 1
            await stack.enter_async_context(working(Job("test", NEVER, look), Job("probe", NEVER, probe)))
            await wait_until(lambda: is_at_least_one("SELECT count(*) FROM pgqueuer WHERE payload = 'tick'"))
            for _ in range(2):  # what is asked for after it is done: so the worker has looked, and passed it over
                probed.clear()
                await outside(enqueue("probe"))
                await asyncio.wait_for(probed.wait(), SECONDS_MAX)
            assert seen == []
        await wait_until(lambda: so(len(seen) == 2))  # this one and the worker's tick at the start
    assert seen == [1, 1]
    await execute("DELETE FROM cache_version WHERE name = $1", str(marker))


async def test_a_job_is_shared_for_a_second_only(empty_queue: None) -> None:
    del empty_queue
    await enqueue("test")
    await execute("UPDATE pgqueuer SET created = created - $1 * interval '1 second'", queue.SHARED_SECONDS_MAX + 0.1)
    await enqueue("test")
    assert await count_jobs("test") == 2


async def test_two_at_once_do_not_wait_for_each_other(empty_queue: None) -> None:
    del empty_queue
    async with transaction():
        await enqueue("test")
        await asyncio.wait_for(outside(enqueue("test")), SECONDS_MAX)
    assert await count_jobs("test") == 2


@pytest.mark.parametrize(("days", "is_kept"), [(LOG_DAYS - 1, True), (LOG_DAYS + 1, False)])
async def test_the_queue_does_not_grow_for_ever(empty_queue: None, days: int, is_kept: bool) -> None:
    del empty_queue
    at = now() - timedelta(days=days)
    await execute(
        "INSERT INTO pgqueuer_log (created, job_id, status, priority, entrypoint) VALUES ($1, 1, 'successful', 0, 'x')",
        at,
    )
    await execute(
        """
        INSERT INTO pgqueuer_statistics (created, count, priority, status, entrypoint) VALUES ($1, 1, $2, 'queued', 'x')
        """,
        at,
        days,
    )
    await forget_old_jobs(now())
    assert await fetch_value("SELECT count(*) FROM pgqueuer_log WHERE entrypoint = 'x'") == is_kept
    assert await fetch_value("SELECT count(*) FROM pgqueuer_statistics WHERE priority = $1", days) == is_kept
    await execute("DELETE FROM pgqueuer_statistics WHERE entrypoint = 'x'")


async def test_an_operator_sees_the_queue(empty_queue: None) -> None:
    del empty_queue
    await enqueue("imports")
    said = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", "worker", "--status", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await said.communicate()
    assert said.returncode == 0
    line = next(line for line in out.decode().splitlines() if line.startswith("imports"))
    assert line.split()[1:3] == ["1", "0"]

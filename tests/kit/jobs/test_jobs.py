"""Doing jobs: as soon as they are asked for, each alone among all workers, none held up by another."""

from __future__ import annotations

import asyncio

import pytest

from app.kit.db.database import fetch_value, transaction
from app.kit.jobs import jobs
from app.kit.jobs.pace import StoppablePace
from app.kit.jobs.queue import Job, enqueue, list_queue_sizes
from tests.support.waiting import wait_until
from tests.support.working import NEVER, SECONDS_MAX, count_jobs, is_put_off, none_left, so, working


async def test_a_job_runs_as_soon_as_it_is_asked_for(empty_queue: None, monkeypatch: pytest.MonkeyPatch) -> None:
    del empty_queue
    monkeypatch.setattr(jobs, "LOOK_SECONDS", 3600)  # so that it is the news that wakes it
    ran: list[str] = []

    async def note(_: StoppablePace) -> None:
        ran.append("ran")

    async with working(Job("test", NEVER, note)):
        await wait_until(lambda: so(len(ran) == 1))  # its tick at the start
        async with transaction():
            await enqueue("test")
        await wait_until(lambda: so(len(ran) == 2))
        await wait_until(lambda: none_left("test"))
    assert await fetch_value("SELECT count(*) FROM pgqueuer_log WHERE status = 'successful'") == 2


async def test_the_clock_asks_too(empty_queue: None) -> None:
    del empty_queue
    ran: list[str] = []

    async def note(_: StoppablePace) -> None:
        ran.append("ran")

    async with working(Job("test", "* * * * * *", note)):
        await wait_until(lambda: so(len(ran) >= 3))


async def test_a_long_job_holds_up_no_other_and_is_never_done_twice_at_once(empty_queue: None) -> None:
    del empty_queue
    running, most, short = 0, 0, 0
    release = asyncio.Event()

    async def take_long(_: StoppablePace) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await release.wait()
        running -= 1

    async def be_short(_: StoppablePace) -> None:
        nonlocal short
        short += 1

    some = (Job("long", NEVER, take_long), Job("short", NEVER, be_short))
    async with working(*some), working(*some):
        await wait_until(lambda: so(running == 1))
        await enqueue("long")
        await enqueue("short")
        await wait_until(lambda: so(short >= 2))
        release.set()
        await wait_until(lambda: none_left("long"))
    assert most == 1


async def test_a_failing_job_is_tried_again_and_stops_no_other(
    empty_queue: None, caplog: pytest.LogCaptureFixture
) -> None:
    del empty_queue
    ran: list[str] = []

    async def fail(_: StoppablePace) -> None:
        ran.append("fail")
        raise ValueError("a secret")

    async def work(_: StoppablePace) -> None:
        ran.append("work")

    async with working(Job("fail", NEVER, fail), Job("work", NEVER, work)):
        await wait_until(lambda: so(set(ran) == {"fail", "work"}))
        await wait_until(lambda: is_put_off("fail"))
        await enqueue("fail")
        await wait_until(lambda: so(ran.count("fail") == 2))
        await wait_until(lambda: _so_failed("fail"))
    assert await count_jobs("fail") == 1, "the tick waits for its next try, what was asked for is left to it"
    seconds = await fetch_value("SELECT extract(epoch FROM execute_after - updated)::integer FROM pgqueuer")
    assert seconds == jobs.RETRY_SECONDS
    assert "a secret" not in [record.getMessage() for record in caplog.records]
    logged = await fetch_value("SELECT string_agg(traceback::text, ' ') FROM pgqueuer_log")
    assert "ValueError" in logged
    assert "a secret" not in logged


async def _so_failed(name: str) -> bool:
    return next(size for size in await list_queue_sizes() if size.entrypoint == name).failed_at is not None


async def test_stopping_lets_short_work_finish_and_ends_long_work_between_two_pieces(empty_queue: None) -> None:
    del empty_queue
    pieces: list[str] = []
    at_work = asyncio.Event()

    async def take_long(pace: StoppablePace) -> None:
        while True:
            async with pace.work():
                at_work.set()
                await pace.stopping.wait()
                pieces.append("whole")

    async def be_short(pace: StoppablePace) -> None:
        await asyncio.gather(at_work.wait(), pace.stopping.wait())
        pieces.append("short")

    async with working(Job("long", NEVER, take_long), Job("short", NEVER, be_short)):
        await asyncio.wait_for(at_work.wait(), SECONDS_MAX)
    assert sorted(pieces) == ["short", "whole"]
    assert await count_jobs("long") == 1, "it waits for the next worker"
    assert await count_jobs("short") == 0
    assert await count_jobs("long", "picked") == 0

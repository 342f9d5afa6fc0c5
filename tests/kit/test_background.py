"""Nothing that lives long dies in silence: whatever it raises, it is logged and goes on; who has ended is named."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import Any

import asyncpg
import pytest

from app.kit import background
from app.kit.background import (
    BACKOFF_SECONDS_MAX,
    BACKOFF_SECONDS_MIN,
    compute_pause,
    find_ended,
    in_background,
    in_thread,
    keep_doing,
)

FAILURES = [
    asyncpg.InternalClientError("cannot switch to state 14; another operation (2) is in progress"), OSError("gone"),
    KeyError("a secret"), asyncio.CancelledError(), RecursionError(), ExceptionGroup("many", [ValueError()]),
]  # fmt: skip
SECONDS_MAX = 10


class Work:
    """Work that fails a few times and then says so."""

    def __init__(self, failure: BaseException, times: int = 2) -> None:
        self.failure = failure
        self.left = times
        self.well = asyncio.Event()

    async def do(self) -> None:
        if self.left:
            self.left -= 1
            raise self.failure
        self.well.set()
        await asyncio.Event().wait()


@pytest.mark.parametrize("failure", FAILURES, ids=lambda one: type(one).__name__)
async def test_it_goes_on_whatever_is_raised(failure: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    work = Work(failure)
    async with in_background("working", work.do):
        await asyncio.wait_for(work.well.wait(), SECONDS_MAX)
        assert find_ended() == []
    said = [record for record in caplog.records if record.name == "huixin.background"]
    assert [record.getMessage() for record in said] == [f"working failed and goes on: {type(failure).__name__}"] * 2
    assert all(record.exc_info is not None for record in said), "the place"


async def test_a_cancellation_that_is_swallowed_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``asyncio.wait_for`` of Python 3.11 does when what it waits for is there in the same moment."""
    monkeypatch.setattr(background, "CANCEL_SECONDS", 0.01)
    begun, swallowed = asyncio.Event(), 0

    async def work() -> None:
        nonlocal swallowed
        begun.set()
        while swallowed < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1
        await asyncio.Event().wait()

    async with asyncio.timeout(SECONDS_MAX):
        async with in_background("working", work):
            await begun.wait()
    assert swallowed == 2


async def test_a_round_that_swallows_its_cancellation_is_the_last_one() -> None:
    begun, rounds = asyncio.Event(), 0

    async def work() -> None:
        nonlocal rounds
        rounds += 1
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    async with in_background("working", work):
        await begun.wait()
    assert rounds == 1


async def test_its_end_stops_it() -> None:
    work = Work(ValueError(), times=0)
    async with in_background("working", work.do):
        await work.well.wait()
        assert "working" in {task.get_name() for task in asyncio.all_tasks()}
    assert "working" not in {task.get_name() for task in asyncio.all_tasks()}
    assert find_ended() == []


async def test_the_pause_doubles_up_to_its_limit_and_begins_again_after_a_good_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    rounds = 0
    stopping = asyncio.Event()

    async def wait(waited: Any, pause: float) -> None:
        waited.close()
        pauses.append(pause)
        raise TimeoutError

    async def work() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 10:
            stopping.set()
        if rounds != 7:
            raise ValueError

    monkeypatch.setattr(asyncio, "wait_for", wait)
    await keep_doing("working", work, stopping=stopping)
    up = [0.05, 0.1, 0.2, 0.4, 0.8, 1.0]
    assert pauses == [*up, 0.05, 0.1, 0.2]
    assert up[0] == BACKOFF_SECONDS_MIN
    assert compute_pause(BACKOFF_SECONDS_MAX) == BACKOFF_SECONDS_MAX


async def test_stopping_ends_a_pause_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "BACKOFF_SECONDS_MIN", 60.0)
    stopping, failed = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        failed.set()
        raise ValueError

    task = asyncio.ensure_future(keep_doing("working", work, stopping=stopping))
    await failed.wait()
    stopping.set()
    await asyncio.wait_for(task, SECONDS_MAX)


async def test_whoever_ended_all_the_same_is_named_and_the_process_is_not_ready(client: Any) -> None:
    """Only what ends a whole process ends a task, or somebody who cancels it without knowing what it is."""
    work = Work(ValueError(), times=0)
    async with in_background("a task that ends", work.do):
        await work.well.wait()
        assert (await client.get("/health/ready")).status_code == 200
        (task,) = [one for one in asyncio.all_tasks() if one.get_name() == "a task that ends"]
        task.cancel()
        await asyncio.wait({task})
        assert find_ended() == ["a task that ends"]
        answer = await client.get("/health/ready")
        assert (answer.status_code, [reason["code"] for reason in answer.json()["reasons"]]) == (503, ["background"])
    assert (await client.get("/health/ready")).status_code == 200


def test_a_thread_goes_on_too(caplog: pytest.LogCaptureFixture) -> None:
    well, rounds = threading.Event(), 0

    def work(stopping: threading.Event) -> None:
        nonlocal rounds
        rounds += 1
        if rounds < 3:
            raise OSError
        well.set()
        stopping.wait(0.01)

    with caplog.at_level(logging.WARNING), in_thread("working", work):
        assert well.wait(SECONDS_MAX)
    ended = rounds
    assert [record.getMessage() for record in caplog.records] == ["working failed and goes on: OSError"] * 2
    assert ended == rounds
    assert not [thread for thread in threading.enumerate() if thread.name == "working"]

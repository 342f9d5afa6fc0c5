"""Whoever waits is given up when it is time, neither before nor never, by one timer for all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.kit.patience import Patience
from tests.support.waiting import next_turn

SOON, LATE = 0.05, 60.0


async def test_what_comes_is_returned_and_what_is_raised_is_raised() -> None:
    patience, due_at = Patience(), asyncio.get_running_loop().time() + LATE

    async def come() -> str:
        await next_turn()
        return "it"

    async def fail() -> str:
        await next_turn()
        raise KeyError

    assert await patience.wait(come(), due_at) == "it"
    with pytest.raises(KeyError):
        await patience.wait(fail(), due_at)
    assert patience._due == {}


@pytest.mark.parametrize("places", [[0, 1, 2], [2, 1, 0], [1, 0, 2]])
async def test_each_is_given_up_when_it_is_due(places: list[int]) -> None:
    """Whoever is due first, wherever they came, and though somebody else waits much longer."""
    loop, patience, never, ended = asyncio.get_running_loop(), Patience(), asyncio.Event(), list[int]()
    due_at = [loop.time() + SOON * (place + 1) for place in range(3)]

    async def wait(place: int) -> None:
        with pytest.raises(TimeoutError):
            await patience.wait(never.wait(), due_at[place])
        assert loop.time() >= due_at[place]
        ended.append(place)

    longest = asyncio.ensure_future(patience.wait(never.wait(), loop.time() + LATE))
    async with asyncio.timeout(LATE / 2):
        await asyncio.gather(*map(wait, places))
    assert ended == [0, 1, 2]
    assert not longest.done()
    never.set()
    assert await longest


async def test_whoever_is_due_is_given_up_though_it_was_due_before() -> None:
    with pytest.raises(TimeoutError):
        await Patience().wait(asyncio.Event().wait(), asyncio.get_running_loop().time() - 1)


async def test_who_is_cancelled_is_cancelled() -> None:
    patience = Patience()
    waiting = asyncio.ensure_future(patience.wait(asyncio.Event().wait(), asyncio.get_running_loop().time() + LATE))
    await next_turn()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert patience._due == {}


async def test_who_is_cancelled_while_it_is_given_up_is_cancelled() -> None:
    patience = Patience()
    waiting = asyncio.ensure_future(patience.wait(asyncio.Event().wait(), asyncio.get_running_loop().time() - 1))
    give_up = patience._give_up

    def cancel_and_give_up() -> None:
        waiting.cancel()
        give_up()

    patience._give_up = cancel_and_give_up  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert waiting.cancelled()


async def test_what_will_not_be_given_up_is_no_cancellation_afterwards() -> None:
    patience, task = Patience(), asyncio.current_task()
    assert task is not None
    before = task.cancelling()  # all tests are one task; one of them may have left something

    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "it"
        return "never"

    assert await patience.wait(stubborn(), asyncio.get_running_loop().time()) == "it"
    assert task.cancelling() == before
    assert patience._given_up == set()


def test_all_share_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a loop of its own: on the one all tests share others make timers, too."""
    patience, made = Patience(), list[float]()

    async def wait_often() -> float:
        loop = asyncio.get_running_loop()
        call_at = loop.call_at

        def count(when: float, *more: Any, **options: Any) -> asyncio.TimerHandle:
            made.append(when)
            return call_at(when, *more, **options)

        monkeypatch.setattr(loop, "call_at", count)
        due_at = loop.time() + LATE
        for number in range(100):
            await patience.wait(next_turn(), due_at + number)
        return due_at

    assert asyncio.run(wait_often()) == made[0]
    assert len(made) == 1


def test_a_loop_that_has_ended_keeps_nobody_of_the_next_one_waiting() -> None:
    patience = Patience()

    async def wait() -> None:
        with pytest.raises(TimeoutError):
            await patience.wait(asyncio.Event().wait(), asyncio.get_running_loop().time() + SOON)

    async def wait_long() -> None:
        await patience.wait(next_turn(), asyncio.get_running_loop().time() + LATE)

    asyncio.run(wait_long())
    asyncio.run(asyncio.wait_for(wait(), LATE / 2))

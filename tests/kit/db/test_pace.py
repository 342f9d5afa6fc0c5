"""A paced lane: a crowd gathers between its batches, and nobody else waits."""

from __future__ import annotations

import asyncio

import pytest

from app.kit.db.group_commit import PACED_FROM_ITEMS, SHARED_BY_ITEMS, GroupCommit, coalesce
from tests.support.batches import Recorder
from tests.support.waiting import let_run

PACE = 4.0


class Hours:
    """A clock that stands still but for those who sleep, and remembers for how long they did."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.slept: list[float] = []
        self.go = asyncio.Event()

    def read(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.go.wait()
        self.at += seconds


def paced_lane(recorder: Recorder, hours: Hours, *, batch_size_max: int = 10) -> GroupCommit[str, str]:
    return GroupCommit(
        recorder.run, lanes=1, batch_size_max=batch_size_max, queue_size_max=100, pace_seconds=PACE,
        clock=hours.read, sleep=hours.sleep,
    )  # fmt: skip


async def submit_all(commit: GroupCommit[str, str], items: str) -> list[asyncio.Task[str]]:
    waiting = [asyncio.create_task(commit.submit(item)) for item in items]
    await let_run()
    return waiting


@pytest.mark.parametrize(
    ("crowd", "passed", "slept"),
    [
        (1, 0.0, []),
        (PACED_FROM_ITEMS - 1, 0.0, []),
        (PACED_FROM_ITEMS, 0.0, [PACE]),
        (PACED_FROM_ITEMS, 1.0, [PACE - 1.0]),
        (PACED_FROM_ITEMS, PACE, []),
        (PACED_FROM_ITEMS, PACE + 1, []),
    ],
)
async def test_a_paced_lane_waits_only_soon_after_a_crowd(crowd: int, passed: float, slept: list[float]) -> None:
    recorder, hours = Recorder(), Hours()
    commit = paced_lane(recorder, hours)
    await asyncio.gather(*await submit_all(commit, "abcdefghij"[:crowd]))
    assert hours.slept == []  # the first batch waits for nobody
    hours.at += passed
    hours.go.set()
    assert await commit.submit("x") == "X"
    assert hours.slept == slept


async def test_whoever_comes_while_a_paced_lane_waits_goes_together_and_the_next_one_is_not_held_up() -> None:
    recorder, hours = Recorder(), Hours()
    commit = paced_lane(recorder, hours)
    waiting = await submit_all(commit, "abcd")
    waiting += await submit_all(commit, "e")
    waiting += await submit_all(commit, "fg")
    assert recorder.batches == [["a", "b", "c", "d"]]
    hours.go.set()
    await asyncio.gather(*waiting)
    assert recorder.batches == [["a", "b", "c", "d"], ["e", "f", "g"]]
    await commit.submit("h")  # the batch before it was no crowd any more
    assert hours.slept == [PACE]


async def test_a_paced_lane_does_not_wait_where_a_whole_batch_does() -> None:
    recorder, hours = Recorder(), Hours()
    commit = paced_lane(recorder, hours, batch_size_max=PACED_FROM_ITEMS)
    await asyncio.gather(*await submit_all(commit, "abcdefgh"))
    assert [len(batch) for batch in recorder.batches] == [PACED_FROM_ITEMS] * 2
    assert hours.slept == []


async def test_draining_waits_for_those_whom_a_pace_holds_up() -> None:
    recorder, hours = Recorder(), Hours()
    commit = paced_lane(recorder, hours)
    waiting = await submit_all(commit, "abcd")
    waiting += await submit_all(commit, "e")
    drained = asyncio.create_task(commit.drain())
    await let_run()
    assert not drained.done()
    hours.go.set()
    await drained
    assert [task.result() for task in waiting] == list("ABCDE")


@pytest.mark.parametrize(("items", "slept"), [("a", []), ("abcdefg"[:SHARED_BY_ITEMS], [PACE])])
async def test_a_paced_read_waits_only_after_one_that_was_shared(
    items: str, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, hours = Recorder(), Hours()
    read = coalesce(recorder.run, pace_seconds=PACE)
    monkeypatch.setattr(read, "_clock", hours.read)
    monkeypatch.setattr(read, "_sleep", hours.sleep)
    await asyncio.gather(*await submit_all(read, items))
    waiting = await submit_all(read, "xy")
    assert hours.slept == slept
    hours.go.set()
    await asyncio.gather(*waiting)
    assert [sorted(batch) for batch in recorder.batches] == [sorted(items), ["x", "y"]]


async def test_a_lane_without_a_pace_never_waits() -> None:
    hours = Hours()
    commit: GroupCommit[str, str] = GroupCommit(
        Recorder().run, lanes=1, batch_size_max=10, queue_size_max=100, clock=hours.read, sleep=hours.sleep
    )
    for _ in range(3):
        await asyncio.gather(*map(commit.submit, "abcdefgh"))
    assert hours.slept == []

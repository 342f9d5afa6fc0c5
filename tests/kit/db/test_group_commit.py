"""Group commit: who waits together goes together, nobody harms a neighbour, nobody is forgotten."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Hashable, Iterable, Sequence

import pytest

from app.kit.db.group_commit import ROUNDS_MAX, GroupCommit, coalesce
from app.kit.errors import Overloaded
from tests.support.batches import IN_TRANSACTION, Recorder
from tests.support.waiting import let_run


def lane(
    recorder: Recorder,
    *,
    lanes: int = 1,
    batch_size_max: int = 3,
    queue_size_max: int = 100,
    conflict_keys: object = None,
) -> GroupCommit[str, str]:
    return GroupCommit(
        recorder.run,
        lanes=lanes,
        batch_size_max=batch_size_max,
        queue_size_max=queue_size_max,
        conflict_keys=conflict_keys,  # type: ignore[arg-type]
    )


def first_letter(item: str) -> Iterable[Hashable]:
    return [item[0]]


async def test_who_waits_together_shares_a_batch_of_at_most_its_size() -> None:
    recorder = Recorder()
    commit = lane(recorder)
    assert await asyncio.gather(*map(commit.submit, "abcdefg")) == list("ABCDEFG")
    assert recorder.batches == [["a", "b", "c"], ["d", "e", "f"], ["g"]]


async def test_a_lone_item_waits_for_nobody() -> None:
    recorder = Recorder()
    assert await lane(recorder).submit("a") == "A"
    assert recorder.batches == [["a"]]


async def test_lanes_run_at_once_and_no_more_than_there_are() -> None:
    recorder = Recorder(hold=True)
    commit = lane(recorder, lanes=2, batch_size_max=1)
    waiting = [asyncio.create_task(commit.submit(item)) for item in "abcd"]
    await let_run()
    assert recorder.running == 2
    recorder.go.set()
    assert await asyncio.gather(*waiting) == list("ABCD")
    assert recorder.most_at_once == 2


async def test_items_that_conflict_never_share_a_batch_and_keep_their_order() -> None:
    recorder = Recorder()
    commit = lane(recorder, batch_size_max=10, conflict_keys=first_letter)
    await asyncio.gather(*map(commit.submit, ["a1", "a2", "b1", "a3", "b2", "c1"]))
    assert recorder.batches == [["a1", "b1", "c1"], ["a2", "b2"], ["a3"]]


async def test_an_outcome_that_is_an_error_reaches_its_own_caller_alone() -> None:
    commit = lane(Recorder())
    outcomes = await asyncio.gather(*map(commit.submit, ["a", "bad", "c"]), return_exceptions=True)
    assert outcomes[0] == "A"
    assert isinstance(outcomes[1], ValueError)
    assert outcomes[2] == "C"


async def test_a_batch_that_raises_reaches_all_its_callers_and_the_next_batch_runs() -> None:
    async def run(items: list[str]) -> Sequence[str | Exception]:
        if "boom" in items:
            raise ConnectionError("boom")
        return items

    commit: GroupCommit[str, str] = GroupCommit(run, lanes=1, batch_size_max=2, queue_size_max=10)
    outcomes = await asyncio.gather(*map(commit.submit, ["a", "boom", "c"]), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ConnectionError, ConnectionError, str]
    assert await commit.submit("d") == "d"


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_a_batch_with_the_wrong_number_of_outcomes_leaves_nobody_waiting(count: int) -> None:
    async def run(_: list[str]) -> Sequence[str | Exception]:
        return ["x"] * count

    commit: GroupCommit[str, str] = GroupCommit(run, lanes=1, batch_size_max=2, queue_size_max=10)
    async with asyncio.timeout(60):
        outcomes = await asyncio.gather(commit.submit("a"), commit.submit("b"), return_exceptions=True)
    assert all(isinstance(outcome, RuntimeError) for outcome in outcomes)


@pytest.mark.parametrize(("rounds", "is_settled"), [(ROUNDS_MAX, True), (ROUNDS_MAX + 1, False)])
async def test_an_item_goes_again_so_often_and_no_more(rounds: int, *, is_settled: bool) -> None:
    tries = 0

    async def run(items: list[str]) -> Sequence[str]:
        nonlocal tries
        tries += 1
        return ["again" if tries < rounds else "done" for _ in items]

    commit: GroupCommit[str, str] = GroupCommit(
        run, lanes=1, batch_size_max=2, queue_size_max=10, is_unsettled=lambda outcome: outcome == "again"
    )
    if is_settled:
        assert await commit.submit("a") == "done"
    else:
        with pytest.raises(Overloaded) as refused:
            await commit.submit("a")
        assert refused.value.retry_after_seconds
    assert tries == ROUNDS_MAX


async def test_an_unsettled_item_goes_again_before_those_who_came_later() -> None:
    seen: list[list[str]] = []

    async def run(items: list[str]) -> Sequence[str | Exception]:
        seen.append(list(items))
        return ["again" if item == "a" and len(seen) < 3 else item for item in items]

    commit: GroupCommit[str, str] = GroupCommit(
        run, lanes=1, batch_size_max=2, queue_size_max=10, is_unsettled=lambda outcome: outcome == "again"
    )
    assert await asyncio.gather(*map(commit.submit, "abcd")) == list("abcd")
    assert seen == [["a", "b"], ["a", "c"], ["a", "d"]]


async def test_a_caller_that_goes_away_harms_neither_its_item_nor_its_neighbours() -> None:
    recorder = Recorder(hold=True)
    commit = lane(recorder)
    tasks = [asyncio.create_task(commit.submit(item)) for item in ("a", "bad", "c")]
    await let_run()
    tasks[0].cancel()
    tasks[1].cancel()
    recorder.go.set()
    assert await tasks[2] == "C"
    assert recorder.batches == [["a", "bad", "c"]]
    for task in tasks[:2]:
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await commit.submit("d") == "D"


async def test_an_error_nobody_waits_for_is_not_complained_of() -> None:
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    try:
        recorder = Recorder(hold=True)
        commit = lane(recorder)
        task = asyncio.create_task(commit.submit("bad"))
        await let_run()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        recorder.go.set()
        await commit.drain()
        await let_run()
    finally:
        asyncio.get_running_loop().set_exception_handler(None)
    assert complaints == []


async def test_a_full_queue_refuses_at_its_edge_and_takes_again_later() -> None:
    recorder = Recorder(hold=True)
    commit = lane(recorder, batch_size_max=1, queue_size_max=2)
    running = asyncio.create_task(commit.submit("a"))
    await let_run()
    queued = [asyncio.create_task(commit.submit(item)) for item in "bc"]
    await let_run()
    with pytest.raises(Overloaded) as refused:
        await commit.submit("d")
    assert refused.value.retry_after_seconds == 1
    recorder.go.set()
    assert await asyncio.gather(running, *queued) == list("ABC")
    assert await commit.submit("d") == "D"


async def test_what_is_offered_is_done_while_nobody_waits_and_its_failure_is_nobodys() -> None:
    complaints: list[dict[str, object]] = []
    recorder = Recorder(hold=True)
    commit = lane(recorder, batch_size_max=1, queue_size_max=2)
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    try:
        commit.offer("bad")
        await let_run()
        for item in "bc":
            commit.offer(item)
        with pytest.raises(Overloaded):
            commit.offer("d")
        recorder.go.set()
        await commit.drain()
        gc.collect()
        await let_run()
    finally:
        asyncio.get_running_loop().set_exception_handler(None)
    assert recorder.batches == [["bad"], ["b"], ["c"]]
    assert complaints == []


async def test_drain_waits_until_everybody_has_an_outcome() -> None:
    recorder = Recorder(hold=True)
    commit = lane(recorder, batch_size_max=1)
    tasks = [asyncio.create_task(commit.submit(item)) for item in "abc"]
    await let_run()
    draining = asyncio.create_task(commit.drain())
    await let_run()
    assert not draining.done()
    recorder.go.set()
    await draining
    assert [task.result() for task in tasks] == list("ABC")


async def test_the_lane_does_not_inherit_a_callers_transaction() -> None:
    recorder = Recorder()
    token = IN_TRANSACTION.set("the caller's")
    try:
        await lane(recorder).submit("a")
    finally:
        IN_TRANSACTION.reset(token)
    assert recorder.contexts == ["none"]


async def test_coalesced_reads_may_ask_for_the_same_thing() -> None:
    recorder = Recorder()
    read = coalesce(recorder.run, batch_size_max=4)
    assert await asyncio.gather(*(read.submit("a") for _ in range(4))) == ["A"] * 4
    assert recorder.batches == [["a"] * 4]


async def test_whoever_waits_learns_of_a_lane_that_was_interrupted_and_the_next_batch_is_served() -> None:
    """A driver that loses its connection may cancel its caller: nobody may wait for ever because of it."""
    batches: list[list[str]] = []

    async def run(items: list[str]) -> list[str]:
        batches.append(items)
        if len(batches) == 1:
            raise asyncio.CancelledError
        return items

    commit: GroupCommit[str, str] = GroupCommit(run, lanes=1, batch_size_max=2, queue_size_max=9)
    outcomes = await asyncio.wait_for(asyncio.gather(*map(commit.submit, "abc"), return_exceptions=True), 10)
    assert [type(one).__name__ for one in outcomes] == ["OutcomeLost", "OutcomeLost", "str"]
    assert batches == [["a", "b"], ["c"]]


async def test_an_item_whose_conflicts_cannot_be_named_harms_nobody() -> None:
    async def run(items: list[str]) -> list[str]:
        return items

    def name(item: str) -> list[str]:
        return [{"a": "a", "b": "b"}[item]]

    commit: GroupCommit[str, str] = GroupCommit(run, lanes=1, batch_size_max=9, queue_size_max=9, conflict_keys=name)
    outcomes = await asyncio.wait_for(asyncio.gather(*map(commit.submit, "axb"), return_exceptions=True), 10)
    assert [one if isinstance(one, str) else type(one).__name__ for one in outcomes] == ["a", "KeyError", "b"]


async def test_a_batch_with_more_or_fewer_outcomes_than_items_fails_as_a_whole() -> None:
    async def run(items: list[str]) -> list[str]:
        return items

    def is_unsettled(outcome: str) -> bool:
        return {"a": False}[outcome]

    commit: GroupCommit[str, str] = GroupCommit(
        run, lanes=1, batch_size_max=9, queue_size_max=9, is_unsettled=is_unsettled
    )
    outcomes = await asyncio.wait_for(asyncio.gather(*map(commit.submit, "ab"), return_exceptions=True), 10)
    assert [one if isinstance(one, str) else type(one).__name__ for one in outcomes] == ["a", "KeyError"]

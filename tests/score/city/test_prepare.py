"""A whole city scored beside the current scores: nothing moves before the switch, then everything, then the history."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
import pytest

from app.kit.clock import now
from app.kit.db.database import execute, fetch_value, transaction
from app.kit.jobs.pace import FULL
from app.score.book import queries as book_queries
from app.score.book.standard import STANDARD_BOOK_FILE
from app.score.city.actions import prepare as prepare_actions
from app.score.city.actions import switch as switch_actions
from app.score.city.queries import prepare as prepare_queries
from app.score.current.actions import read as read_actions
from app.score.current.actions.rescore import delete_score, mark_due, rescore
from app.values.days import shanghai_day
from tests.support import switching
from tests.support.histories import make_citizen, make_citizens, new_record
from tests.support.recording import put_records
from tests.support.switching import finish
from tests.support.waiting import wait_until_blocking

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

pytestmark = pytest.mark.usefixtures("own_city")
BASE_STEP = 7


def scheduled(effective_on: date) -> AbstractAsyncContextManager[int]:
    """Have a book approved that gives everybody some points more than the standard one."""
    document = msgspec.json.decode(STANDARD_BOOK_FILE.read_bytes())
    document["scale"]["base"] += BASE_STEP
    return switching.scheduled(effective_on, document)


async def make_scored(count: int) -> list[UUID]:
    """Make citizens with a score and a history."""
    citizens = await make_citizens(count)
    async with transaction():
        await rescore(citizens, at=now() - timedelta(days=1))
    return citizens


async def value_of(citizen: UUID) -> int:
    """Read a citizen's current score."""
    return int(await fetch_value("SELECT value FROM score_snapshot WHERE citizen_id = $1", citizen))


def midnight(day: date) -> datetime:
    """Return a moment of a Shanghai day."""
    return datetime(day.year, day.month, day.day, tzinfo=now().tzinfo)


async def test_everybody_moves_at_the_switch_and_hears_why() -> None:
    citizens, tomorrow = await make_scored(5), shanghai_day(now()) + timedelta(days=1)
    before = [await value_of(citizen) for citizen in citizens]
    async with scheduled(tomorrow) as book_id:
        assert await prepare_actions.prepare_scheduled(at=now(), pace=FULL)
        assert not await prepare_actions.switch_due(at=now()), "its day has not come"
        assert [await value_of(citizen) for citizen in citizens] == before
        assert not await prepare_actions.prepare_scheduled(at=now(), pace=FULL), "everything is prepared"

        assert await prepare_actions.switch_due(at=midnight(tomorrow))
        assert await book_queries.find_active_book_id() == book_id
        assert [await value_of(citizen) for citizen in citizens] == [value + BASE_STEP for value in before]
        assert not await read_actions.find_wrong_scores(1000)

        assert await prepare_actions.prepare_scheduled(at=midnight(tomorrow), pace=FULL), (
            "the switch is written into histories"
        )
        assert await prepare_actions.read_progress() is None
        for citizen, value in zip(citizens, before, strict=True):
            step = (await read_actions.list_changes(citizen, before=None, limit=9))[0]
            assert (step.from_value, step.to_value, step.at) == (value, value + BASE_STEP, midnight(tomorrow))
            assert (step.reasons[0].code, step.reasons[0].points) == ("rule_book", BASE_STEP)
            assert "基础分 +7分" in step.reasons[0].zh
    assert [await value_of(citizen) for citizen in citizens] == before, "and back again"


async def test_a_withdrawn_book_is_not_switched_to() -> None:
    (citizen,), today = await make_scored(1), shanghai_day(now())
    before, standard = await value_of(citizen), await book_queries.find_active_book_id()
    withdraw = "UPDATE rule_book SET state = 'retired', withdrawn_by = submitted_by WHERE id = $1"
    async with scheduled(today) as book_id:
        await prepare_actions.prepare_scheduled(at=now(), pace=FULL)
        await execute(withdraw, book_id)
        assert not await prepare_actions.switch_due(at=now())
        assert await prepare_actions.read_progress() is None
    async with scheduled(today) as book_id:
        await prepare_actions.prepare_scheduled(at=now(), pace=FULL)
        await execute(withdraw, book_id)
        assert await prepare_actions.prepare_scheduled(at=now(), pace=FULL), "what was prepared is dropped"
        assert await prepare_actions.read_progress() is None
    assert (await value_of(citizen), await book_queries.find_active_book_id()) == (before, standard)


async def test_who_moves_while_it_is_prepared_is_prepared_again() -> None:
    (citizen,), today = await make_scored(1), shanghai_day(now())
    late, leaver = await make_citizen(), (await make_scored(1))[0]
    async with scheduled(today) as book_id:
        opened = await prepare_actions.open_preparation(book_id, today, at=now())
        await prepare_actions.prepare_all(opened, pace=FULL)
        newcomer = await make_citizen()
        async with transaction():
            await put_records([new_record(citizen, "POS_RESCUE", event_on=today)], at=now(), entered_by=None)
            await rescore([citizen, late, newcomer], at=now())
        async with transaction():
            await delete_score(leaver)
            await execute("UPDATE citizen SET state = 'frozen' WHERE id = $1", leaver)
        value, newcomers = await value_of(citizen), await value_of(newcomer)
        await switch_actions.switch(opened, at=now())
        assert await value_of(citizen) == value + BASE_STEP
        assert await value_of(newcomer) == newcomers + BASE_STEP
        assert not await read_actions.find_wrong_scores(1000)


async def test_two_cities_in_a_row_prepare_nobody_twice_but_who_was_rescored_between() -> None:
    """A second preparation soon after a first one would otherwise do everybody again, a thousand at a time."""
    citizens, today = await make_scored(6), shanghai_day(now())
    await prepare_actions.score_city()
    async with transaction():
        await put_records([new_record(citizens[0], "POS_RESCUE", event_on=today)], at=now(), entered_by=None)
        await rescore(citizens, at=now())
    span = (now() - timedelta(hours=1), now() + timedelta(hours=1))
    seen = await prepare_queries.list_scored_between(*span, UUID(int=0), 1000)
    assert [one.id for one in seen] == [citizens[0]]


async def test_a_rescoring_after_the_switch_writes_the_step_of_the_switch_first() -> None:
    (citizen,), today = await make_scored(1), shanghai_day(now())
    before = await value_of(citizen)
    async with scheduled(today):
        await prepare_actions.prepare_scheduled(at=now(), pace=FULL)
        assert await prepare_actions.switch_due(at=now())
        async with transaction():
            await put_records([new_record(citizen, "POS_RESCUE", event_on=today)], at=now(), entered_by=None)
            await rescore([citizen], at=now())
        await finish()
        record, switch = (await read_actions.list_changes(citizen, before=None, limit=9))[:2]
        assert (switch.from_value, switch.to_value) == (before, before + BASE_STEP)
        assert (record.from_value, record.to_value) == (before + BASE_STEP, before + BASE_STEP + 40)
        assert await fetch_value("SELECT count(*) FROM score_change WHERE citizen_id = $1", citizen) == 3


async def test_a_stopped_run_goes_on_where_it_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    await make_scored(12)
    today = shanghai_day(now())
    monkeypatch.setattr(prepare_actions, "CHUNK_CITIZENS", 3)
    async with scheduled(today) as book_id:
        opened = await prepare_actions.open_preparation(book_id, today, at=now())
        assert opened.chunks >= 4
        counts: list[int] = []

        def stop(count: int) -> None:
            counts.append(count)
            if len(counts) == 2:
                raise KeyError("killed")

        with pytest.raises(BaseExceptionGroup):
            await prepare_actions.prepare_all(opened, pace=FULL, lanes=1, on_progress=stop)
        stopped = await prepare_actions.read_progress()
        assert stopped is not None
        assert stopped.chunks_done == 2
        with pytest.raises(prepare_actions.UnderWay):
            await prepare_actions.open_preparation(book_id, today, at=now())
        await prepare_actions.prepare_all(stopped, pace=FULL)
        await switch_actions.switch(stopped, at=now())
        scored = "SELECT count(*) FROM citizen c LEFT JOIN score_snapshot s ON s.citizen_id = c.id WHERE c.state = $1"
        everybody = await fetch_value(scored, "active")
        assert await fetch_value(f"{scored} AND s.rule_book_id = $2", "active", book_id) == everybody
        assert not await read_actions.find_wrong_scores(1000)


async def test_two_at_once_share_the_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    await make_scored(20)
    monkeypatch.setattr(prepare_actions, "CHUNK_CITIZENS", 2)
    async with scheduled(shanghai_day(now())) as book_id:
        opened = await prepare_actions.open_preparation(book_id, shanghai_day(now()), at=now())
        await asyncio.gather(*(prepare_actions.prepare_all(opened, pace=FULL, lanes=2) for _ in range(2)))
        done = await prepare_actions.read_progress()
        assert done is not None
        assert done.chunks_done == done.chunks
        prepared = await fetch_value("SELECT count(*) FROM score_prepared")
        assert prepared == await fetch_value("SELECT count(*) FROM citizen WHERE state IN ('active', 'frozen')")


async def test_the_switch_and_rescorings_at_once_leave_every_score_right() -> None:
    citizens, today = await make_scored(30), shanghai_day(now())
    async with scheduled(today) as book_id:
        opened = await prepare_actions.open_preparation(book_id, today, at=now())
        await prepare_actions.prepare_all(opened, pace=FULL)

        async def move(citizen: UUID) -> None:
            async with transaction():
                await put_records([new_record(citizen, "POS_RESCUE", event_on=today)], at=now(), entered_by=None)
                await rescore([citizen], at=now())

        await asyncio.gather(
            *(move(citizen) for citizen in citizens[:15]),
            switch_actions.switch(opened, at=now()),
            *(move(citizen) for citizen in citizens[15:]),
        )
        await finish()
        assert not await read_actions.find_wrong_scores(1000)
        for citizen in citizens:
            steps = await read_actions.list_changes(citizen, before=None, limit=9)
            assert steps[0].to_value == await value_of(citizen)
            assert sum(step.to_value - (step.from_value or 0) for step in steps) == steps[0].to_value, steps


async def test_a_switch_waits_for_who_reads_long_and_holds_nobody_up() -> None:
    (citizen,), today = await make_scored(1), shanghai_day(now())
    before = await value_of(citizen)
    async with scheduled(today) as book_id:
        opened = await prepare_actions.open_preparation(book_id, today, at=now())
        await prepare_actions.prepare_all(opened, pace=FULL)

        has_read, may_end = asyncio.Event(), asyncio.Event()

        async def read_long() -> None:
            async with transaction():
                await execute("SELECT FROM score_snapshot LIMIT 1")
                has_read.set()
                await wait_until_blocking()
                await may_end.wait()

        reading = asyncio.create_task(read_long())
        await has_read.wait()
        switching = asyncio.create_task(switch_actions.switch(opened, at=now()))
        assert await value_of(citizen) == before, "while it waits, and between two tries, everybody reads on"
        may_end.set()
        await asyncio.gather(reading, switching)
        assert await value_of(citizen) == before + BASE_STEP


async def test_who_waited_is_rescored_with_everybody() -> None:
    early, late = await make_citizens(2)
    async with transaction():
        await mark_due([early], at=now() - 2 * switch_actions.MARGIN)
        await mark_due([late], at=now())
    async with scheduled(shanghai_day(now())):
        await prepare_actions.prepare_scheduled(at=now(), pace=FULL)
        assert await prepare_actions.switch_due(at=now())
        waiting = "SELECT array_agg(citizen_id) FROM score_due WHERE citizen_id = ANY($1)"
        assert await fetch_value(waiting, [early, late]) == [late], "who is not surely prepared stays on the list"
        await prepare_actions.score_city()
        assert await fetch_value(waiting, [early, late]) is None


async def test_who_moves_again_while_waiting_stays_on_the_list() -> None:
    """On the list for long, read by the preparation, and then there is one record more: it must not be forgotten."""
    (citizen,), today = await make_scored(1), shanghai_day(now())
    async with transaction():
        await mark_due([citizen], at=now() - timedelta(hours=1))
    async with scheduled(today) as book_id:
        opened = await prepare_actions.open_preparation(book_id, today, at=now())
        await prepare_actions.prepare_all(opened, pace=FULL)
        async with transaction():
            await put_records([new_record(citizen, "POS_RESCUE", event_on=today)], at=now(), entered_by=None)
            await mark_due([citizen], at=now())
        await switch_actions.switch(opened, at=now())
        assert await fetch_value("SELECT count(*) FROM score_due WHERE citizen_id = $1", citizen) == 1


async def test_bulk_and_everyday_statements_agree() -> None:
    citizens, today = await make_citizens(40), shanghai_day(now())
    async with transaction():
        await put_records(
            [new_record(c, "POS_RESCUE", event_on=today) for c in citizens[::2]], at=now(), entered_by=None
        )
        await rescore(citizens, at=now())
    columns = """citizen_id, value, level, dimension_points, honours, array_sort(part_points) AS part_points,
        rule_book_id, as_of, next_change_on, inputs_hash"""
    digest = f"""SELECT md5(string_agg(s::text, '' ORDER BY s.citizen_id))
        FROM (SELECT {columns} FROM score_snapshot) s WHERE citizen_id = ANY($1)"""
    few = await fetch_value(digest, citizens)
    await prepare_actions.score_city()
    assert await fetch_value(digest, citizens) == few
    assert await prepare_queries.find_open_preparation() is None

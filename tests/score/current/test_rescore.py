"""Rescoring: what is stored, announced and locked, and that two at once add up."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from app.kit.clock import uuid7
from app.kit.db.database import execute, fetch_one, fetch_value, transaction
from app.kit.db.partitions import make_partitions
from app.score.book.actions import find as find_actions
from app.score.current.actions import read as read_actions
from app.score.current.actions import rescore as rescore_actions
from app.score.current.actions.rescore import rescore
from app.score.current.refusals import NoScore
from app.score.engine import queries as engine_queries
from tests.support.histories import give_separate_consents, make_citizen, make_citizens, new_record
from tests.support.recording import find_due, put_records

if TYPE_CHECKING:
    from uuid import UUID

    from app.record.catalogue import NewRecord
    from app.score.engine.parts import ScoreChange
    from app.score.engine.queries import ComputedScore

pytestmark = pytest.mark.usefixtures("that_day")

AT = datetime(2026, 11, 21, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
async def that_day(app: object) -> None:
    """Make room for events around the day these tests play on."""
    assert app is not None
    await make_partitions(date(2026, 11, 21))


class Snapshot(msgspec.Struct, frozen=True):
    """A current score as it lies there."""

    value: int
    level: str
    dimension_points: list[int]
    honours: str
    as_of: date
    next_change_on: date | None
    inputs_hash: bytes


async def snapshot_of(citizen_id: UUID) -> Snapshot:
    found = await fetch_one(
        Snapshot,
        """SELECT value, level, dimension_points, honours, as_of, next_change_on, inputs_hash FROM score_snapshot
           WHERE citizen_id = $1""",
        citizen_id,
    )
    assert found is not None
    return found


async def score(*citizen_ids: UUID, at: datetime = AT) -> list[ScoreChange]:
    async with transaction():
        return await rescore(citizen_ids, at=at)


async def put_and_score(*records: NewRecord, at: datetime = AT) -> list[ScoreChange]:
    async with transaction():
        await put_records(records, at=at, entered_by=None)
        return await rescore([record.citizen_id for record in records], at=at)


async def count_events(citizen_id: UUID) -> int:
    return int(
        await fetch_value("SELECT count(*) FROM event WHERE citizen_id = $1 AND type = 'score.changed.v1'", citizen_id)
    )


async def test_to_rescore_nobody_computes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is locked, so the plan is not marked; a connection would keep a plan of nested loops ever after."""

    async def compute(*_: object) -> list[ComputedScore]:
        pytest.fail("the engine was asked")

    monkeypatch.setattr(engine_queries, "find_scores", compute)
    assert await score() == await score(uuid7()) == []


async def test_the_first_score() -> None:
    citizen = await make_citizen()
    (change,) = await score(citizen)
    assert (change.from_value, change.to_value, change.from_level, change.to_level) == (None, 560, None, "L2")
    assert [(r.code, r.subject, r.points) for r in change.reasons] == [("appeared", "BASE_CLEAN", 60)]
    stored = await snapshot_of(citizen)
    assert (stored.value, stored.level, stored.as_of, stored.next_change_on) == (560, "L2", date(2026, 11, 21), None)
    assert stored.dimension_points == [(1 << 32) + 60], "the first dimension, basic; the others have no points"


async def test_a_change_says_what_appeared_changed_and_left_strongest_first() -> None:
    citizen = await make_citizen()
    arrears = new_record(citizen, "NEG_TAX_ARREARS", document="d")
    hours = new_record(citizen, "POS_VOL_HOURS", quantity=20)
    await put_and_score(arrears, hours)
    settled = msgspec.structs.replace(arrears, ends_on=date(2026, 11, 21))
    (change,) = await put_and_score(
        settled, new_record(citizen, "POS_VOL_HOURS", quantity=30), new_record(citizen, "POS_CLUE")
    )
    assert (change.from_value, change.to_value) == (500 - 20 + 10, 500 + 20 + 20 + 4)
    assert [(r.code, r.subject, r.points) for r in change.reasons] == [
        ("appeared", "BASE_CLEAN", 20),
        ("left", "NEG_TAX_ARREARS", 20),
        ("changed", "POS_VOL_HOURS", 10),
        ("appeared", "POS_CLUE", 4),
    ]
    assert change.reasons[1].zh == "不再计分：欠税公告 +20分"
    assert change.reasons[1].en == "no longer counts: Announced tax arrears +20"


async def test_a_limit_is_a_reason_too() -> None:
    citizen = await make_citizen()
    (change,) = await put_and_score(*(new_record(citizen, "POS_SUPERVISE") for _ in range(4)))
    assert [(r.code, r.subject, r.points) for r in change.reasons] == [
        ("appeared", "BASE_CLEAN", 60),
        ("appeared", "POS_SUPERVISE", 16),
        ("limited", "annual_cap:POS_SUPERVISE", -4),
    ]


async def test_at_most_five_reasons_and_they_are_the_strongest() -> None:
    citizen = await make_citizen()
    codes = ("POS_RESCUE", "POS_CLUE", "POS_REPORT_SAFETY", "POS_REDLIST", "BASE_TAX_OK", "BASE_ID_VERIFIED")
    (change,) = await put_and_score(*(new_record(citizen, code) for code in codes))
    assert [reason.subject for reason in change.reasons] == [
        "BASE_CLEAN", "POS_RESCUE", "BASE_ID_VERIFIED", "POS_REDLIST", "BASE_TAX_OK",
    ]  # fmt: skip


async def test_nothing_new_is_no_change() -> None:
    citizen = await make_citizen()
    await score(citizen)
    assert await score(citizen) == []
    assert await score(citizen, at=datetime(2026, 11, 22, 4, tzinfo=UTC)) == []
    assert (await snapshot_of(citizen)).as_of == date(2026, 11, 22)
    assert await count_events(citizen) == 1
    assert await fetch_value("SELECT count(*) FROM score_change WHERE citizen_id = $1", citizen) == 1


async def test_each_change_is_an_event_with_nothing_personal() -> None:
    citizen = await make_citizen()
    await score(citizen)
    await put_and_score(new_record(citizen, "POS_CLUE"))
    assert await count_events(citizen) == 2
    sent = await fetch_value("SELECT array_agg(data::text) FROM event WHERE citizen_id = $1", citizen)
    assert set(sent) == {"{}"}


async def test_the_day_is_the_shanghai_day() -> None:
    """At 16:00 UTC it is already tomorrow in the city."""
    citizen = await make_citizen()
    record = new_record(citizen, "POS_CLUE", event_on=date(2026, 11, 22))
    await put_and_score(record, at=datetime(2026, 11, 21, 15, 59, 59, tzinfo=UTC))
    before = await snapshot_of(citizen)
    await score(citizen, at=datetime(2026, 11, 21, 16, tzinfo=UTC))
    after = await snapshot_of(citizen)
    assert (before.as_of, before.value, before.next_change_on) == (date(2026, 11, 21), 560, date(2026, 11, 22))
    assert (after.as_of, after.value, after.next_change_on) == (date(2026, 11, 22), 564, date(2027, 11, 23))


@pytest.mark.parametrize("state", ["new", "left"])
async def test_without_opting_in_there_is_no_score(state: str) -> None:
    citizen = await make_citizen()
    await execute(
        """UPDATE citizen SET state = $2, left_at = now(), id_number_index = NULL, id_number_cipher = NULL,
           person_index = NULL, name_cipher = NULL, birth_on = NULL, district = NULL, cap_holder_id = NULL
           WHERE id = $1""",
        citizen,
        state,
    )
    assert await score(citizen) == []
    with pytest.raises(NoScore):
        await read_actions.read_score(citizen)
    with pytest.raises(NoScore):
        await read_actions.explain_score(citizen)


async def test_a_frozen_citizen_keeps_a_score_and_a_minor_has_none() -> None:
    frozen, minor = await make_citizen(state="frozen"), await make_citizen(born_on=date(2008, 11, 22))
    assert [change.citizen_id for change in await score(frozen, minor)] == [frozen]


HONOURS: list[tuple[list[dict[str, Any]], list[dict[str, Any]], date | None]] = [
    ([], [], None),
    ([{"honour": "RED_LIST"}], [{"code": "RED_LIST", "grade": None, "rank": 1, "until": "2028-01-05"}],
     date(2028, 1, 6)),
    ([{"honour": "MERIT", "grade": "1"}], [{"code": "MERIT", "grade": "1", "rank": 3, "until": "2036-01-05"}],
     date(2036, 1, 6)),
    ([{"honour": "VOL_STAR", "grade": "2"}, {"honour": "VOL_STAR", "grade": "4"}],
     [{"code": "VOL_STAR", "grade": "4", "rank": 4, "until": "2029-01-05"}], date(2029, 1, 6)),
    ([{"honour": "RED_LIST", "event_on": date(2024, 11, 21)}],
     [{"code": "RED_LIST", "grade": None, "rank": 1, "until": "2026-11-21"}], date(2026, 11, 22)),
    ([{"honour": "RED_LIST", "event_on": date(2024, 11, 20)}], [], None),
    ([{"honour": "RED_LIST", "ends_on": date(2026, 11, 21)}], [], None),
    ([{"honour": "RED_LIST", "ends_on": date(2026, 11, 22)}],
     [{"code": "RED_LIST", "grade": None, "rank": 1, "until": "2026-11-21"}], date(2026, 11, 22)),
    ([{"honour": "RED_LIST", "ends_on": date(2099, 1, 1)}],
     [{"code": "RED_LIST", "grade": None, "rank": 1, "until": "2028-01-05"}], date(2028, 1, 6)),
    ([{"honour": "RED_LIST", "event_on": date(2026, 12, 1)}], [], date(2026, 12, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("records", "held", "next_on"), HONOURS)
async def test_honours_held(records: list[dict[str, Any]], held: list[dict[str, Any]], next_on: date | None) -> None:
    citizen = await make_citizen()
    async with transaction():
        await put_records([new_record(citizen, **facts) for facts in records], at=AT, entered_by=None)
        await rescore([citizen], at=AT)
    stored = await snapshot_of(citizen)
    assert (msgspec.json.decode(stored.honours), stored.next_change_on, stored.value) == (held, next_on, 560)


async def test_the_hash_covers_records_versions_consents_day_and_nothing_else() -> None:
    one, other = await make_citizens(2)
    await score(one, other)
    empty = (await snapshot_of(one)).inputs_hash
    assert (await snapshot_of(other)).inputs_hash == empty
    hashes = {empty}
    record = new_record(one, "BASE_TAX_OK")
    for step in (record, msgspec.structs.replace(record, ends_on=date(2027, 1, 1)), new_record(one, honour="RED_LIST")):
        await put_and_score(step)
        hashes.add((await snapshot_of(one)).inputs_hash)
    await give_separate_consents(one, ["pos_blood"])
    await score(one)
    hashes.add((await snapshot_of(one)).inputs_hash)
    await score(one, at=datetime(2026, 11, 22, 4, tzinfo=UTC))
    hashes.add((await snapshot_of(one)).inputs_hash)
    assert len(hashes) == 6
    await give_separate_consents(other, ["join"])
    assert await score(other) == []
    assert (await snapshot_of(other)).inputs_hash == empty


async def test_withdrawing_a_consent_takes_the_points() -> None:
    citizen = await make_citizen()
    await give_separate_consents(citizen, ["pos_blood"])
    await put_and_score(new_record(citizen, "POS_BLOOD"))
    await execute("UPDATE consent SET withdrawn_at = now() + interval '1 hour' WHERE citizen_id = $1", citizen)
    (change,) = await score(citizen)
    assert (change.from_value, change.to_value, change.reasons[0].subject) == (570, 560, "POS_BLOOD")


async def test_two_rescorings_at_once_add_up() -> None:
    """Both have written before either computes: the second waits for the lock and then sees the first."""
    citizen = await make_citizen()
    await score(citizen)
    both_written = asyncio.Barrier(2)

    async def arrive(indicator: str) -> list[ScoreChange]:
        async with transaction():
            await execute(
                """INSERT INTO record (citizen_id, id, indicator, source, event_id, event_on, state, entered_at)
                   VALUES ($1, $2, $3, 'test', $3, '2026-01-05', 'active', now())""",
                citizen, uuid7(), indicator,
            )  # fmt: skip
            await both_written.wait()
            return await rescore([citizen], at=AT)

    first, second = await asyncio.gather(arrive("BASE_ID_VERIFIED"), arrive("BASE_TAX_OK"))
    steps = sorted((change.from_value, change.to_value) for change in (*first, *second))
    assert steps in ([(560, 590), (590, 600)], [(560, 570), (570, 600)])
    assert (await snapshot_of(citizen)).value == 600


async def test_opposite_orders_do_not_deadlock() -> None:
    citizens = await make_citizens(20)

    async def arrive(ids: list[UUID]) -> None:
        await put_and_score(*(new_record(citizen, "POS_CLUE") for citizen in ids))

    await asyncio.gather(*(arrive(citizens if n % 2 else citizens[::-1]) for n in range(6)))
    assert {(await snapshot_of(citizen)).value for citizen in citizens} == {560 + 20}


async def test_many_at_once_are_each_their_own() -> None:
    citizens = await make_citizens(30)
    records = [new_record(citizen, "POS_CLUE") for n, citizen in enumerate(citizens) for _ in range(n % 5)]
    await put_and_score(*records, new_record(citizens[0], "POS_REDLIST"))
    await score(*citizens)
    values = [(await snapshot_of(citizen)).value for citizen in citizens]
    assert values == [560 + 4 * (n % 5) + (20 if n == 0 else 0) for n in range(len(citizens))]


async def test_due_are_those_whose_day_has_come() -> None:
    citizen = await make_citizen()
    await put_and_score(new_record(citizen, "BASE_TAX_OK", ends_on=date(2026, 11, 30)))
    assert citizen not in await find_due(date(2026, 11, 29), 10_000)
    assert citizen in await find_due(date(2026, 11, 30), 10_000)
    (change,) = await score(citizen, at=datetime(2026, 11, 30, 4, tzinfo=UTC))
    assert (change.to_value, change.reasons[0].code) == (560, "left")
    assert citizen not in await find_due(date(2026, 12, 31), 10_000)


async def test_the_explanation_adds_up_to_a_score_of_yesterday() -> None:
    """The record has expired since, but the score shown still has it, and so has its explanation."""
    citizen = await make_citizen()
    await put_and_score(new_record(citizen, "POS_CLUE"), at=datetime(2027, 1, 4, tzinfo=UTC))
    for day in (date(2027, 1, 5), date(2027, 1, 6)):
        (score_,) = await engine_queries.find_scores([citizen], day)
        assert score_.value == (564 if day == date(2027, 1, 5) else 560)
    shown = await read_actions.read_score(citizen)
    explained, _ = await read_actions.explain_score(citizen)
    assert (shown.value, explained.value, explained.as_of) == (564, 564, date(2027, 1, 4))
    assert (
        explained.base + sum(c.points for c in explained.contributions) + sum(a.points for a in explained.adjustments)
        == 564
    )


async def test_leaving_takes_the_score_and_its_history() -> None:
    citizen = await make_citizen()
    await score(citizen)
    async with transaction():
        await rescore_actions.delete_score(citizen)
    for table in ("score_snapshot", "score_change"):
        assert await fetch_value(f"SELECT count(*) FROM {table} WHERE citizen_id = $1", citizen) == 0


async def test_a_book_is_read_once() -> None:
    book_id = await fetch_value("SELECT id FROM rule_book WHERE state = 'active'")
    assert await find_actions.find_book(book_id) is await find_actions.find_book(book_id)


async def test_a_score_that_is_not_its_recomputation_is_found() -> None:
    right, wrong, not_rescored = await make_citizens(3)
    await score(right, wrong, not_rescored)
    await execute("UPDATE score_snapshot SET value = value + 1 WHERE citizen_id = $1", wrong)
    async with transaction():
        await put_records([new_record(not_rescored, "POS_CLUE")], at=AT, entered_by=None)
    found = await read_actions.find_wrong_scores(1_000_000)
    assert {wrong, not_rescored} <= set(found)
    assert right not in found
    await execute("DELETE FROM score_snapshot WHERE citizen_id = ANY($1)", [wrong, not_rescored])

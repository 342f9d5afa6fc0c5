"""One event of one source is one record, whatever is sent twice or races; a denied topic enters by no path."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from app.kit.clock import now, uuid7
from app.kit.db.database import execute, fetch_all, fetch_value, transaction
from app.kit.errors import Overloaded
from app.record.actions.find import delete_records
from app.record.actions.put import FRUITLESS_ROUNDS_MAX
from app.record.catalogue import CATALOGUE
from tests.support.histories import make_citizen, new_record
from tests.support.recording import put_records

if TYPE_CHECKING:
    from app.record.catalogue import NewRecord, PutOutcome

pytestmark = pytest.mark.usefixtures("app")
SECONDS_MAX = 20  # for what used to go on for ever


class Row(msgspec.Struct, frozen=True):
    """What is asked of a stored record."""

    id: UUID
    version: int
    ends_on: date | None
    state: str


async def put(*records: NewRecord) -> list[PutOutcome]:
    async with transaction():
        return await put_records(records, at=now(), entered_by=None)


async def stored(citizen_id: UUID) -> list[Row]:
    return await fetch_all(
        Row, "SELECT id, version, ends_on, state FROM record WHERE citizen_id = $1 ORDER BY id", citizen_id
    )


def same(record: NewRecord, **changes: Any) -> NewRecord:
    """Tell the same event, perhaps with other words."""
    return msgspec.structs.replace(record, **changes)


async def test_every_fact_is_stored() -> None:
    citizen, official = await make_citizen(), uuid7()
    sent = new_record(
        citizen, "POS_VOL_STAR", grade="3", quantity=2, document="d", act_id="a", ends_on=date(2027, 1, 1)
    )
    async with transaction():
        assert await put_records([sent], at=now(), entered_by=official) == ["accepted"]
    names = [*type(sent).__struct_fields__, "entered_by"]
    row = await fetch_value("SELECT to_jsonb(r) FROM record r WHERE citizen_id = $1", citizen)
    stored = {name: value for name, value in msgspec.json.decode(row).items() if name in names}
    assert stored == {**msgspec.to_builtins(sent), "entered_by": str(official)}


REPEATS: dict[str, tuple[dict[str, Any], dict[str, Any], str, int, date | None]] = {
    "the same": ({}, {}, "duplicate", 1, None),
    "it ended": ({}, {"ends_on": date(2026, 2, 1)}, "updated", 2, date(2026, 2, 1)),
    "it ended on another day": (
        {"ends_on": date(2026, 2, 1)}, {"ends_on": date(2026, 3, 1)}, "updated", 2, date(2026, 3, 1)),
    "the same end": ({"ends_on": date(2026, 2, 1)}, {"ends_on": date(2026, 2, 1)}, "duplicate", 1, date(2026, 2, 1)),
    "a late first telling does not reopen it": ({"ends_on": date(2026, 2, 1)}, {}, "duplicate", 1, date(2026, 2, 1)),
    "another day": ({}, {"event_on": date(2026, 1, 6)}, "conflict", 1, None),
    "another indicator": ({}, {"indicator": "BASE_UTILITY_OK"}, "conflict", 1, None),
    "another document": ({}, {"document": "x"}, "conflict", 1, None),
    "other facts and an end": ({}, {"act_id": "x", "ends_on": date(2026, 2, 1)}, "conflict", 1, None),
}  # fmt: skip


@pytest.mark.parametrize("in_one_batch", [True, False])
@pytest.mark.parametrize(("before", "after", "outcome", "version", "ends_on"), REPEATS.values(), ids=REPEATS.keys())
async def test_sent_again(
    before: dict[str, Any], after: dict[str, Any], outcome: str, version: int, ends_on: date | None, in_one_batch: bool
) -> None:
    citizen = await make_citizen()
    first = new_record(citizen, "BASE_TAX_OK", **before)
    again = same(first, **({"ends_on": None} | after))
    outcomes = await put(first, again) if in_one_batch else [*await put(first), *await put(again)]
    assert outcomes == ["accepted", outcome]
    assert [(row.version, row.ends_on) for row in await stored(citizen)] == [(version, ends_on)]


async def test_another_citizens_event_is_a_conflict() -> None:
    mine, theirs = await make_citizen(), await make_citizen()
    sent = new_record(mine, "POS_CLUE")
    assert await put(sent, same(sent, citizen_id=theirs)) == ["accepted", "conflict"]
    assert await stored(theirs) == []


async def test_outcomes_keep_the_order_of_a_mixed_batch() -> None:
    citizen = await make_citizen()
    old = new_record(citizen, "POS_CLUE", event_id="m")
    await put(old)
    fresh = [new_record(citizen, "POS_CLUE", event_id=name) for name in ("z", "a")]
    assert await put(fresh[0], old, fresh[1], fresh[0], same(old, act_id="x")) == [
        "accepted", "duplicate", "accepted", "duplicate", "conflict",
    ]  # fmt: skip
    assert await put() == []


async def test_who_has_left_keeps_no_records() -> None:
    citizen = await make_citizen()
    await execute(
        """UPDATE citizen SET state = 'left', left_at = now(), id_number_index = NULL, id_number_cipher = NULL,
           person_index = NULL, name_cipher = NULL, birth_on = NULL, district = NULL, cap_holder_id = NULL
           WHERE id = $1""",
        citizen,
    )
    assert await put(new_record(citizen, "POS_CLUE"), new_record(uuid7(), "POS_CLUE")) == ["not_a_member"] * 2
    assert await stored(citizen) == []


@pytest.mark.parametrize("reverse", [False, True])
async def test_racing_batches_keep_each_event_once_and_do_not_deadlock(reverse: bool) -> None:
    citizens = [await make_citizen() for _ in range(3)]
    batch = [new_record(citizens[n % 3], "POS_CLUE", act_id=str(n)) for n in range(30)]
    other = list(reversed(batch)) if reverse else batch
    outcomes = await asyncio.gather(*(put(*(batch if n % 2 else other)) for n in range(6)))
    assert sum(outcome.count("accepted") for outcome in outcomes) == 30
    assert sum(outcome.count("duplicate") for outcome in outcomes) == 150
    assert sum([len(await stored(citizen)) for citizen in citizens]) == 30


async def test_racing_ends_make_one_version_each() -> None:
    citizen = await make_citizen()
    sent = new_record(citizen, "BASE_TAX_OK")
    await put(sent)
    outcomes = await asyncio.gather(*(put(same(sent, ends_on=date(2026, 2, 1))) for _ in range(5)))
    assert sorted(outcome for (outcome,) in outcomes) == ["duplicate"] * 4 + ["updated"]
    assert [row.version for row in await stored(citizen)] == [2]


async def test_a_batch_that_fails_leaves_nothing() -> None:
    citizen = await make_citizen()
    sent = new_record(citizen, "POS_CLUE")
    with pytest.raises(asyncpg.CheckViolationError):
        await put(sent, new_record(citizen, "BASE_TAX_OK", ends_on=date(2025, 1, 1)))
    assert await stored(citizen) == []
    assert await put(sent) == ["accepted"]


async def test_leaving_takes_everything_and_frees_the_events() -> None:
    citizen, returned = await make_citizen(), await make_citizen()
    sent = new_record(citizen, "POS_CLUE")
    await put(sent)
    async with transaction():
        await delete_records(citizen)
    assert await stored(citizen) == []
    assert await put(same(sent, citizen_id=returned)) == ["accepted"]


async def test_an_event_whose_record_is_gone_is_stored_anew() -> None:
    citizen, returned = await make_citizen(), await make_citizen()
    lost, stays, fresh = (new_record(citizen, "POS_CLUE") for _ in range(3))
    await put(lost, stays)
    await execute("DELETE FROM record WHERE event_id = $1", lost.event_id)
    async with asyncio.timeout(SECONDS_MAX):
        assert await put(fresh, lost, stays, same(lost, act_id="x")) == [
            "accepted",
            "accepted",
            "duplicate",
            "conflict",
        ]
        assert await put(lost) == ["duplicate"]
        await execute("DELETE FROM record WHERE event_id = $1", lost.event_id)
        assert await put(same(lost, citizen_id=returned)) == ["accepted"], "also about another citizen"
    assert (len(await stored(citizen)), len(await stored(returned))) == (2, 1)


@pytest.mark.parametrize("reverse", [False, True])
async def test_racing_batches_of_events_without_records_keep_each_once(reverse: bool) -> None:
    citizens = [await make_citizen() for _ in range(3)]
    batch = [new_record(citizens[n % 3], "POS_CLUE", act_id=str(n)) for n in range(30)]
    await put(*batch)
    await execute("DELETE FROM record WHERE citizen_id = ANY($1) AND act_id::int % 2 = 0", citizens)
    other = list(reversed(batch)) if reverse else batch
    outcomes = await asyncio.gather(*(put(*(batch if n % 2 else other)) for n in range(6)))
    assert sum(outcome.count("accepted") for outcome in outcomes) == 15
    assert sum(outcome.count("duplicate") for outcome in outcomes) == 165
    assert sum([len(await stored(citizen)) for citizen in citizens]) == 30


async def test_nobody_looks_for_a_record_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    sent, looked = new_record(await make_citizen(), "POS_CLUE"), []
    await put(sent)

    async def find_none(sources: object, event_ids: object) -> list[object]:
        looked.append((sources, event_ids))
        return []

    monkeypatch.setattr("app.record.queries.records.find_stored_events_for_update", find_none)
    with pytest.raises(Overloaded):
        await put(sent)
    assert len(looked) == FRUITLESS_ROUNDS_MAX


INDICATOR = "INSERT INTO indicator (code, topic, title_zh, title_en) VALUES ($1, $2, '某', 'some')"


async def refuse(sql: str, *values: object) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        async with transaction():
            await execute(sql, *values)


@pytest.mark.parametrize("topic", sorted(CATALOGUE.denied_topics))
async def test_a_denied_topic_enters_by_no_path(topic: str) -> None:
    await refuse(INDICATOR, "POS_NEW", topic)
    await refuse("UPDATE indicator SET topic = $1 WHERE code = 'POS_CLUE'", topic)
    await refuse("UPDATE indicator SET topic = $1, topic_is_denied = true WHERE code = 'POS_CLUE'", topic)
    await refuse(INDICATOR, topic, "charity")
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await put(new_record(await make_citizen(), topic))


async def test_a_topic_in_use_cannot_be_denied_or_dropped() -> None:
    await refuse("UPDATE topic SET is_denied = true WHERE code = 'charity'")
    await refuse("DELETE FROM topic WHERE code = 'charity'")
    await refuse(INDICATOR, "POS_NEW", "astrology")


async def test_what_is_not_listed_cannot_be_recorded() -> None:
    citizen = await make_citizen()
    for sent in (
        new_record(citizen, "POS_SMILE"),
        new_record(citizen, honour="SAINT"),
        new_record(citizen),
        new_record(citizen, "POS_CLUE", honour="RED_LIST"),
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await put(sent)


async def test_the_database_holds_the_published_lists() -> None:
    for table in ("topics", "indicators", "honours"):
        codes = await fetch_value(f"SELECT array_agg(code) FROM {table[:-1]}")
        assert set(codes) == set(getattr(CATALOGUE, table))
    grades = await fetch_value("SELECT array_agg(grades ORDER BY code) FROM honour WHERE cardinality(grades) = 5")
    assert grades == [["1", "2", "3", "4", "5"]]

"""What an operator sees of all scores: who waits, whether a sample is right, how they lie."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from app.kit.clock import now
from app.kit.db.database import execute, fetch_value, transaction
from app.score.city.queries import prepare as prepare_queries
from app.score.current.actions import read as read_actions
from app.score.current.actions.distribution import read_distribution
from app.score.current.actions.rescore import mark_due, rescore, rescore_waiting
from app.score.engine import queries as engine_queries
from app.values.days import shanghai_day
from tests.support.histories import make_citizen, make_citizens, new_record
from tests.support.recording import put_records

pytestmark = pytest.mark.usefixtures("own_city")
WAITING = "SELECT count(*) FROM score_due WHERE citizen_id = ANY($1)"
VALUE = "SELECT value FROM score_snapshot WHERE citizen_id = $1"


STATEMENTS = [
    *(getattr(engine_queries, name) for name in dir(engine_queries) if name.startswith(("SCORE_", "EXPLAIN_"))),
    prepare_queries.PREPARE_RANGE,
    prepare_queries.PREPARE_LISTED,
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_engine_is_short_enough_for_asyncpg_to_keep_it_prepared(statement: str) -> None:
    """Above asyncpg's limit it would be parsed and planned for every citizen: 17 ms instead of 5."""
    assert len(statement) < 15 * 1024


async def drain() -> None:
    while await rescore_waiting(100, at=now()):
        pass


async def test_who_waits_is_rescored_once_and_taken_off_the_list() -> None:
    citizens, today = await make_citizens(5), shanghai_day(now())
    async with transaction():
        await put_records([new_record(c, "POS_RESCUE", event_on=today) for c in citizens], at=now(), entered_by=None)
        await mark_due(citizens, at=now())
        await mark_due(citizens[:2], at=now())
    assert await fetch_value(WAITING, citizens) == 5
    await drain()
    assert await fetch_value(WAITING, citizens) == 0
    assert [await fetch_value(VALUE, citizen) for citizen in citizens] == [600] * 5


async def test_nothing_waits_when_the_change_was_rolled_back() -> None:
    citizen = await make_citizen()
    with pytest.raises(KeyError):
        async with transaction():
            await mark_due([citizen], at=now())
            raise KeyError
    assert await fetch_value(WAITING, [citizen]) == 0


async def test_an_explanation_does_not_wait_for_the_worker() -> None:
    """An import brought a record and the worker has not come by: what is explained is what is shown and recorded."""
    citizen, today = await make_citizen(), shanghai_day(now())
    async with transaction():
        await rescore([citizen], at=now())
    async with transaction():
        await put_records([new_record(citizen, "POS_RESCUE", event_on=today)], at=now(), entered_by=None)
        await mark_due([citizen], at=now())
    explained, _ = await read_actions.explain_score(citizen)
    assert explained.value == (await read_actions.read_score(citizen)).value == 600


async def test_who_is_due_by_date_is_rescored_with_those_who_wait() -> None:
    citizen = await make_citizen()
    async with transaction():
        await rescore([citizen], at=now() - timedelta(days=3))
    await execute("UPDATE score_snapshot SET next_change_on = $2 WHERE citizen_id = $1", citizen, shanghai_day(now()))
    await drain()
    as_of = "SELECT as_of FROM score_snapshot WHERE citizen_id = $1"
    assert await fetch_value(as_of, citizen) == shanghai_day(now())


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        ("value = value + 1", "computed"),
        ("level = 'L1'", "computed"),
        ("inputs_hash = sha256('x')", "other inputs"),
    ],
)
async def test_a_wrong_score_is_found(spoil: str, fault: str) -> None:
    citizen = await make_citizen()
    async with transaction():
        await rescore([citizen], at=now())
    everybody = int(await fetch_value("SELECT count(*) FROM score_snapshot"))
    looked_at, wrong = await read_actions.verify_scores(everybody)
    assert looked_at > 0
    assert not any(str(citizen) in line for line in wrong)
    await execute(f"UPDATE score_snapshot SET {spoil} WHERE citizen_id = $1", citizen)
    _, wrong = await read_actions.verify_scores(everybody)
    assert [line for line in wrong if str(citizen) in line and fault in line]
    await execute("DELETE FROM score_snapshot WHERE citizen_id = $1", citizen)


async def test_the_distribution_counts_everybody_once_and_names_nobody() -> None:
    citizens = await make_citizens(3)
    async with transaction():
        await rescore(citizens, at=now())
    found = await read_distribution()
    everybody = await fetch_value("SELECT count(*) FROM score_snapshot")
    assert found.citizens == everybody == sum(level.citizens for level in found.levels)
    assert everybody == sum(step.citizens for step in found.steps)
    assert [level.code for level in found.levels] == ["L1", "L2", "L3", "L4", "L5"]
    assert sum(level.share for level in found.levels) == pytest.approx(1)
    assert all(step.to_value - step.from_value == 19 for step in found.steps)
    assert not re.search(r"[0-9a-f]{8}-", str(found))

"""What happens by itself: what each job does, and the list of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from croniter import croniter

from app import duties
from app.duties import JOBS
from app.kit.clock import now
from app.kit.db.database import execute, fetch_value, transaction
from app.kit.db.partitions import count_days_ahead
from app.kit.jobs.jobs import lock_of
from app.kit.jobs.pace import StoppablePace
from app.score.current.actions import rescore as rescore_actions
from app.values.days import shanghai_day
from tests.support.histories import make_citizens
from tests.support.working import SECONDS_MAX


@pytest.fixture
async def due(app: object) -> AsyncIterator[list[UUID]]:
    """Make citizens whose score should have been looked at yesterday."""
    del app
    citizens = await make_citizens(3)
    async with transaction():
        await rescore_actions.rescore(citizens, at=now() - timedelta(days=2))
    yesterday = shanghai_day(now()) - timedelta(days=1)
    await execute("UPDATE score_snapshot SET next_change_on = $1 WHERE citizen_id = ANY($2)", yesterday, citizens)
    yield citizens
    await execute("UPDATE score_snapshot SET next_change_on = NULL WHERE citizen_id = ANY($1)", citizens)


async def count_due(citizens: list[UUID]) -> int:
    """Return how many of these are still due."""
    return int(
        await fetch_value(
            "SELECT count(*) FROM score_snapshot WHERE citizen_id = ANY($1) AND next_change_on <= $2",
            citizens,
            shanghai_day(now()),
        )
    )


async def test_citizens_who_are_due_are_rescored_chunk_by_chunk(
    due: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescore_actions, "RESCORE_CHUNK", 2)
    assert await count_due(due) == len(due)
    await rescore_actions.rescore_by_chunks(StoppablePace(1.0))
    assert await count_due(due) == 0


async def test_somebody_who_stays_due_does_not_keep_the_worker_busy_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    async def change_nothing(limit: int, **_: object) -> int:
        asked.append(limit)
        return limit

    monkeypatch.setattr(rescore_actions, "rescore_waiting", change_nothing)
    await asyncio.wait_for(rescore_actions.rescore_by_chunks(StoppablePace(1.0)), SECONDS_MAX)
    assert asked == [rescore_actions.RESCORE_CHUNK] * rescore_actions.RESCORE_CHUNKS_MAX


async def test_partitions_are_made_and_dropped(app: object) -> None:
    del app
    today = shanghai_day(now())
    await execute(f"DROP TABLE scan_{today + timedelta(days=8):%Y%m%d}")
    old = today - timedelta(days=5000)  # nobody else plays there
    await execute(f"CREATE TABLE scan_{old:%Y%m%d} PARTITION OF scan FOR VALUES FROM ('{old}') TO (date '{old}' + 1)")
    await duties.keep_partitions(StoppablePace())
    assert await count_days_ahead(today) == 8
    assert await fetch_value("SELECT to_regclass($1) IS NULL", f"scan_{old:%Y%m%d}")


async def test_old_tombstones_and_dead_sessions_are_forgotten(app: object) -> None:
    del app
    for name, left_days_ago, forget_in_days in (("old", 400, -1), ("young", 1, 364)):
        await execute(
            """
            INSERT INTO tombstone (person_hash, cap_holder_id, left_at, forget_at)
            VALUES (sha256($1), gen_random_uuid(), now() - $2 * interval '1 day', now() + $3 * interval '1 day')
            """,
            name.encode(),
            left_days_ago,
            forget_in_days,
        )
    (citizen_id,) = await make_citizens(1)
    sql = """
        INSERT INTO citizen_session (id, citizen_id, created_at)
        VALUES (gen_random_uuid(), $1, now() - $2 * interval '1 day')
        """
    await execute(sql, citizen_id, 4000)
    await execute(sql, citizen_id, 0)
    await duties.forget(StoppablePace())
    tombstones = "SELECT count(*) FROM tombstone WHERE person_hash = sha256($1)"
    assert await fetch_value(tombstones, b"old") == 0
    assert await fetch_value(tombstones, b"young") == 1
    assert await fetch_value("SELECT count(*) FROM citizen_session WHERE citizen_id = $1", citizen_id) == 1
    await execute("DELETE FROM tombstone WHERE person_hash = sha256($1)", b"young")


def test_every_job_has_a_name_and_a_clock() -> None:
    assert len({job.name for job in JOBS}) == len({lock_of(job.name) for job in JOBS}) == len(JOBS)
    for job in JOBS:
        first = croniter(job.cron, now())
        assert 10 <= -(first.get_next() - first.get_next()) <= 86_400, job.name

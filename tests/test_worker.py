"""What happens by itself: each job does its work, a failing one stops no other, one worker works at a time."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from app import worker
from app.kit.clock import now, shanghai_day
from app.kit.database import execute, fetch_value, transaction
from app.kit.lock import try_lock
from app.kit.partitions import count_days_ahead
from app.score import actions as score_actions
from app.worker import JOBS, WORKER_LOCK, Job
from tests.support.histories import make_citizens

LOCK = 0x74657374  # "test"


@pytest.fixture
async def due(app: object) -> AsyncIterator[list[UUID]]:
    """Make citizens whose score should have been looked at yesterday."""
    del app
    citizens = await make_citizens(3)
    async with transaction():
        await score_actions.rescore(citizens, at=now() - timedelta(days=2))
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


async def test_whoever_is_due_is_rescored_chunk_by_chunk(due: list[UUID], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "RESCORE_CHUNK", 2)
    assert await count_due(due) == len(due)
    await worker.rescore_due()
    assert await count_due(due) == 0


async def test_somebody_who_stays_due_does_not_keep_the_worker_busy_for_ever(
    due: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    rescored: list[UUID] = []

    async def change_nothing(citizens: list[UUID], **_: object) -> None:
        rescored.extend(citizens)

    monkeypatch.setattr(score_actions, "rescore", change_nothing)
    await asyncio.wait_for(worker.rescore_due(), 10)
    assert len(rescored) == len(set(rescored))
    assert set(due) <= set(rescored)


async def test_partitions_are_kept(app: object) -> None:
    del app
    today = shanghai_day(now())
    await execute(f"DROP TABLE scan_{today + timedelta(days=8):%Y%m%d}")
    old = today - timedelta(days=400)
    await execute(f"CREATE TABLE scan_{old:%Y%m%d} PARTITION OF scan FOR VALUES FROM ('{old}') TO (date '{old}' + 1)")
    await worker.keep_partitions()
    assert await count_days_ahead(today) == 8
    assert await fetch_value("SELECT to_regclass($1) IS NULL", f"scan_{old:%Y%m%d}")


async def test_old_tombstones_are_forgotten(app: object) -> None:
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
    await worker.forget_tombstones()
    kept = "SELECT count(*) FROM tombstone WHERE person_hash = sha256($1)"
    assert await fetch_value(kept, b"old") == 0
    assert await fetch_value(kept, b"young") == 1
    await execute("DELETE FROM tombstone WHERE person_hash = sha256($1)", b"young")


async def test_a_failing_job_is_tried_again_soon_and_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    ran: list[str] = []
    stopping, lost = asyncio.Event(), asyncio.Event()

    async def fail() -> None:
        ran.append("fail")
        raise ValueError("a secret")

    async def work() -> None:
        ran.append("work")
        stopping.set()

    jobs = (Job("fail", 3600, fail), Job("work", 3600, work))
    await asyncio.wait_for(worker.do_jobs(jobs, stopping, lost), 5)
    assert ran == ["fail", "work"]
    assert await worker.run_job(jobs[0]) == worker.RETRY_SECONDS
    assert await worker.run_job(jobs[1]) == 3600
    assert "a secret" not in [record.getMessage() for record in caplog.records]


async def test_a_lost_lock_ends_the_work() -> None:
    lost = asyncio.Event()

    async def lose() -> None:
        lost.set()

    await asyncio.wait_for(worker.do_jobs((Job("lose", 1, lose),), asyncio.Event(), lost), 5)
    assert lost.is_set()


async def test_one_holds_the_lock_until_it_ends_or_its_connection_does(app: object) -> None:
    del app
    async with try_lock(LOCK) as first:
        assert first is not None
        async with try_lock(LOCK) as second:
            assert second is None
        killed = await execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1", LOCK
        )
        assert killed == 1
        await asyncio.wait_for(first.wait(), 5)
        async with try_lock(LOCK) as third:
            assert third is not None
    async with try_lock(LOCK) as fourth:
        assert fourth is not None


def test_every_job_has_a_name_and_a_period() -> None:
    assert len({job.name for job in JOBS}) == len(JOBS)
    assert all(60 <= job.every_seconds <= 86_400 for job in JOBS)


async def test_the_command_works_until_it_is_told_to_stop(app: object) -> None:
    del app
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", "worker", stderr=asyncio.subprocess.PIPE
    )
    try:
        for _ in range(300):
            await asyncio.sleep(0.1)
            if await fetch_value(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1", WORKER_LOCK
            ):
                break
        else:
            pytest.fail("the worker never took its lock")
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, said.decode()

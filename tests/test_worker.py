"""What happens by itself: each job does its work, alone among all workers, whatever dies meanwhile."""

from __future__ import annotations

import ast
import asyncio
import contextvars
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pytest
from croniter import croniter

from app import worker
from app.kit.clock import now, shanghai_day, uuid7
from app.kit.db.database import execute, fetch_value, transaction
from app.kit.db.lock import try_lock
from app.kit.db.partitions import count_days_ahead
from app.kit.jobs import jobs, queue
from app.kit.jobs.jobs import Job, StoppablePace, lock_of
from app.kit.jobs.queue import LOG_DAYS_KEPT, enqueue, forget_old_jobs, list_queue_sizes
from app.score.current.actions import rescore as rescore_actions
from app.worker import JOBS
from tests.support.histories import make_citizens
from tests.support.waiting import patient_connection, wait_until

Answer = TypeVar("Answer")
APP = Path(__file__).parents[1] / "app"
LOCK = 0x74657374  # "test"
NEVER = "0 0 1 1 *"
SECONDS_MAX = 60


async def count_jobs(name: str, status: str = "queued") -> int:
    """Return how many jobs of a name are in one state."""
    sql = "SELECT count(*) FROM pgqueuer WHERE entrypoint = $1 AND status = $2::pgqueuer_status"
    return int(await fetch_value(sql, name, status))


async def outside(asked: Coroutine[Any, Any, Answer]) -> Answer:
    """Await something outside of the transaction at hand."""
    return await asyncio.create_task(asked, context=contextvars.Context())


@asynccontextmanager
async def working(*some: Job) -> AsyncIterator[StoppablePace]:
    """Run a worker with some jobs."""
    pace = StoppablePace(1.0)
    task = asyncio.create_task(worker.keep_working(some, pace), context=contextvars.Context())
    try:
        yield pace
    finally:
        pace.stopping.set()
        await asyncio.wait_for(task, jobs.DRAIN_SECONDS_MAX)


@pytest.fixture
async def empty_queue(app: object) -> AsyncIterator[None]:
    """Begin and end with nothing in the queue."""
    del app
    for table in ("pgqueuer", "pgqueuer_log", "pgqueuer_schedules"):
        await execute(f"TRUNCATE {table}")
    yield
    await execute("TRUNCATE pgqueuer, pgqueuer_schedules")


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


# What each job does


async def test_whoever_is_due_is_rescored_chunk_by_chunk(due: list[UUID], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "RESCORE_CHUNK", 2)
    assert await count_due(due) == len(due)
    await worker.rescore(StoppablePace(1.0))
    assert await count_due(due) == 0


async def test_somebody_who_stays_due_does_not_keep_the_worker_busy_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    async def change_nothing(limit: int, **_: object) -> int:
        asked.append(limit)
        return limit

    monkeypatch.setattr(rescore_actions, "rescore_waiting", change_nothing)
    await asyncio.wait_for(worker.rescore(StoppablePace(1.0)), SECONDS_MAX)
    assert asked == [worker.RESCORE_CHUNK] * worker.RESCORE_CHUNKS_MAX


async def test_partitions_are_kept(app: object) -> None:
    del app
    today = shanghai_day(now())
    await execute(f"DROP TABLE scan_{today + timedelta(days=8):%Y%m%d}")
    old = today - timedelta(days=5000)  # nobody else plays there
    await execute(f"CREATE TABLE scan_{old:%Y%m%d} PARTITION OF scan FOR VALUES FROM ('{old}') TO (date '{old}' + 1)")
    await worker.keep_partitions(StoppablePace())
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
    await worker.forget(StoppablePace())
    kept = "SELECT count(*) FROM tombstone WHERE person_hash = sha256($1)"
    assert await fetch_value(kept, b"old") == 0
    assert await fetch_value(kept, b"young") == 1
    assert await fetch_value("SELECT count(*) FROM citizen_session WHERE citizen_id = $1", citizen_id) == 1
    await execute("DELETE FROM tombstone WHERE person_hash = sha256($1)", b"young")


@pytest.mark.parametrize(("days", "is_kept"), [(LOG_DAYS_KEPT - 1, True), (LOG_DAYS_KEPT + 1, False)])
async def test_the_queue_does_not_grow_for_ever(empty_queue: None, days: int, is_kept: bool) -> None:
    del empty_queue
    at = now() - timedelta(days=days)
    await execute(
        "INSERT INTO pgqueuer_log (created, job_id, status, priority, entrypoint) VALUES ($1, 1, 'successful', 0, 'x')",
        at,
    )
    await execute(
        """
        INSERT INTO pgqueuer_statistics (created, count, priority, status, entrypoint) VALUES ($1, 1, $2, 'queued', 'x')
        """,
        at,
        days,
    )
    await forget_old_jobs(now())
    assert await fetch_value("SELECT count(*) FROM pgqueuer_log WHERE entrypoint = 'x'") == is_kept
    assert await fetch_value("SELECT count(*) FROM pgqueuer_statistics WHERE priority = $1", days) == is_kept
    await execute("DELETE FROM pgqueuer_statistics WHERE entrypoint = 'x'")


# The list of jobs


def test_every_job_has_a_name_and_a_clock() -> None:
    assert len({job.name for job in JOBS}) == len({lock_of(job.name) for job in JOBS}) == len(JOBS)
    for job in JOBS:
        first = croniter(job.cron, now())
        assert 10 <= -(first.get_next() - first.get_next()) <= 86_400, job.name


def test_whatever_is_asked_for_is_a_job() -> None:
    """A name that no worker knows would wait in the queue for ever."""
    asked = {
        node.args[0].value
        for path in APP.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "enqueue"
        and node.args and isinstance(node.args[0], ast.Constant)
    }  # fmt: skip
    assert asked
    assert asked <= {job.name for job in JOBS}


# Asking for a job


async def test_a_thousand_calls_leave_one_job(empty_queue: None, monkeypatch: pytest.MonkeyPatch) -> None:
    del empty_queue
    monkeypatch.setattr(queue, "SHARED_SECONDS_MAX", 3600.0)  # however long a thousand calls take
    async with transaction():
        for _ in range(1000):
            await enqueue("test")
    assert await count_jobs("test") == 1
    await enqueue("test")
    assert await count_jobs("test") == 1


async def test_nothing_is_asked_for_when_the_transaction_fails(empty_queue: None) -> None:
    del empty_queue
    with pytest.raises(ZeroDivisionError):
        async with transaction():
            await enqueue("test")
            raise ZeroDivisionError
    assert await count_jobs("test") == 0


async def test_a_job_starts_when_everybody_who_shares_it_has_committed(empty_queue: None) -> None:
    """Else it would look before there is anything to see, and nobody would ask again."""
    del empty_queue
    marker, seen = uuid7(), list[int]()

    async def look(_: StoppablePace) -> None:
        seen.append(int(await fetch_value("SELECT count(*) FROM cache_version WHERE name = $1", str(marker))))

    await enqueue("test")
    async with AsyncExitStack() as stack:
        async with transaction():
            await execute("INSERT INTO cache_version (name, version) VALUES ($1, 1)", str(marker))
            await enqueue("test")
            assert await count_jobs("test") == 1
            await stack.enter_async_context(working(Job("test", NEVER, look)))
            await wait_until(lambda: _is_at_least_one("SELECT count(*) FROM pgqueuer WHERE payload = 'tick'"))
            await asyncio.sleep(0.5)
            assert seen == []
        await wait_until(lambda: _so(len(seen) == 2))  # this one and the worker's tick at the start
    assert seen == [1, 1]
    await execute("DELETE FROM cache_version WHERE name = $1", str(marker))


async def test_a_job_is_shared_for_a_second_only(empty_queue: None) -> None:
    del empty_queue
    await enqueue("test")
    await execute("UPDATE pgqueuer SET created = created - $1 * interval '1 second'", queue.SHARED_SECONDS_MAX + 0.1)
    await enqueue("test")
    assert await count_jobs("test") == 2


async def test_two_at_once_do_not_wait_for_each_other(empty_queue: None) -> None:
    del empty_queue
    async with transaction():
        await enqueue("test")
        await asyncio.wait_for(outside(enqueue("test")), SECONDS_MAX)
    assert await count_jobs("test") == 2


# Doing jobs


async def test_a_job_runs_as_soon_as_it_is_asked_for(empty_queue: None, monkeypatch: pytest.MonkeyPatch) -> None:
    del empty_queue
    monkeypatch.setattr(jobs, "LOOK_SECONDS", 3600)  # so that it is the news that wakes it
    ran: list[str] = []

    async def note(_: StoppablePace) -> None:
        ran.append("ran")

    async with working(Job("test", NEVER, note)):
        await wait_until(lambda: _so(len(ran) == 1))  # its tick at the start
        async with transaction():
            await enqueue("test")
        await wait_until(lambda: _so(len(ran) == 2))
        await wait_until(lambda: _none_left("test"))
    assert await fetch_value("SELECT count(*) FROM pgqueuer_log WHERE status = 'successful'") == 2


async def test_the_clock_asks_too(empty_queue: None) -> None:
    del empty_queue
    ran: list[str] = []

    async def note(_: StoppablePace) -> None:
        ran.append("ran")

    async with working(Job("test", "* * * * * *", note)):
        await wait_until(lambda: _so(len(ran) >= 3))


async def test_a_long_job_holds_up_no_other_and_is_never_done_twice_at_once(empty_queue: None) -> None:
    del empty_queue
    running, most, short = 0, 0, 0
    release = asyncio.Event()

    async def take_long(_: StoppablePace) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await release.wait()
        running -= 1

    async def be_short(_: StoppablePace) -> None:
        nonlocal short
        short += 1

    some = (Job("long", NEVER, take_long), Job("short", NEVER, be_short))
    async with working(*some), working(*some):
        await wait_until(lambda: _so(running == 1))
        await enqueue("long")
        await enqueue("short")
        await wait_until(lambda: _so(short >= 2))
        release.set()
        await wait_until(lambda: _none_left("long"))
    assert most == 1


async def test_a_worker_that_slept_still_holds_its_job(empty_queue: None) -> None:
    """The queue gives a silent worker's job to another one; the lock makes that one wait."""
    del empty_queue
    ran: list[str] = []

    async def note(_: StoppablePace) -> None:
        ran.append("ran")

    async with try_lock(lock_of("test")) as held:
        assert held is not None
        async with working(Job("test", NEVER, note)):
            await wait_until(lambda: _is_put_off("test"))
    assert ran == []


async def _is_put_off(name: str) -> bool:
    return bool(await fetch_value("SELECT count(*) FROM pgqueuer WHERE entrypoint = $1 AND attempts > 0", name))


async def test_a_failing_job_is_tried_again_and_stops_no_other(
    empty_queue: None, caplog: pytest.LogCaptureFixture
) -> None:
    del empty_queue
    ran: list[str] = []

    async def fail(_: StoppablePace) -> None:
        ran.append("fail")
        raise ValueError("a secret")

    async def work(_: StoppablePace) -> None:
        ran.append("work")

    async with working(Job("fail", NEVER, fail), Job("work", NEVER, work)):
        await wait_until(lambda: _so(set(ran) == {"fail", "work"}))
        await wait_until(lambda: _is_put_off("fail"))
        await enqueue("fail")
        await wait_until(lambda: _so(ran.count("fail") == 2))
        await wait_until(lambda: _so_failed("fail"))
    assert await count_jobs("fail") == 1, "the tick waits for its next try, what was asked for is left to it"
    seconds = await fetch_value("SELECT extract(epoch FROM execute_after - updated)::integer FROM pgqueuer")
    assert seconds == jobs.RETRY_SECONDS
    assert "a secret" not in [record.getMessage() for record in caplog.records]
    told = await fetch_value("SELECT string_agg(traceback::text, ' ') FROM pgqueuer_log")
    assert "ValueError" in told
    assert "a secret" not in told


async def _so_failed(name: str) -> bool:
    return next(size for size in await list_queue_sizes() if size.entrypoint == name).failed_at is not None


async def test_stopping_lets_short_work_finish_and_ends_long_work_between_two_pieces(empty_queue: None) -> None:
    del empty_queue
    pieces: list[str] = []
    at_work = asyncio.Event()

    async def take_long(pace: StoppablePace) -> None:
        while True:
            async with pace.work():
                at_work.set()
                await asyncio.sleep(0.05)
                pieces.append("whole")

    async def be_short(_: StoppablePace) -> None:
        await at_work.wait()
        await asyncio.sleep(0.3)
        pieces.append("short")

    async with working(Job("long", NEVER, take_long), Job("short", NEVER, be_short)):
        await asyncio.wait_for(at_work.wait(), SECONDS_MAX)
    assert "short" in pieces
    assert "whole" in pieces
    assert await count_jobs("long") == 1, "it waits for the next worker"
    assert await count_jobs("short") == 0
    assert await count_jobs("long", "picked") == 0


async def test_the_worker_goes_on_after_its_connections_were_cut(empty_queue: None) -> None:
    del empty_queue
    ran: list[str] = []
    stuck = asyncio.Event()

    async def note(_: StoppablePace) -> None:
        ran.append("ran")
        if len(ran) == 1:
            await stuck.wait()  # cut off in the middle: it is done again

    async with working(Job("test", NEVER, note)):
        await wait_until(lambda: _so(len(ran) == 1))
        await execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
                AND (query LIKE '%pg_try_advisory_lock%' OR query LIKE '%pgqueuer%' OR query LIKE '%pg_notify%')
            """
        )
        await wait_until(lambda: _so(len(ran) == 2))
        await wait_until(lambda: _none_left("test"))


async def test_what_a_killed_worker_was_doing_is_done_again_at_once(empty_queue: None) -> None:
    """Its lock is free, so nobody waits for its heartbeat to be missed."""
    del empty_queue
    ran: list[str] = []

    async def note(_: StoppablePace) -> None:
        ran.append("ran")

    await execute(
        """
        INSERT INTO pgqueuer (priority, entrypoint, status, queue_manager_id, slot, dedupe_key, payload)
        VALUES (0, 'test', 'picked', gen_random_uuid(), 0, 'test', 'tick')
        """
    )
    async with working(Job("test", NEVER, note)):
        await wait_until(lambda: _none_left("test"))
    assert ran == ["ran"]


async def _none_left(name: str) -> bool:
    return await count_jobs(name) + await count_jobs(name, "picked") == 0


async def _so(is_so: bool) -> bool:
    return is_so


# The process


@asynccontextmanager
async def process() -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the command, without Valkey, which it can do without; stop it when the test does not."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", "worker", stderr=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != "VALKEY_URL"},
    )  # fmt: skip
    try:
        yield started
    finally:
        if started.returncode is None:
            started.send_signal(signal.SIGTERM)
            _, said = await asyncio.wait_for(started.communicate(), SECONDS_MAX)
            assert started.returncode == 0, said.decode()


async def test_a_worker_killed_at_work_leaves_it_to_the_next(empty_queue: None) -> None:
    del empty_queue
    done = "SELECT count(*) FROM pgqueuer_log WHERE entrypoint = 'partitions' AND status = 'successful'"
    async with patient_connection() as connection, connection.transaction():
        # Partitions are made under this lock: the job is at work and cannot end.
        await connection.execute("SELECT pg_advisory_xact_lock($1)", 0x70617274)
        await connection.execute(f"DROP TABLE scan_{shanghai_day(now()) + timedelta(days=8):%Y%m%d}")
        async with process() as first:
            await wait_until(lambda: _is_picked("partitions"))
            first.kill()
            await first.wait()
        assert await _is_picked("partitions")
    async with process():
        await wait_until(lambda: _is_at_least_one(done))


async def _is_picked(name: str) -> bool:
    return await count_jobs(name, "picked") == 1


async def _is_at_least_one(sql: str) -> bool:
    return bool(await fetch_value(sql))


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
        await asyncio.wait_for(first.wait(), SECONDS_MAX)
        async with try_lock(LOCK) as third:
            assert third is not None
    async with try_lock(LOCK) as fourth:
        assert fourth is not None


async def test_an_operator_sees_the_queue(empty_queue: None) -> None:
    del empty_queue
    await enqueue("imports")
    said = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", "worker", "--status", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await said.communicate()
    assert said.returncode == 0
    line = next(line for line in out.decode().splitlines() if line.startswith("imports"))
    assert line.split()[1:3] == ["1", "0"]

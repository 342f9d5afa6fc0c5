"""The pool stays whole whatever happens to a transaction; queries join the one that is open."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import msgspec
import pytest

from app.kit.clock import now, uuid7
from app.kit.db import database
from app.kit.db.database import (
    borrow,
    database_lifespan,
    execute,
    execute_many,
    fetch_all,
    fetch_one,
    fetch_value,
    is_in_transaction,
    pool,
    pool_options,
    read_sql,
    transaction,
)
from app.kit.db.failure import DatabaseUnreached
from app.kit.db.rows import run
from app.partner.tables import Institution
from app.piccolo_conf import DB
from app.settings import read_settings
from tests.support.waiting import patient_connection, wait_until, wait_until_blocking

HELD_LOCK = 0x68656C64


class Row(msgspec.Struct, frozen=True):
    """A row of the table these tests make."""

    id: int
    parent: int | None


@pytest.fixture
async def table(app: object) -> AsyncIterator[str]:
    """Make a table whose foreign key is checked at COMMIT."""
    del app
    name = f"node_{uuid.uuid4().hex}"
    await execute(
        f"CREATE TABLE {name} (id int PRIMARY KEY, parent int REFERENCES {name} DEFERRABLE INITIALLY DEFERRED)"
    )
    yield name
    await execute(f"DROP TABLE {name}")


async def wait_until_all_are_back() -> None:
    """Wait until the pool is whole: what runs beside the tests borrows for moments, what is lost never comes back."""

    async def is_whole() -> bool:
        return pool().get_idle_size() == read_settings().database_pool_size

    await wait_until(is_whole)


async def test_a_failing_commit_leaves_the_pool_whole(table: str) -> None:
    for number in range(read_settings().database_pool_size + 1):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            async with transaction():
                await execute(f"INSERT INTO {table} VALUES ($1, $2)", number, -1)
    await wait_until_all_are_back()
    assert not is_in_transaction()
    assert await fetch_value(f"SELECT count(*) FROM {table}") == 0
    async with transaction():
        await execute(f"INSERT INTO {table} VALUES (1, 1)")
    assert await fetch_all(Row, f"SELECT * FROM {table}") == [Row(1, 1)]


async def test_a_raising_block_is_rolled_back_and_gives_its_connection_back(table: str) -> None:
    with pytest.raises(KeyError):
        async with transaction():
            await execute(f"INSERT INTO {table} VALUES (1, NULL)")
            raise KeyError
    assert await fetch_one(Row, f"SELECT * FROM {table}") is None
    await wait_until_all_are_back()


async def test_a_cancelled_block_is_rolled_back_and_gives_its_connection_back(table: str) -> None:
    async def work() -> None:
        async with transaction():
            await execute(f"INSERT INTO {table} VALUES (1, NULL)")
            await fetch_value("SELECT pg_advisory_xact_lock($1)", HELD_LOCK)

    async with patient_connection() as holder:
        await holder.execute("SELECT pg_advisory_lock($1)", HELD_LOCK)
        task = asyncio.create_task(work())
        await wait_until_blocking(holder.get_server_pid())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await fetch_one(Row, f"SELECT * FROM {table}") is None
    assert await fetch_value("SELECT 1") == 1


async def test_transactions_do_not_nest() -> None:
    async with transaction():
        assert is_in_transaction()
        with pytest.raises(AssertionError, match="do not nest"):
            async with transaction():
                pass
    assert not is_in_transaction()


async def test_every_query_inside_takes_part(table: str) -> None:
    with pytest.raises(KeyError):
        async with transaction():
            await execute_many(f"INSERT INTO {table} VALUES ($1, $2)", [(1, None), (2, 1)])
            assert len(await fetch_all(Row, f"SELECT * FROM {table}")) == 2
            async with borrow() as connection:
                await connection.execute(f"INSERT INTO {table} VALUES (3, 2)")
            institution = Institution(id=uuid7(), name="never", kind="bank", state="active", created_at=now())
            assert await run(Institution.insert(institution)) == 1
            raise KeyError
    assert await fetch_value(f"SELECT count(*) FROM {table}") == 0
    assert await fetch_value("SELECT count(*) FROM institution WHERE name = 'never'") == 0


async def test_execute_says_how_many_rows_it_touched(table: str) -> None:
    assert await execute(f"INSERT INTO {table} SELECT generate_series(1, 5)") == 5
    assert await execute(f"UPDATE {table} SET parent = id WHERE id > 3") == 2
    assert await execute(f"DELETE FROM {table} WHERE id > 9") == 0
    assert await execute("SET LOCAL statement_timeout = 0") == 0


async def test_connections_are_limited_in_their_waiting() -> None:
    assert await fetch_value("SHOW timezone") == "UTC"
    assert await fetch_value("SHOW synchronous_commit") == "on"
    for setting in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
        assert await fetch_value(f"SHOW {setting}") != "0"


async def test_json_arrives_as_the_text_it_was_sent_as() -> None:
    assert msgspec.json.decode(await fetch_value("SELECT $1::jsonb", '{"a": [1, "张"]}')) == {"a": [1, "张"]}


def test_long_statements_lie_beside_their_module() -> None:
    with pytest.raises(FileNotFoundError):
        read_sql(__file__, "nothing")


async def test_a_connection_goes_back_to_the_pool_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool may be replaced while a statement is under way; what is lent must not be lost to the one that lent it."""
    lender = pool()
    async with asyncpg.create_pool(read_settings().database_url, **pool_options()) as other:
        async with borrow():
            monkeypatch.setattr(DB, "pool", other)
        monkeypatch.setattr(DB, "pool", lender)
    await wait_until_all_are_back()


async def test_a_pool_closes_though_a_connection_never_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "CLOSE_SECONDS_MAX", 0.05)
    monkeypatch.setattr(DB, "pool", None)
    async with asyncio.timeout(10):
        async with database_lifespan():
            lost = await pool().acquire()
    with pytest.raises(asyncpg.InterfaceError):
        await lost.fetchval("SELECT 1")
    assert DB.pool is None


@pytest.mark.parametrize("method", ["acquire", "release"])
async def test_a_cancellation_of_the_drivers_own_is_a_failure(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """A connection that breaks cancels the task that waits for it; that must not end a request without an answer."""
    plain = getattr(asyncpg.Pool, method)

    async def broken(*given: Any, **named: Any) -> Any:
        if method == "release":
            await plain(*given, **named)
        raise asyncio.CancelledError

    monkeypatch.setattr(asyncpg.Pool, method, broken)
    if method == "release":
        assert await fetch_value("SELECT 1") == 1
    else:
        with pytest.raises(DatabaseUnreached):
            await fetch_value("SELECT 1")

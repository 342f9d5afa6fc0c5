"""The PostgreSQL pool, the one way to open a transaction, and the one way to run SQL."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from asyncpg import Connection, Pool, Record
from asyncpg.pool import PoolConnectionProxy
from asyncpg.transaction import Transaction
from piccolo.engine.postgres import PostgresTransaction

from app.kit.background import is_cancelled
from app.kit.db.failure import DatabaseUnreached, asking
from app.piccolo_conf import DB, connection_options
from app.settings import read_settings

LOG = logging.getLogger("huixin.database")
RowType = TypeVar("RowType")
AnyConnection: TypeAlias = "Connection[Record] | PoolConnectionProxy[Record]"
ACQUIRE_SECONDS_MAX = 2
COMMAND_SECONDS_MAX = 5
CLOSE_SECONDS_MAX = 10


@asynccontextmanager
async def database_lifespan(*, command_seconds_max: int = COMMAND_SECONDS_MAX) -> AsyncIterator[None]:
    """Hold the pool open while the app runs; who looks through a whole city needs more patience than a request."""
    await DB.start_connection_pool(**pool_options(command_seconds_max))
    try:
        yield
    finally:
        await _close_pool()


def pool_options(command_seconds_max: int = COMMAND_SECONDS_MAX) -> dict[str, Any]:
    """Return what the pool is opened with besides its address."""
    size = read_settings().database_pool_size
    settings = {**connection_options()["server_settings"], "statement_timeout": f"{command_seconds_max}s"}
    return {
        "min_size": size,
        "max_size": size,
        "command_timeout": command_seconds_max,
        "server_settings": settings,
        "reset": _keep_session,
        "init": _teach_json,
    }


@asynccontextmanager
async def transaction() -> AsyncIterator[None]:
    """Run a block in one transaction; every query inside it takes part.

    Piccolo's own ``DB.transaction()`` loses its connection when COMMIT fails,
    so asyncpg owns the connection here, and Piccolo only learns which one it is (decision 4).
    """
    assert DB.current_transaction.get() is None, "transactions do not nest"
    async with _lend() as connection:
        block = connection.transaction()
        with asking():
            await block.start()
        joined = PostgresTransaction(DB)
        joined.connection = connection
        token = DB.current_transaction.set(joined)
        try:
            yield
        except BaseException:
            await _roll_back(connection, block)
            raise
        finally:
            DB.current_transaction.reset(token)
        with asking():
            await block.commit()


def is_in_transaction() -> bool:
    """Whether the caller already runs inside ``transaction()``."""
    return DB.current_transaction.get() is not None


async def fetch_one(row_type: type[RowType], sql: str, *arguments: object) -> RowType | None:
    """Run a statement and return its first row as ``row_type``."""
    async with borrow() as connection:
        row = await connection.fetchrow(sql, *arguments)
    return None if row is None else row_type(**row)


async def fetch_all(row_type: type[RowType], sql: str, *arguments: object) -> list[RowType]:
    """Run a statement and return every row as ``row_type``."""
    async with borrow() as connection:
        rows = await connection.fetch(sql, *arguments)
    return [row_type(**row) for row in rows]


async def fetch_value(sql: str, *arguments: object) -> Any:
    """Run a statement and return the first column of its first row, or None."""
    async with borrow() as connection:
        return await connection.fetchval(sql, *arguments)


async def execute(sql: str, *arguments: object) -> int:
    """Run a statement for its effect; how many rows it touched."""
    async with borrow() as connection:
        status = await connection.execute(sql, *arguments)
    last = str(status).rsplit(" ", 1)[-1]
    return int(last) if last.isdigit() else 0


async def execute_many(sql: str, rows: Iterable[Sequence[object]]) -> None:
    """Run one statement for many rows, in one round trip."""
    async with borrow() as connection:
        await connection.executemany(sql, rows)


async def copy_encoded(table: str, columns: Sequence[str], rows: bytes) -> None:
    """Store many rows by COPY, the fastest way in, from PostgreSQL's binary format; all of them or none."""
    async with borrow() as connection:
        await connection.copy_to_table(table, source=_pass_on(rows), columns=columns, format="binary")


@asynccontextmanager
async def borrow() -> AsyncIterator[AnyConnection]:
    """Use the current transaction's connection, or borrow one for a moment; what the block raises is the driver's."""
    joined: Any = DB.current_transaction.get()
    if joined is not None:
        with asking():
            yield joined.connection
        return
    async with _lend() as connection:
        with asking():
            yield connection


@asynccontextmanager
async def _lend() -> AsyncIterator[PoolConnectionProxy[Record]]:
    """Lend a connection of the pool; whatever keeps us from getting one, nothing was sent."""
    lender = pool()  # to whom it is given back, whichever pool is in use by then
    try:
        connection = await lender.acquire(timeout=ACQUIRE_SECONDS_MAX)
    except (Exception, asyncio.CancelledError) as error:
        _go_on_unless_cancelled(error)
        raise DatabaseUnreached(type(error).__name__) from error
    try:
        yield connection
    finally:
        try:
            await lender.release(connection)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - the pool replaces it; what was done is done
            _go_on_unless_cancelled(error)
            LOG.warning("a connection could not be given back: %s", type(error).__name__)


async def _close_pool() -> None:
    """Close the pool when all connections are back, or after a while without those that never come."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await DB.close_connection_pool()
    except TimeoutError:  # asyncpg has ended every connection by then
        DB.pool = None
        LOG.warning("the pool was closed with connections that nobody gave back")


async def _roll_back(connection: PoolConnectionProxy[Record], block: Transaction) -> None:
    """Undo what was begun; a connection that cannot even do that is closed, which undoes it too."""
    try:
        await block.rollback()
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - the caller learns why it came to this
        connection.terminate()
        _go_on_unless_cancelled(error)


def _go_on_unless_cancelled(error: BaseException) -> None:
    """Raise a cancellation that somebody asked for again; a connection that breaks cancels who waits for it, too."""
    if isinstance(error, asyncio.CancelledError) and is_cancelled():
        raise error


def pool() -> Pool[Record]:
    """Return the open pool."""
    assert DB.pool is not None, "the pool opens with the app"
    return DB.pool


def write_uuids(ids: Iterable[UUID]) -> str:
    """Return ids as the text of a ``uuid[]``, to be cast from: item by item asyncpg would take ten times as long."""
    return "{" + ",".join(map(str, ids)) + "}"


@cache
def read_sql(module_file: str, name: str) -> str:
    """Return the long statement ``sql/<name>.sql`` that lies beside a module."""
    return (Path(module_file).parent / "sql" / f"{name}.sql").read_text(encoding="utf-8")


async def _keep_session(_: object) -> None:
    """Skip asyncpg's reset round trip: we never set session state."""


async def _teach_json(connection: Connection[Record]) -> None:
    """Pass JSON through as bytes-free text; Structs are encoded and decoded by msgspec where they are used."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=str, decoder=str, format="text")


async def _pass_on(rows: bytes) -> AsyncIterator[bytes]:
    """Yield bytes as a source of COPY: by themselves they would be taken for a file's name."""
    yield rows

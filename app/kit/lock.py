"""A lock among processes that ends with its holder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from app.piccolo_conf import connection_options


@asynccontextmanager
async def try_lock(number: int) -> AsyncIterator[asyncio.Event | None]:
    """Take PostgreSQL's advisory lock on a connection of its own; yield None when another process holds it.

    Otherwise yields an event that is set when the lock is lost because the connection is.
    """
    connection = await asyncpg.connect(**connection_options())
    try:
        lost = asyncio.Event()
        connection.add_termination_listener(lambda *_: lost.set())
        yield lost if await connection.fetchval("SELECT pg_try_advisory_lock($1)", number) else None
    finally:
        connection.terminate()

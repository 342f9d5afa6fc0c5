"""A lock among processes that ends with its holder, and how to know that a connection is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import asyncpg

from app.kit.background import in_background
from app.piccolo_conf import connection_options

WATCH_SECONDS = 1.0


@asynccontextmanager
async def try_lock(number: int) -> AsyncIterator[asyncio.Event | None]:
    """Take PostgreSQL's advisory lock on a connection of its own; yield None when another process holds it.

    Otherwise yields an event that is set when the lock is lost because the connection is.
    """
    connection = await asyncpg.connect(**connection_options())
    try:
        async with watch_connection(connection) as lost:
            yield lost if await connection.fetchval("SELECT pg_try_advisory_lock($1)", number) else None
    finally:
        connection.terminate()


@asynccontextmanager
async def watch_connection(connection: asyncpg.Connection[Any]) -> AsyncIterator[asyncio.Event]:
    """Yield an event that is set when the connection is lost.

    Its listener alone does not do: asyncpg forgets it when the server's last words arrive between two queries.
    """
    lost = asyncio.Event()
    connection.add_termination_listener(lambda *_: lost.set())
    async with in_background("watching a connection", partial(_look_after, connection, lost)):
        yield lost


async def _look_after(connection: asyncpg.Connection[Any], lost: asyncio.Event) -> None:
    await asyncio.sleep(WATCH_SECONDS)
    if connection.is_closed():
        lost.set()

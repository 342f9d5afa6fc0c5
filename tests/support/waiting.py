"""Waiting for what a test wants to see, never for a time; a limit only so that a failing test ends."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

from app.kit.db.database import fetch_value
from app.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

WAIT_SECONDS_MAX = 60  # far more than anything takes on a busy machine
LOOK_SECONDS = 0.01


@asynccontextmanager
async def patient_connection() -> AsyncIterator[asyncpg.Connection[Any]]:
    """Open a connection of a test's own, to hold something with: no limit of the service ends its transactions."""
    connection = await asyncpg.connect(SETTINGS.database_url)
    try:
        yield connection
    finally:
        connection.terminate()


async def wait_until(is_so: Callable[[], Awaitable[object]], seconds_max: float = WAIT_SECONDS_MAX) -> None:
    """Wait until something outside of this process is so."""
    async with asyncio.timeout(seconds_max):
        while not await is_so():  # noqa: ASYNC110 - it is asked in a database or over the network
            await asyncio.sleep(LOOK_SECONDS)


async def wait_until_blocking(holder: int | None = None) -> None:
    """Wait until somebody waits for a lock that ``holder``'s connection has; None for the connection of this call."""
    sql = "SELECT count(*) FROM pg_stat_activity WHERE coalesce($1, pg_backend_pid()) = ANY(pg_blocking_pids(pid))"
    await wait_until(lambda: fetch_value(sql, holder))


async def let_run() -> None:
    """Let the other tasks of this loop run as far as they can without news from outside."""
    for _ in range(100):
        await asyncio.sleep(0)

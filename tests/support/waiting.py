"""Waiting for what a test wants to see, never for a time; a limit only so that a failing test ends.

The one place of the tests that sleeps: between two looks.
"""

from __future__ import annotations

import asyncio
import inspect
import socket
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

from app.kit.db.database import fetch_value
from app.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from httpx2 import Response

WAIT_SECONDS_MAX = 60  # far more than anything takes on a busy machine
LOOK_SECONDS = 0.01


@asynccontextmanager
async def patient_connection() -> AsyncIterator[asyncpg.Connection[Any]]:
    """Open a connection of a test's own, to hold something with: no limit of the service ends its transactions."""
    connection = await asyncpg.connect(read_settings().database_url)
    try:
        yield connection
    finally:
        connection.terminate()


async def wait_until(is_so: Callable[[], Awaitable[object] | object], seconds_max: float = WAIT_SECONDS_MAX) -> None:
    """Wait until something is so that nobody says by itself: in a database, over the network, in another process."""
    async with asyncio.timeout(seconds_max):
        while True:
            found = is_so()
            if await found if inspect.isawaitable(found) else found:
                return
            await asyncio.sleep(LOOK_SECONDS)


def block_until(is_so: Callable[[], object], seconds_max: float = WAIT_SECONDS_MAX, *, what: str = "never so") -> None:
    """Wait in the same way where there is no loop, and fail with ``what`` was waited for in vain."""
    deadline = time.monotonic() + seconds_max
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(LOOK_SECONDS)


def is_listening(port: int) -> bool:
    """Whether somebody takes connections on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def wait_until_past(at: float) -> None:
    """Wait until the loop's clock is past a moment: for tests of limits that are moments themselves."""
    loop = asyncio.get_running_loop()
    await wait_until(lambda: loop.time() > at)


async def wait_as_told(answer: Response) -> None:
    """Wait as a client does that is told to come again."""
    await asyncio.sleep(float(answer.headers["Retry-After"]))


async def wait_until_blocking(holder: int | None = None) -> None:
    """Wait until somebody waits for a lock that ``holder``'s connection has; None for the connection of this call."""
    sql = "SELECT count(*) FROM pg_stat_activity WHERE coalesce($1, pg_backend_pid()) = ANY(pg_blocking_pids(pid))"
    await wait_until(lambda: fetch_value(sql, holder))


async def next_turn() -> None:
    """Let the other tasks of this loop have one turn."""
    await asyncio.sleep(0)


async def let_run() -> None:
    """Let the other tasks of this loop run as far as they can without news from outside."""
    for _ in range(100):
        await next_turn()

"""Catalogues in process memory: versioned in PostgreSQL, refreshed by one LISTEN connection and a half-second poll."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

import asyncpg
import msgspec

from app.kit.database import execute, fetch_all
from app.kit.keys import KEYS
from app.piccolo_conf import connection_options

LOG = logging.getLogger("huixin.cache")
POLL_SECONDS = 0.5
RECONNECT_SECONDS = 1.0
Content = TypeVar("Content")


class CacheVersion(msgspec.Struct, frozen=True):
    """How often a catalogue has changed."""

    name: str
    version: int


class Versioned(Generic[Content]):
    """One catalogue: ``current`` is never older than half a second while the database answers."""

    def __init__(self, name: str, load: Callable[[], Awaitable[Content]]) -> None:
        self.name = name
        self._load = load
        self._content: Content | None = None
        self._version = 0
        self._lock = asyncio.Lock()

    @property
    def current(self) -> Content:
        """Return what is loaded; the app loads every catalogue before it takes requests."""
        assert self._content is not None, f"{self.name} is loaded at start"
        return self._content

    async def refresh(self, version: int) -> None:
        """Load again when ``version`` is newer than what is held; the version is read before the content."""
        async with self._lock:
            if version > self._version:
                self._content = await self._load()
                self._version = version


async def bump(name: str) -> None:
    """Tell every process that a catalogue changed; call inside the transaction that changes it."""
    await execute("UPDATE cache_version SET version = version + 1 WHERE name = $1", name)
    await execute("SELECT pg_notify('huixin_cache_' || current_schema(), $1)", name)


async def refresh_all(catalogues: Sequence[Versioned[Any]]) -> None:
    """Load what has changed; also rereads the key file when it was replaced."""
    KEYS.refresh()
    rows = await fetch_all(CacheVersion, "SELECT name, version FROM cache_version")
    versions = {row.name: row.version for row in rows}
    for catalogue in catalogues:
        await catalogue.refresh(versions[catalogue.name])


@asynccontextmanager
async def cache_lifespan(catalogues: Sequence[Versioned[Any]]) -> AsyncIterator[None]:
    """Load every catalogue, then keep it fresh until the app stops."""
    await refresh_all(catalogues)
    changed = asyncio.Event()
    tasks = [asyncio.create_task(_listen(changed)), asyncio.create_task(_keep_fresh(catalogues, changed))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _keep_fresh(catalogues: Sequence[Versioned[Any]], changed: asyncio.Event) -> None:
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), POLL_SECONDS)
        changed.clear()
        try:
            await refresh_all(catalogues)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            LOG.warning("catalogues could not be refreshed: %s", type(error).__name__)


async def _listen(changed: asyncio.Event) -> None:
    """Keep listening; a lost connection is made again."""
    while True:
        try:
            await _listen_until_lost(changed)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            LOG.warning("listening failed: %s", type(error).__name__)
        await asyncio.sleep(RECONNECT_SECONDS)


async def _listen_until_lost(changed: asyncio.Event) -> None:
    """Hold one connection of our own: the pool's no-op reset would clear a listener while the server keeps it."""
    connection = await asyncpg.connect(**connection_options())
    try:
        lost = asyncio.Event()
        connection.add_termination_listener(lambda *_: lost.set())
        schema = await connection.fetchval("SELECT current_schema()")
        await connection.add_listener(f"huixin_cache_{schema}", lambda *_: changed.set())
        changed.set()  # something may have changed while nobody listened
        await lost.wait()
    finally:
        connection.terminate()

"""Catalogues in process memory: versioned in PostgreSQL, refreshed by one LISTEN connection and a half-second poll.

A catalogue knows when it was last confirmed. One that has not been for seconds makes the process not ready; one that
has not been for half a minute is not trusted any more: a key suspended since would go on redeeming.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Generic, TypeVar

import asyncpg
import msgspec

from app.kit.background import in_background
from app.kit.db.database import execute, fetch_all
from app.kit.db.lock import watch_connection
from app.kit.errors import Refusal
from app.kit.security.keys import KEYS
from app.piccolo_conf import connection_options

POLL_SECONDS = 0.5
CATALOGUE_STALE_SECONDS = 5.0  # unconfirmed for longer, the process is not ready: other workers may be
CATALOGUE_REFUSE_SECONDS = 30.0  # unconfirmed for longer, requests that depend on it are refused
Content = TypeVar("Content")


class CatalogueStale(Refusal):
    """This process has not been able to learn for a while who may do what, and trusts nobody until it has."""

    code = "catalogue_stale"
    status_code = 503
    wait_seconds = 2
    zh = "系统暂时无法核实机构与活动的最新状态，请稍后重试，本次未做任何更改"
    retryable = True


class ListenerLost(Exception):  # noqa: N818 - it says what is true
    """The connection that listened for changes is gone."""


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
        self._trusted_until = 0.0  # on the monotonic clock

    @property
    def current(self) -> Content:
        """Return what is loaded, however old; the app loads every catalogue before it takes requests."""
        assert self._content is not None, f"{self.name} is loaded at start"
        return self._content

    @property
    def trusted(self) -> Content:
        """Return what is loaded, for who allows something because of it; refuses when it is too old (decision 5)."""
        if time.monotonic() > self._trusted_until:
            raise CatalogueStale
        return self.current

    def is_stale(self, at: float) -> bool:
        """Whether it was last confirmed too long ago, at a time of the monotonic clock, for more requests to come."""
        return at - self.confirmed_at > CATALOGUE_STALE_SECONDS

    @property
    def confirmed_at(self) -> float:
        """When what is loaded was last confirmed to be the newest, on the monotonic clock."""
        return self._trusted_until - CATALOGUE_REFUSE_SECONDS

    def confirm(self, at: float) -> None:
        """Note that what is loaded was the newest at a time of the monotonic clock."""
        self._trusted_until = max(self._trusted_until, at + CATALOGUE_REFUSE_SECONDS)

    async def refresh(self, version: int) -> None:
        """Load again when ``version`` is newer than what is held.

        The version is read before the content: a change between the two is loaded once more instead of being missed.
        """
        async with self._lock:
            if version > self._version:
                self._content = await self._load()
                self._version = version


_refreshed: list[Versioned[Any]] = []  # what this process refreshes by itself


async def bump(name: str) -> None:
    """Let every process learn that a catalogue changed; call inside the transaction that changes it."""
    await execute("UPDATE cache_version SET version = version + 1 WHERE name = $1", name)
    await execute("SELECT pg_notify('huixin_cache_' || current_schema(), $1)", name)


async def refresh_all(catalogues: Sequence[Versioned[Any]]) -> None:
    """Load what has changed; also rereads the key file when it was replaced.

    One that cannot be loaded does not keep the others from being refreshed.
    """
    KEYS.refresh()
    begun = time.monotonic()  # what is committed later is for the next refresh
    rows = await fetch_all(CacheVersion, "SELECT name, version FROM cache_version")
    versions = {row.name: row.version for row in rows}
    failure: Exception | None = None
    for catalogue in catalogues:
        try:
            await catalogue.refresh(versions[catalogue.name])
            catalogue.confirm(begun)
        except Exception as error:  # noqa: BLE001 - raised below
            failure = error
    if failure is not None:
        raise failure


def find_stale(at: float) -> list[str]:
    """Return the names of the catalogues that are too old, at a time of the monotonic clock."""
    return [catalogue.name for catalogue in _refreshed if catalogue.is_stale(at)]


@asynccontextmanager
async def cache_lifespan(catalogues: Sequence[Versioned[Any]]) -> AsyncIterator[None]:
    """Load every catalogue, then keep it fresh until the app stops."""
    await refresh_all(catalogues)
    changed = asyncio.Event()
    _refreshed.extend(catalogues)
    try:
        async with (
            in_background("listening for changes", partial(_listen_until_lost, changed)),
            in_background("refreshing catalogues", partial(_refresh_when_changed, catalogues, changed)),
        ):
            yield
    finally:
        for catalogue in catalogues:
            _refreshed.remove(catalogue)


async def _refresh_when_changed(catalogues: Sequence[Versioned[Any]], changed: asyncio.Event) -> None:
    """Refresh as soon as a notification comes, and every half second without one: a notification may be lost."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(changed.wait(), POLL_SECONDS)
    changed.clear()
    await refresh_all(catalogues)


async def _listen_until_lost(changed: asyncio.Event) -> None:
    """Hold one connection of our own: the pool's no-op reset would clear a listener while the server keeps it."""
    connection = await asyncpg.connect(**connection_options())
    try:
        async with watch_connection(connection) as lost:
            schema = await connection.fetchval("SELECT current_schema()")
            await connection.add_listener(f"huixin_cache_{schema}", lambda *_: changed.set())
            changed.set()  # something may have changed while nobody listened
            await lost.wait()
    finally:
        connection.terminate()
    raise ListenerLost

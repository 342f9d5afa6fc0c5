"""Catalogues in memory: a change is seen within a second, also when the listening connection was killed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from app.kit.cache import Versioned, bump, cache_lifespan
from app.kit.database import execute, fetch_value, transaction

SEEN_SECONDS_MAX = 1.0


class Catalogue:
    """A catalogue of one number, read from the database."""

    def __init__(self) -> None:
        self.loads = 0
        self.versioned = Versioned("catalogue", self.load)

    async def load(self) -> int:
        self.loads += 1
        return int(await fetch_value("SELECT version FROM cache_version WHERE name = 'catalogue'"))


@pytest.fixture
async def catalogue(app: object) -> AsyncIterator[Catalogue]:
    del app
    one = Catalogue()
    async with cache_lifespan([one.versioned]):
        await asyncio.sleep(0.1)  # the listener connects
        yield one


async def seconds_until_seen(catalogue: Catalogue, version: int) -> float:
    """Return how long until ``version`` was in memory."""
    begun = time.monotonic()
    while catalogue.versioned.current != version:
        assert time.monotonic() - begun < 5, "never seen"
        await asyncio.sleep(0.01)
    return time.monotonic() - begun


async def change() -> int:
    async with transaction():
        await bump("catalogue")
        return int(await fetch_value("SELECT version FROM cache_version WHERE name = 'catalogue'"))


async def test_a_change_is_seen_within_a_second(catalogue: Catalogue) -> None:
    for _ in range(3):
        assert await seconds_until_seen(catalogue, await change()) < SEEN_SECONDS_MAX


async def test_nothing_is_loaded_again_while_nothing_changes(catalogue: Catalogue) -> None:
    await asyncio.sleep(0.7)
    loads = catalogue.loads
    await asyncio.sleep(0.7)
    assert catalogue.loads == loads


async def test_a_change_that_is_rolled_back_is_no_change(catalogue: Catalogue) -> None:
    before = catalogue.versioned.current
    with pytest.raises(KeyError):
        async with transaction():
            await bump("catalogue")
            raise KeyError
    await asyncio.sleep(0.7)
    assert catalogue.versioned.current == before


async def test_a_killed_listener_comes_back_and_meanwhile_the_poll_sees_changes(catalogue: Catalogue) -> None:
    killed = await execute(
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE query LIKE 'LISTEN "huixin_cache_%' AND datname = current_database()
        """
    )
    assert killed >= 1
    assert await seconds_until_seen(catalogue, await change()) < SEEN_SECONDS_MAX
    for _ in range(50):
        await asyncio.sleep(0.1)
        listening = await fetch_value(
            """
            SELECT count(*) FROM pg_stat_activity
            WHERE query LIKE 'LISTEN "huixin_cache_%' AND datname = current_database()
            """
        )
        if listening >= killed:
            break
    assert listening >= killed
    assert await seconds_until_seen(catalogue, await change()) < SEEN_SECONDS_MAX


async def test_what_is_not_loaded_may_not_be_used() -> None:
    with pytest.raises(AssertionError, match="loaded at start"):
        _ = Catalogue().versioned.current

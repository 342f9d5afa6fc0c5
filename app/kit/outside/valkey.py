"""Valkey: may slow a request down, never approve it. Every call has 50 ms; after failures it is left alone a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.settings import read_settings

CALL_SECONDS_MAX = 0.05
BREAKER_SECONDS = 2.0
Answer = TypeVar("Answer")


class Valkey:
    """One client with a breaker; ``try_call`` returns None when Valkey is gone or hangs."""

    def __init__(self) -> None:
        self._client: Redis | None = None
        self._broken_until = 0.0

    async def try_call(self, call: Callable[[Redis], Awaitable[Answer]]) -> Answer | None:
        """Run one call, or return None: the caller must have a behaviour for that."""
        if self._client is None or time.monotonic() < self._broken_until:
            return None
        try:
            return await asyncio.wait_for(call(self._client), CALL_SECONDS_MAX)
        except (RedisError, OSError, TimeoutError):
            self._broken_until = time.monotonic() + BREAKER_SECONDS
            return None

    async def is_alive(self) -> bool:
        """Whether Valkey answers within its time."""
        return bool(await self.try_call(_ping))

    def open(self, url: str) -> None:
        """Prepare the client; it connects when first used."""
        self._client = Redis.from_url(
            url, socket_timeout=CALL_SECONDS_MAX, socket_connect_timeout=CALL_SECONDS_MAX, decode_responses=True
        )
        self._broken_until = 0.0

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None


async def _ping(client: Redis) -> Any:
    return await client.ping()


VALKEY = Valkey()


@asynccontextmanager
async def valkey_lifespan(_: object = None) -> AsyncIterator[None]:
    """Hold the client open while the app runs; a worker that has no Valkey does without."""
    if read_settings().valkey_url:
        VALKEY.open(read_settings().valkey_url)
    try:
        yield
    finally:
        await VALKEY.close()

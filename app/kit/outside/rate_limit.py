"""Limits on how often: in process memory on hot routes, shared through Valkey where a worker's share is not enough."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Hashable
from functools import cached_property

import msgspec
from redis.asyncio import Redis

from app.kit.errors import RateLimited
from app.kit.outside.valkey import VALKEY
from app.settings import read_settings

KEYS_REMEMBERED_MAX = 100_000
TIGHTENED_BY = 2


class LocalLimit:
    """At most ``limit`` hits per key and window of ``period_seconds``, this worker's share of it."""

    def __init__(self, name: str, limit: int, period_seconds: int, *, share: int | None = None) -> None:
        self.name = name
        self.period_seconds = period_seconds
        self._limit, self._share = limit, share
        self._hits: OrderedDict[Hashable, tuple[int, int]] = OrderedDict()

    @cached_property
    def limit_here(self) -> int:
        """How many hits this worker lets through; the settings say between how many workers a limit is shared."""
        return max(1, self._limit // (self._share or read_settings().workers))

    @cached_property
    def _policy(self) -> str:
        return f'"{self.name}";q={self.limit_here};w={self.period_seconds}'

    def hit(self, key: Hashable) -> dict[str, str]:
        """Count a try and return the RateLimit headers, or refuse with them."""
        return self.answer(self.count(key), time.time())

    def need(self, key: Hashable) -> None:
        """Count a try, or refuse; for answers that carry no RateLimit headers."""
        self.judge(self.count(key), time.time())

    def count(self, key: Hashable) -> int:
        """Count a try and return how many there were in this window; refuses nothing."""
        now = time.time()
        window = int(now // self.period_seconds)
        seen_window, count = self._hits.pop(key, (window, 0))
        count = count + 1 if seen_window == window else 1
        self._hits[key] = (window, count)  # the last one to be forgotten
        if len(self._hits) > KEYS_REMEMBERED_MAX:
            self._hits.popitem(last=False)
        return count

    def judge(self, count: int, now: float) -> None:
        """Refuse when ``count`` hits are too many, with the headers that say so."""
        if count > self.limit_here:
            raise RateLimited(retry_after_seconds=self._reset_seconds(now), headers=self._describe(count, now))

    def answer(self, count: int, now: float) -> dict[str, str]:
        """Return the headers for ``count`` hits, or raise RateLimited with them."""
        self.judge(count, now)
        return self._describe(count, now)

    def _describe(self, count: int, now: float) -> dict[str, str]:
        left = f'"{self.name}";r={max(0, self.limit_here - count)};t={self._reset_seconds(now)}'
        return {"RateLimit": left, "RateLimit-Policy": self._policy}

    def _reset_seconds(self, now: float) -> int:
        return math.ceil(self.period_seconds - now % self.period_seconds)


class DistinctLimit:
    """At most ``limit`` different things per key and window, this worker's share of it; a repeat costs nothing."""

    def __init__(self, name: str, limit: int, period_seconds: int, *, share: int | None = None) -> None:
        self._limit = LocalLimit(name, limit, period_seconds, share=share)
        self._seen: OrderedDict[str, tuple[int, set[str]]] = OrderedDict()

    def hit(self, key: str, thing: str) -> bool:
        """Count a thing, and return whether it is the first time in this window; refuse one too many.

        What was counted before is never refused, however full the window is.
        """
        now = time.time()
        window = int(now // self._limit.period_seconds)
        seen_window, seen = self._seen.get(key, (window, set[str]()))
        if seen_window != window:
            seen = set()
        if thing in seen:
            return False
        self._limit.judge(len(seen) + 1, now)
        seen.add(thing)
        self._seen[key] = (window, seen)
        self._seen.move_to_end(key)
        if len(self._seen) > KEYS_REMEMBERED_MAX:
            self._seen.popitem(last=False)
        return True


class Counted(msgspec.Struct, frozen=True):
    """How many tries there were in a window, this one too, and by which limit that is judged."""

    tries: int
    limit: LocalLimit
    at: float

    def answer(self) -> dict[str, str]:
        """Return the RateLimit headers, or refuse with them."""
        return self.limit.answer(self.tries, self.at)


class SharedLimit:
    """The same across all workers through Valkey; without Valkey a tightened limit in this process."""

    def __init__(self, name: str, limit: int, period_seconds: int) -> None:
        self._shared = LocalLimit(name, limit, period_seconds, share=1)
        self._fallback = LocalLimit(name, max(1, limit // TIGHTENED_BY), period_seconds)

    async def hit(self, key: str) -> dict[str, str]:
        """Count a try and return the RateLimit headers, or refuse with them."""
        return (await self.count(key)).answer()

    async def count(self, key: str) -> Counted:
        """Count a try and refuse nothing yet."""
        window = int(time.time() // self._shared.period_seconds)
        place = f"limit:{self._shared.name}:{key}:{window}"

        async def count(client: Redis) -> int:
            pipeline = client.pipeline(transaction=True)
            pipeline.incr(place)
            pipeline.expire(place, self._shared.period_seconds)
            return int((await pipeline.execute())[0])

        counted = await VALKEY.try_call(count)
        if counted is None:
            return Counted(self._fallback.count(key), self._fallback, time.time())
        return Counted(counted, self._shared, time.time())

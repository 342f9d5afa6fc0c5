"""Long work that leaves room for others: after each piece it rests, so that it takes only a share of the time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

FULL_SHARE = 1.0
GENTLE_SHARE = 0.3
REST_SECONDS_MAX = 5.0


class Pace(msgspec.Struct, frozen=True):
    """How much of the time long work may take: 1 is all of it, 0.3 rests seven seconds for every three of work."""

    share: float = FULL_SHARE

    @asynccontextmanager
    async def work(self) -> AsyncIterator[None]:
        """Do one piece of work, then rest for as long as the share asks, at most ``REST_SECONDS_MAX``."""
        begin = time.monotonic()
        yield
        rest = compute_rest(time.monotonic() - begin, self.share)
        if rest > 0:
            await asyncio.sleep(rest)


class JobStopped(asyncio.CancelledError):
    """The worker is told to stop: work of many pieces ends between two of them."""


class StoppablePace(Pace, frozen=True):
    """A pace that ends long work between two pieces when the worker stops."""

    stopping: asyncio.Event = msgspec.field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def work(self) -> AsyncIterator[None]:
        """Do one piece of work and rest, unless the worker is told to stop."""
        if self.stopping.is_set():
            raise JobStopped
        async with super().work():
            yield


def compute_rest(worked_seconds: float, share: float) -> float:
    """Return how many seconds to rest after working some, so that work is ``share`` of both together."""
    return min(worked_seconds * (1 / share - 1), REST_SECONDS_MAX)


FULL = Pace(FULL_SHARE)
GENTLE = Pace(GENTLE_SHARE)

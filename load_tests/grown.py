"""Whether what was measured was done: redemptions are counted in their table before and after."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# Who is under way when the time is over ends a little later, and connections take a moment to open.
SLACK = 0.2
COUNT_SECONDS_MAX = 600


class NothingDone(SystemExit):
    """A load did not do what its rate says; a figure made of it would be a lie."""


class Growth:
    """How many redemptions the loads of a block were told of."""

    def __init__(self) -> None:
        self.expected = 0

    def expect(self, redeemed: int, *, rate: float, seconds: float, what: str) -> None:
        """Say how many were told of in a load; fail unless its rate makes about as many of its time."""
        if redeemed == 0 or abs(redeemed - rate * seconds) > SLACK * rate * seconds:
            raise NothingDone(f"{what}: {redeemed} redeemed, but {rate:.0f}/s for {seconds} s")
        self.expected += redeemed


@asynccontextmanager
async def watching(database_url: str) -> AsyncIterator[Growth]:
    """Fail unless the table grows during the block by exactly what its loads were told of."""
    growth, before = Growth(), await count_redemptions(database_url)
    yield growth
    grew = await count_redemptions(database_url) - before
    if grew != growth.expected:
        raise NothingDone(f"{growth.expected} redemptions were told of, the table grew by {grew}")


async def count_redemptions(database_url: str) -> int:
    """Return how many redemptions there are."""
    connection = await asyncpg.connect(database_url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM redemption", timeout=COUNT_SECONDS_MAX))
    finally:
        await connection.close()

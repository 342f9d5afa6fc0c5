"""Whether what was measured was done: the redemptions it made are counted in their table."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import asyncpg

from app.kit.clock import first_id_of, now

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

# Who is under way when the time is over ends a little later, and connections take a moment to open.
SLACK, SLACK_ITEMS = 0.2, 128
COUNT_SECONDS_MAX = 600
LATEST = timedelta(seconds=1)  # an answer that arrives at the end was asked for before it


class NothingDone(SystemExit):
    """A load did not do what its rate says; a figure made of it would be a lie."""


class Growth:
    """How many redemptions the loads of a block had answers for."""

    def __init__(self) -> None:
        self.expected = 0

    def expect(self, redeemed: int, *, rate: float, seconds: float, what: str) -> None:
        """Add a load's answers; fail unless its rate and its time make about as many."""
        if redeemed == 0 or abs(redeemed - rate * seconds) > SLACK * rate * seconds + SLACK_ITEMS:
            raise NothingDone(f"{what}: {redeemed} redeemed, but {rate:.0f}/s for {seconds} s")
        self.expected += redeemed


@asynccontextmanager
async def watching(database_url: str) -> AsyncIterator[Growth]:
    """Fail unless the table grows during the block by exactly as many rows as its loads had answers."""
    growth, since = Growth(), first_id_of(now())
    yield growth
    grew = await count_redemptions(database_url, since, first_id_of(now() + LATEST))
    if grew != growth.expected:
        raise NothingDone(f"{growth.expected} redemptions were answered, the table grew by {grew}")


async def count_redemptions(database_url: str, since: UUID, before: UUID) -> int:
    """Return how many redemptions have ids between two: an id carries its instant. Others are not looked at."""
    connection = await asyncpg.connect(database_url, server_settings={"enable_seqscan": "off"})
    try:
        count = await connection.fetchval(
            """SELECT sum(theirs.count)::bigint FROM institution CROSS JOIN LATERAL (
                SELECT count(*) FROM redemption AS r
                WHERE r.institution_id = institution.id AND r.id >= $1 AND r.id < $2
            ) AS theirs""",
            since,
            before,
            timeout=COUNT_SECONDS_MAX,
        )
    finally:
        await connection.close()
    return int(count or 0)

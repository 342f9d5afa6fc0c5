"""What the whole database says, in one number a table: what has to stay as it was is compared before and after."""

from __future__ import annotations

import msgspec

from app.kit.db.database import fetch_all
from app.redemption.till.actions.tries import note_lane
from tests.support.tables import list_tables

# When a key was last used is noted by the clock, not by the request.
ROW_AS_TEXT = {"api_key": "(to_jsonb(t) - 'last_used_at')::text"}


class TableDigest(msgspec.Struct, frozen=True):
    """How many rows a table has, and a sum over their contents."""

    name: str
    rows: int
    content: str


async def digest_tables(*, but: frozenset[str] = frozenset()) -> list[TableDigest]:
    """Digest every row of every table ``but`` some; what is still being noted beside an answer comes first."""
    await note_lane.drain()
    parts = (
        f"SELECT '{name}' AS name, count(*) AS rows, "
        f"coalesce(sum(hashtextextended({ROW_AS_TEXT.get(name, 't::text')}, 0)::numeric), 0)::text AS content "
        f'FROM "{name}" AS t'
        for name in await list_tables()
        if name not in but
    )
    # Sorted here: many tables are read by parallel workers, which answer in any order.
    return sorted(await fetch_all(TableDigest, " UNION ALL ".join(parts)), key=lambda one: one.name)

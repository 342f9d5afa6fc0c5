"""SQL for how a source fares day by day: one function, one statement."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import msgspec

from app.kit.db.database import execute, fetch_all


class DayRow(msgspec.Struct, frozen=True):
    """How many rows of a source had an outcome on a day."""

    source: str
    day: date
    outcome: str
    rows: int


async def insert_day_counts(day: date, counts: Mapping[tuple[str, str], int]) -> None:
    """Add numbers by (source, outcome) to a day's; in that order, so that two who count cannot deadlock."""
    ordered = [(source, outcome, rows) for (source, outcome), rows in sorted(counts.items()) if rows]
    await execute(
        """
        INSERT INTO source_day (source, day, outcome, rows)
        SELECT told.source, $1, told.outcome, told.rows
          FROM unnest($2::text[], $3::text[], $4::bigint[]) WITH ORDINALITY AS told (source, outcome, rows, place)
         ORDER BY told.place
        ON CONFLICT (source, day, outcome) DO UPDATE SET rows = source_day.rows + excluded.rows
        """,
        day,
        [source for source, _, _ in ordered],
        [outcome for _, outcome, _ in ordered],
        [rows for _, _, rows in ordered],
    )


async def list_days(source: str, since: date, until: date) -> list[DayRow]:
    """Return a source's numbers of some days, both ends included."""
    return await fetch_all(
        DayRow,
        """
        SELECT source, day, outcome, rows FROM source_day
         WHERE source = $1 AND day BETWEEN $2 AND $3 ORDER BY day, outcome
        """,
        source,
        since,
        until,
    )


async def list_all_days(since: date, until: date) -> list[DayRow]:
    """Return all sources' numbers of some days, both ends included."""
    return await fetch_all(
        DayRow,
        "SELECT source, day, outcome, rows FROM source_day WHERE day BETWEEN $1 AND $2 ORDER BY source, day, outcome",
        since,
        until,
    )

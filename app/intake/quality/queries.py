"""Statements about how a source fares day by day: one function, one statement."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import msgspec

from app.intake.tables import SourceDay
from app.kit.db.database import execute
from app.kit.db.rows import fetch_rows, select


class DayCount(msgspec.Struct, frozen=True):
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
        SELECT given.source, $1, given.outcome, given.rows
          FROM unnest($2::text[], $3::text[], $4::bigint[]) WITH ORDINALITY AS given (source, outcome, rows, place)
         ORDER BY given.place
        ON CONFLICT (source, day, outcome) DO UPDATE SET rows = source_day.rows + excluded.rows
        """,
        day,
        [source for source, _, _ in ordered],
        [outcome for _, outcome, _ in ordered],
        [rows for _, _, rows in ordered],
    )


async def list_days(source: str, since: date, until: date) -> list[DayCount]:
    """Return a source's numbers of some days, both ends included."""
    days = select(SourceDay, DayCount).where(SourceDay.source == source, SourceDay.day >= since, SourceDay.day <= until)
    return await fetch_rows(DayCount, days.order_by(SourceDay.day, SourceDay.outcome))


async def list_all_days(since: date, until: date) -> list[DayCount]:
    """Return all sources' numbers of some days, both ends included."""
    days = select(SourceDay, DayCount).where(SourceDay.day >= since, SourceDay.day <= until)
    return await fetch_rows(DayCount, days.order_by(SourceDay.source, SourceDay.day, SourceDay.outcome))

"""SQL by which records come in, few or many: one function, one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TypeAlias
from uuid import UUID

import msgspec

from app.kit.db.database import fetch_all, fetch_value, read_sql
from app.record.catalogue import compute_digests
from app.record.rows import NewRows

Columns: TypeAlias = tuple[str | None, ...]
BETWEEN, NULL = "\x1f", "\x1e"  # what no text of a record holds: it has no control characters


class Award(msgspec.Struct, frozen=True):
    """An honour in force, beside the place of the row that awards it again."""

    place: int
    source: str
    event_id: str
    event_on: date
    ends_on: date | None


def make_columns(rows: NewRows) -> tuple[Columns, list[bytes]]:
    """Return rows as the texts ``insert_rows`` sends, and the digests of what they claim."""
    citizen_ids = list(map(str, rows.citizen_id))
    digests = compute_digests(citizen_ids, rows.facts)
    columns = (
        _join(citizen_ids),
        _join_some(rows.indicator),
        _join_some(rows.honour),
        _join(rows.source),
        _join(rows.event_id),
        _join(map(str, rows.event_on)),
        _join_some(rows.ends_on),
        _join_some(rows.grade),
        _join_some(rows.quantity),
        _join_some(rows.document),
        _join_some(rows.act_id),
        _join(r"\x" + digest.hex() for digest in digests),
    )
    return columns, digests


async def insert_rows(columns: Columns, ids: Sequence[str], *, at: datetime, entered_by: UUID | None) -> set[int]:
    """Store the records whose events are new; return the places of the rows whose events were claimed before.

    ``ids`` are those the records get. Waits while another transaction claims one of these events. The rows are of
    distinct events in (source, event id) order.
    """
    claimed_before = await fetch_value(read_sql(__file__, "put_rows"), *columns, at, entered_by, _join(ids))
    return {place - 1 for place in claimed_before}


async def find_awards(rows: NewRows, places: Sequence[int]) -> list[Award]:
    """Return the active awards that the citizens of some rows have of the same honour and grade."""
    return await fetch_all(
        Award,
        """
        SELECT given.place::integer, r.source, r.event_id, r.event_on, r.ends_on
        FROM unnest($1::integer[], $2::uuid[], $3::text[], $4::text[]) AS given (place, citizen_id, honour, grade)
        JOIN record r ON r.citizen_id = given.citizen_id AND r.honour = given.honour
             AND r.grade IS NOT DISTINCT FROM given.grade
        WHERE r.state = 'active'
        """,
        places,
        [rows.citizen_id[place] for place in places],
        [rows.honour[place] for place in places],
        [rows.grade[place] for place in places],
    )


def _join(column: Iterable[str]) -> str:
    cells = list(column)
    joined = BETWEEN.join(cells)
    assert joined.count(BETWEEN) == len(cells) - 1, "a text of a record has no control characters"
    return joined


def _join_some(column: Sequence[object | None]) -> str | None:
    """Return a column as one text, None when there is nothing in it; a quantity of 0 is something."""
    if column.count(None) == len(column):
        return None
    return _join([NULL if value is None else str(value) for value in column])

"""Records stored as a room stores them, for tests that need some."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from app.kit.db.database import fetch_all
from app.record.actions.put import put_rows
from app.record.rows import make_rows
from app.score.current.queries.scores import ScoredCitizen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from app.record.catalogue import NewRecord, PutOutcome


async def put_records(records: Sequence[NewRecord], *, at: datetime, entered_by: UUID | None) -> list[PutOutcome]:
    """Keep records inside the caller's transaction and return one outcome each, in order.

    ``accepted``: new. ``duplicate``: the same event with the same facts. ``updated``: the same facts and a new
    ``ends_on``, which makes a new version; a repeat without ``ends_on`` never reopens what has ended, because sources
    send late and twice. ``conflict``: the same event with other facts; what is stored stays. ``not_renewable``: an
    honour that is given once, awarded again in the same grade while it is in force. ``not_a_member``: the citizen has
    left since they were matched. The caller has judged the records (``fault.judge_record``).
    """
    return (await put_rows(make_rows(records), at=at, entered_by=entered_by)).outcomes


def instant_of(identifier: UUID) -> datetime:
    """Return the instant a UUIDv7 carries."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=identifier.int >> 80)


async def find_due(day: date, limit: int) -> list[UUID]:
    """Return citizens whose score changes by itself on or before a day: something begins, ends or is reached."""
    return [citizen.id for citizen in await find_due_citizens(day, limit)]


async def find_due_citizens(day: date, limit: int) -> list[ScoredCitizen]:
    """Return citizens whose score changes by itself on or before a day, longest due first."""
    return await fetch_all(
        ScoredCitizen,
        "SELECT citizen_id AS id FROM score_snapshot WHERE next_change_on <= $1 ORDER BY next_change_on LIMIT $2",
        day,
        limit,
    )

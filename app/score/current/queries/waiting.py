"""Who waits to be scored: after an import, by the calendar, or again before a switch; one function, one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from app.kit.db.database import execute, fetch_all, write_uuids
from app.kit.db.rows import fetch_field
from app.score.current.queries.scores import ScoredCitizen
from app.score.tables import ScoreDue


async def insert_due(citizen_ids: Sequence[UUID], at: datetime) -> None:
    """Put citizens on the list of those to be rescored; callers pass them in id order.

    Of those on it already the instant is brought up to ``at``, unless it is less than a minute older: a preparation of
    the whole city takes off the list those who were put there well before it, and must not take off somebody who has
    only just moved again.
    """
    await execute(
        """
        INSERT INTO score_due (citizen_id, since) SELECT id, $2::timestamptz FROM unnest($1::text::uuid[]) AS id
        ON CONFLICT (citizen_id) DO UPDATE SET since = excluded.since
        WHERE score_due.since < excluded.since - interval '1 minute'
        """,
        write_uuids(citizen_ids),
        at,
    )


async def insert_moved(citizen_ids: Sequence[UUID]) -> None:
    """Have citizens prepared again before the next switch; callers pass them in id order."""
    await execute(
        "INSERT INTO score_moved (citizen_id) SELECT id FROM unnest($1::uuid[]) AS id ON CONFLICT DO NOTHING",
        citizen_ids,
    )


async def list_waiting(day: date, limit: int) -> list[ScoredCitizen]:
    """Return some of those who wait to be rescored, and some whose score changes by itself on or before a day."""
    return await fetch_all(
        ScoredCitizen,
        """
        (SELECT citizen_id AS id FROM score_due ORDER BY citizen_id LIMIT $2)
        UNION
        (SELECT citizen_id FROM score_snapshot WHERE next_change_on <= $1 ORDER BY next_change_on LIMIT $2)
        LIMIT $2
        """,
        day,
        limit,
    )


async def delete_due(citizen_ids: Sequence[UUID]) -> None:
    """Take citizens off the list; they are locked, so nobody puts them back before they are rescored."""
    await execute("DELETE FROM score_due WHERE citizen_id = ANY($1)", citizen_ids)


async def find_is_waiting(citizen_id: UUID) -> bool:
    """Whether a citizen waits to be rescored."""
    return bool(await fetch_field(ScoreDue.exists().where(ScoreDue.citizen_id == citizen_id)))

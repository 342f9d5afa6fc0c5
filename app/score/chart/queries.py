"""SQL for the picture of a score's history: one function, one statement."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from app.kit.db.database import fetch_all
from app.score.chart.picture import ChartStep


class ActivatedBook(msgspec.Struct, frozen=True):
    """A rule book people were scored by, from a day on."""

    id: int
    since: date


async def list_days(citizen_id: UUID, since_at: datetime) -> list[ChartStep]:
    """Return the score at the end of each Shanghai day on which it moved, from the last one before an instant on."""
    return await fetch_all(
        ChartStep,
        """
        SELECT DISTINCT ON ("on") "on", value
          FROM (SELECT id, (at AT TIME ZONE 'Asia/Shanghai')::date AS "on", to_value AS value
                  FROM score_change WHERE citizen_id = $1 AND at >= $2
                UNION ALL
                (SELECT id, (at AT TIME ZONE 'Asia/Shanghai')::date, to_value
                   FROM score_change WHERE citizen_id = $1 AND at < $2 ORDER BY id DESC LIMIT 1)) moved
         ORDER BY "on", id DESC
        """,
        citizen_id,
        since_at,
    )


async def list_activated_books() -> list[ActivatedBook]:
    """Return every rule book that ever came into force, in that order."""
    return await fetch_all(
        ActivatedBook,
        """
        SELECT id, (activated_at AT TIME ZONE 'Asia/Shanghai')::date AS since
          FROM rule_book WHERE activated_at IS NOT NULL ORDER BY activated_at
        """,
    )

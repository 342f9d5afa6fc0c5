"""SQL for what would help a citizen: one function, one statement."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import msgspec

from app.kit.db.database import fetch_one


class CitizenScore(msgspec.Struct, frozen=True, kw_only=True):
    """What a citizen's hints begin with: the score they have now; ``honours`` is JSON text."""

    birth_on: date
    score: int
    level: str
    honours: str
    rule_book_id: int


async def find_citizen_score(citizen_id: UUID) -> CitizenScore | None:
    """Return a citizen with their score; None without a score."""
    return await fetch_one(
        CitizenScore,
        """
        SELECT c.birth_on, s.value AS score, s.level, s.honours, s.rule_book_id
          FROM score_snapshot s JOIN citizen c ON c.id = s.citizen_id
         WHERE s.citizen_id = $1 AND c.birth_on IS NOT NULL
        """,
        citizen_id,
    )

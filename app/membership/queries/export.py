"""SQL for what a citizen takes with them: one function, one statement."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from app.kit.db.database import fetch_one


class HolderRow(msgspec.Struct, frozen=True, kw_only=True):
    """A member with the current score, if there is one; ``honours`` is JSON text."""

    birth_on: date
    joined_at: datetime
    value: int | None
    level: str | None
    as_of: date | None
    honours: str | None
    inputs_hash: bytes | None
    book_code: str | None
    book_version: int | None
    book_digest: bytes | None


async def find_holder(citizen_id: UUID) -> HolderRow | None:
    """Return a member who is scored or could be."""
    return await fetch_one(
        HolderRow,
        """
        SELECT c.birth_on, c.joined_at, s.value, s.level, s.as_of, s.honours, s.inputs_hash,
               b.code AS book_code, b.version AS book_version, b.digest AS book_digest
          FROM citizen c
          LEFT JOIN score_snapshot s ON s.citizen_id = c.id
          LEFT JOIN rule_book b ON b.id = s.rule_book_id
         WHERE c.id = $1 AND c.birth_on IS NOT NULL
        """,
        citizen_id,
    )

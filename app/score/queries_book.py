"""SQL of rule books as anybody may read them: scheduled, active and retired ones."""

from __future__ import annotations

from app.kit.database import fetch_one
from app.score.rules_view import BookStatus, NextBook


class StandingBook(BookStatus, frozen=True, kw_only=True):
    """Which content a published number stands for, and where it stands."""

    id: int


async def find_active() -> StandingBook | None:
    """Find the rule book scores are computed by."""
    return await fetch_one(
        StandingBook, "SELECT id, state, effective_on, activated_at, retired_at FROM rule_book WHERE state = 'active'"
    )


async def find_published(code: str, version: int) -> StandingBook | None:
    """Find a rule book that counts, counted, or is going to."""
    return await fetch_one(
        StandingBook,
        """
        SELECT id, state, effective_on, activated_at, retired_at FROM rule_book
        WHERE code = $1 AND version = $2 AND state IN ('scheduled', 'active', 'retired')
        """,
        code, version,
    )  # fmt: skip


async def find_next() -> NextBook | None:
    """Find the rule book that waits for its day."""
    return await fetch_one(NextBook, "SELECT code, version, effective_on FROM rule_book WHERE state = 'scheduled'")

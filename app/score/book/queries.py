"""SQL of rule books as they count: scheduled, active and retired ones. One function, one statement."""

from __future__ import annotations

import msgspec

from app.kit.db.database import execute, fetch_all, fetch_one, fetch_value, read_sql
from app.score.book.standing import BookStatus, NextBook


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


class StoredRuleBook(msgspec.Struct, frozen=True):
    """A rule book as it lies in the database."""

    id: int
    document: str


class StoredTerm(msgspec.Struct, frozen=True):
    """The number of a term, and the indicator it is about: a graded one has several."""

    no: int
    indicator: str


async def find_active_book_id() -> int:
    """Return which rule book is active."""
    return int(await fetch_value("SELECT id FROM rule_book WHERE state = 'active'"))


async def list_terms(rule_book_id: int) -> list[StoredTerm]:
    """Return the terms of a rule book, by whose numbers its scores are packed."""
    return await fetch_all(StoredTerm, "SELECT no, indicator FROM rule_term WHERE rule_book_id = $1", rule_book_id)


async def find_book(rule_book_id: int) -> StoredRuleBook | None:
    """Return a rule book."""
    return await fetch_one(StoredRuleBook, "SELECT id, document FROM rule_book WHERE id = $1", rule_book_id)


async def insert_rule_book(document: str, state: str) -> int:
    """Store a rule book and the rows the engine joins; the caller has parsed it."""
    return int(await fetch_value(read_sql(__file__, "insert_rule_book"), document, state))


async def delete_book(code: str, version: int) -> None:
    """Delete a rule book nobody is scored by, with the rows the engine joins."""
    await execute(
        """
        WITH book AS (SELECT id FROM rule_book WHERE code = $1 AND version = $2),
             term AS (DELETE FROM rule_term USING book WHERE rule_book_id = book.id),
             dimension AS (DELETE FROM rule_dimension USING book WHERE rule_book_id = book.id)
        DELETE FROM rule_book USING book WHERE rule_book.id = book.id
        """,
        code,
        version,
    )

"""SQL of rule books as they count: scheduled, active and retired ones. One function, one statement.

At most one book is scheduled and one active: two partial indexes see to it and find them, so those statements name the
state itself; given as a parameter it would find the book by reading the table.
"""

from __future__ import annotations

import msgspec

from app.kit.db.database import execute, fetch_one, fetch_value, read_sql
from app.kit.db.rows import fetch_field, fetch_row, fetch_rows, select
from app.score.book.status import BookStatus, NextBook
from app.score.tables import RuleBook, RuleTerm


class StoredStatus(BookStatus, frozen=True, kw_only=True):
    """The state of a rule book, and the id of its content."""

    id: int


class StoredTerm(msgspec.Struct, frozen=True):
    """The number of a term, and the indicator it is about: a graded one has several."""

    no: int
    indicator: str


async def find_active() -> StoredStatus | None:
    """Find the rule book scores are computed by."""
    return await fetch_one(
        StoredStatus, "SELECT id, state, effective_on, activated_at, retired_at FROM rule_book WHERE state = 'active'"
    )


async def find_active_book_id() -> int:
    """Return which rule book is active."""
    return int(await fetch_value("SELECT id FROM rule_book WHERE state = 'active'"))


async def find_next() -> NextBook | None:
    """Find the rule book that waits for its day."""
    return await fetch_one(NextBook, "SELECT code, version, effective_on FROM rule_book WHERE state = 'scheduled'")


async def find_published(code: str, version: int) -> StoredStatus | None:
    """Find a rule book that is scheduled, active or retired."""
    book = select(RuleBook, StoredStatus).where(RuleBook.code == code, RuleBook.version == version)
    return await fetch_row(StoredStatus, book.where(RuleBook.state.is_in(["scheduled", "active", "retired"])))


async def find_document(rule_book_id: int) -> str | None:
    """Return what a rule book says, as JSON."""
    document: str | None = await fetch_field(RuleBook.select(RuleBook.document).where(RuleBook.id == rule_book_id))
    return document


async def list_terms(rule_book_id: int) -> list[StoredTerm]:
    """Return the terms of a rule book, by whose numbers its scores are packed."""
    return await fetch_rows(StoredTerm, select(RuleTerm, StoredTerm).where(RuleTerm.rule_book_id == rule_book_id))


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

"""SQL of rule books on their way: one function, one statement; ``id`` names a content, ``public_id`` the book."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from app.kit.db.database import execute, fetch_all, fetch_one, fetch_value
from app.kit.db.rows import run
from app.score.book.check import read_stored_book
from app.score.book.moves import BookState
from app.score.draft.examples import Example, parse_examples
from app.score.tables import RuleBook as Books

if TYPE_CHECKING:
    from app.score.book.document import RuleBook

BOOKS_LOCK = 0x626F6F6B  # "book"


class BookSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A rule book without what it says."""

    public_id: UUID
    code: str
    version: int
    title_zh: str
    title_en: str
    state: BookState
    revision: int
    examples_count: int
    makers: list[UUID]
    drafted_by: UUID | None
    drafted_at: datetime | None
    submitted_by: UUID | None
    submitted_at: datetime | None
    decided_by: UUID | None
    decided_at: datetime | None
    decision_note: str | None
    effective_on: date | None
    activated_at: datetime | None
    retired_at: datetime | None
    withdrawn_by: UUID | None


class StoredBook(BookSummary, frozen=True, kw_only=True):
    """A rule book with what it says; ``document`` and ``examples`` are JSON."""

    id: int
    document: str
    examples: str

    def read_document(self) -> RuleBook:
        """Return the document."""
        return read_stored_book(self.document)

    def read_examples(self) -> tuple[Example, ...]:
        """Return the examples."""
        return parse_examples(self.examples)


SUMMARY = """
    public_id, code, version, document ->> 'titleZh' AS title_zh, document ->> 'titleEn' AS title_en, state, revision,
    jsonb_array_length(examples) AS examples_count, makers, drafted_by, drafted_at, submitted_by, submitted_at,
    decided_by, decided_at, decision_note, effective_on, activated_at, retired_at, withdrawn_by
"""


async def lock_books() -> None:
    """Let through one change of rule books after the other, until the transaction ends.

    The lock is of no row, because an edited draft becomes another row.
    """
    await execute("SELECT pg_advisory_xact_lock($1)", BOOKS_LOCK)


async def find_book(public_id: UUID) -> StoredBook | None:
    """Find a rule book in whatever state."""
    return await fetch_one(
        StoredBook, f"SELECT id, document, examples, {SUMMARY} FROM rule_book WHERE public_id = $1", public_id
    )


async def list_books(state: BookState | None, before: UUID | None, limit: int) -> list[BookSummary]:
    """Return ``limit`` + 1 rule books, newest first."""
    return await fetch_all(
        BookSummary,
        f"""
        SELECT {SUMMARY} FROM rule_book
        WHERE ($1::text IS NULL OR state = $1) AND ($2::uuid IS NULL OR public_id < $2)
        ORDER BY public_id DESC LIMIT $3
        """,
        state, before, limit + 1,
    )  # fmt: skip


async def find_next_version(code: str) -> int:
    """Return the number the next version of a rule book has."""
    return int(await fetch_value("SELECT coalesce(max(version), 0) + 1 FROM rule_book WHERE code = $1", code))


async def update_new_content(
    content_id: int,
    public_id: UUID,
    *,
    revision: int,
    examples: str,
    makers: Sequence[UUID],
    official_id: UUID,
    at: datetime,
    decided_by: UUID | None = None,
    decided_at: datetime | None = None,
    decision_note: str | None = None,
) -> None:
    """Note which book a content just stored belongs to; what a reviewer said of its last content can still be read."""
    content = Books.update({
        Books.public_id: public_id, Books.revision: revision, Books.examples: examples, Books.makers: list(makers),
        Books.drafted_by: official_id, Books.drafted_at: at, Books.decided_by: decided_by,
        Books.decided_at: decided_at, Books.decision_note: decision_note,
    })  # fmt: skip
    await run(content.where(Books.id == content_id, Books.state == "draft"))


async def update_examples(content_id: int, revision: int, examples: str, official_id: UUID, at: datetime) -> int:
    """Replace a draft's examples; 0 when it is no draft of this revision any more."""
    return await execute(
        """
        UPDATE rule_book SET examples = $3, revision = revision + 1, drafted_by = $4, drafted_at = $5,
                             makers = array_remove(makers, $4) || $4
        WHERE id = $1 AND revision = $2 AND state = 'draft'
        """,
        content_id, revision, examples, official_id, at,
    )  # fmt: skip


async def delete_draft(content_id: int, revision: int) -> int:
    """Delete a draft's content, its terms and its preview; 0 when it is no draft of this revision any more."""
    return await execute(
        """
        WITH gone AS (
            SELECT id FROM rule_book WHERE id = $1 AND revision = $2 AND state = 'draft' FOR UPDATE
        ),
        preview AS (DELETE FROM rule_book_preview USING gone WHERE rule_book_id = gone.id),
        term AS (DELETE FROM rule_term USING gone WHERE rule_book_id = gone.id),
        dimension AS (DELETE FROM rule_dimension USING gone WHERE rule_book_id = gone.id)
        DELETE FROM rule_book USING gone WHERE rule_book.id = gone.id
        """,
        content_id, revision,
    )  # fmt: skip


async def mark_submitted(content_id: int, revision: int, official_id: UUID, at: datetime) -> int:
    """Submit a draft; 0 when it is no draft of this revision any more."""
    return await execute(
        """
        UPDATE rule_book SET state = 'submitted', revision = revision + 1, submitted_by = $3, submitted_at = $4,
                             makers = array_remove(makers, $3) || $3, decided_by = NULL, decided_at = NULL,
                             decision_note = NULL
        WHERE id = $1 AND revision = $2 AND state = 'draft'
        """,
        content_id, revision, official_id, at,
    )  # fmt: skip


async def mark_rejected(content_id: int, revision: int, official_id: UUID, at: datetime, note: str) -> int:
    """Send a submitted book back; 0 when it is none of this revision any more."""
    content = Books.update({
        Books.state: "draft", Books.revision: Books.revision + 1, Books.submitted_by: None, Books.submitted_at: None,
        Books.decided_by: official_id, Books.decided_at: at, Books.decision_note: note,
    })  # fmt: skip
    return await run(content.where(Books.id == content_id, Books.revision == revision, Books.state == "submitted"))


async def mark_scheduled(
    content_id: int, revision: int, official_id: UUID, at: datetime, note: str | None, effective_on: date
) -> int:
    """Have a submitted book wait for its day; 0 when it is none of this revision any more, or another one waits."""
    return await execute(
        """
        UPDATE rule_book SET state = 'scheduled', revision = revision + 1, decided_by = $3, decided_at = $4,
                             decision_note = $5, effective_on = $6
        WHERE id = $1 AND revision = $2 AND state = 'submitted'
          AND NOT EXISTS (SELECT FROM rule_book WHERE state = 'scheduled')
        """,
        content_id, revision, official_id, at, note, effective_on,
    )  # fmt: skip


async def mark_withdrawn(content_id: int, revision: int, official_id: UUID, at: datetime, note: str) -> int:
    """Take back a book that waits for its day; 0 when it no longer waits, or is of another revision."""
    content = Books.update({
        Books.state: "retired", Books.revision: Books.revision + 1, Books.withdrawn_by: official_id,
        Books.retired_at: at, Books.decision_note: note,
    })  # fmt: skip
    scheduled = content.where(Books.id == content_id, Books.revision == revision, Books.state == "scheduled")
    return await run(scheduled.where(Books.activated_at.is_null()))

"""Published rule books: the state each is in, and since when. Pure nouns."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from app.score.book.document import RuleBook
from app.score.book.moves import BookState


class BookStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a rule book, and since when it counts; ``activated_at`` None: it never did, or not yet."""

    state: BookState
    effective_on: date | None = None
    activated_at: datetime | None = None
    retired_at: datetime | None = None


class NextBook(msgspec.Struct, frozen=True, kw_only=True):
    """The rule book that waits for its day."""

    code: str
    version: int
    effective_on: date


class PublishedBook(msgspec.Struct, frozen=True, kw_only=True):
    """A rule book anybody may read, its state, and which one comes next."""

    book: RuleBook
    status: BookStatus
    next: NextBook | None


UNPUBLISHED = BookStatus(state="draft")

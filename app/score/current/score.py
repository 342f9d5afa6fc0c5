"""A score and the steps of its history, as they are read. Pure nouns."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from app.score.book.document import RuleBook
from app.score.engine.parts import DimensionPoints, ScoreChange


class StoredScore(msgspec.Struct, frozen=True, kw_only=True):
    """A score as it is stored; two people with equal ones see equal answers, so answers are made once.

    ``dimensions`` as ``parts.unpack_dimensions`` reads them.
    """

    value: int
    level: str
    dimensions: str
    as_of: date
    rule_book_id: int


class CurrentScore(msgspec.Struct, frozen=True, kw_only=True):
    """A score as of a day, and the rules it follows; a dimension without points is left out."""

    value: int
    level: str
    dimensions: tuple[DimensionPoints, ...]
    as_of: date
    book: RuleBook


class PastChange(ScoreChange, frozen=True, kw_only=True):
    """One step as it is in the history."""

    id: UUID
    at: datetime

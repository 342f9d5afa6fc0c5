"""What is read of a score, its explanation and history, and of the rule books it followed. Pure nouns."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from app.score.book.document import RuleBook
from app.score.engine.parts import Adjustment, ChangeReason, Contribution, DimensionPoints


class StoredScore(msgspec.Struct, frozen=True, kw_only=True):
    """A score as it is stored; two people with equal ones see equal answers, so answers are made once.

    ``dimensions`` as ``rules.unpack_dimensions`` reads them.
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


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Where a score comes from: base, contributions and adjustments add up to the value."""

    as_of: date
    base: int
    contributions: tuple[Contribution, ...]
    adjustments: tuple[Adjustment, ...]
    value: int
    book: RuleBook


class PastChange(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a score's history; ``from_value`` None is the first score."""

    id: UUID
    at: datetime
    from_value: int | None
    to_value: int
    from_level: str | None
    to_level: str
    reasons: tuple[ChangeReason, ...]

"""Rule books on the wire, as anybody may read them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import msgspec

from app.kit.web.http import Wire
from app.score.book.document import Dimension, EngineRule, Level, RuleIndicator, Scale
from app.score.book.moves import BookState


class RuleBookRef(Wire):
    """Which rules a score was computed by."""

    code: str
    version: int


class IndicatorView(RuleIndicator, frozen=True, kw_only=True, rename="camel"):
    """How one indicator counts, as data and as a sentence in both languages."""

    text_zh: str
    text_en: str


class NextRuleBook(Wire):
    """The rule book that is going to count, and from which day; it can be read by its code and version already."""

    code: str
    version: int
    effective_on: date


class Sentence(Wire):
    """One sentence in both languages."""

    zh: str
    en: str


class RuleBookView(Wire):
    """The published rules, complete: with them and the records anyone can compute a score again.

    `reading` says step by step how: engine rules and indicators are cited by their clauses.
    """

    code: str
    version: int
    state: BookState
    effective_on: Annotated[date | None, msgspec.Meta(description="Null: from the beginning.")]
    activated_at: Annotated[datetime | None, msgspec.Meta(description="Null: it never counted, or not yet.")]
    retired_at: datetime | None
    next: Annotated[NextRuleBook | None, msgspec.Meta(description="Null: no other rule book waits for its day.")]
    reading: list[Sentence]
    title_zh: str
    title_en: str
    scale: Scale
    dimensions: tuple[Dimension, ...]
    levels: tuple[Level, ...]
    engine_rules: tuple[EngineRule, ...]
    indicators: tuple[IndicatorView, ...]

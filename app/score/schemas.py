"""What score says on the wire."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from app.kit.http import Wire
from app.score.rules import AdjustmentCode, ReasonCode
from app.score.rules_book import Dimension, EngineRule, Level, RuleIndicator, Scale
from app.score.rules_moves import BookState


class LevelView(Wire):
    """A level: a key that never changes, and its title."""

    code: str
    title: str


class RuleBookRef(Wire):
    """Which rules a score was computed by."""

    code: str
    version: int


class DimensionView(Wire):
    """What a dimension gives, after its limits; null: no limit on that side."""

    code: str
    title: str
    points: int
    floor: int | None
    cap: int | None


class NextLevel(Wire):
    """The level above, and how far it is."""

    level: str
    title: str
    points_needed: int


class ScoreView(Wire):
    """A citizen's own score."""

    value: int
    level: LevelView
    as_of: date
    rule_book: RuleBookRef
    dimensions: list[DimensionView]
    next: NextLevel | None


class ContributionView(Wire):
    """What some records give together; good faith rests on no record."""

    record_ids: list[UUID]
    indicator: str
    title: str
    dimension: str
    points: int
    clause: Annotated[str, msgspec.Meta(description="The rule, with the number it is cited by.")]
    valid_until: Annotated[
        date | None, msgspec.Meta(description="The last day these points are sure to stand; null: no end in sight.")
    ]
    is_repeat: Annotated[bool, msgspec.Meta(description="Counted twice, as a repeat within validity.")]


class AdjustmentView(Wire):
    """What a limit takes from the sum or, as a floor, gives back."""

    code: AdjustmentCode
    subject: str
    title: str
    points: int


class ExplanationView(Wire):
    """Why the score is what it is: base + contributions + adjustments = total, exactly."""

    as_of: date
    rule_book: RuleBookRef
    base: int
    contributions: list[ContributionView]
    adjustments: list[AdjustmentView]
    total: int


class ReasonView(Wire):
    """One reason for a change; ``subject`` is an indicator, or a limit and what it limits."""

    code: ReasonCode
    subject: str
    points: int
    text: str


class ChangeView(Wire):
    """One step of the score's history; from null: the first score. Reasons strongest first."""

    id: UUID
    at: datetime
    from_value: int | None
    to_value: int
    from_level: str | None
    to_level: str
    reasons: list[ReasonView]


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

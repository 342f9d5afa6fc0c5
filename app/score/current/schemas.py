"""Scores, explanations and histories on the wire."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from app.kit.web.http import Wire
from app.score.book.schemas import RuleBookRef
from app.score.engine.parts import AdjustmentCode, ReasonCode


class LevelView(Wire):
    """A level: a key that never changes, and its title."""

    code: str
    title: str


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

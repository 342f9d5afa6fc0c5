"""What would help a citizen, on the wire."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec

from app.kit.web.http import ReasonText, Wire


class HintLevel(Wire):
    """A level and its title."""

    code: str
    title: str


class NextLevelHint(Wire):
    """The level above, and how far it is."""

    level: str
    title: str
    points_needed: int


class BenefitHintView(Wire):
    """A benefit that nothing but a higher score is missing for."""

    id: UUID
    code: str
    title: str
    scenario: str
    institution: str
    points_needed: int
    opens_at_next_level: bool
    reasons: list[ReasonText]


class ActionHintView(Wire):
    """Something you can decide to do, and what it would add to your score now, all limits counted."""

    indicator: str
    title: str
    points: Annotated[int | None, msgspec.Meta(description="null: nothing unless you consent that it counts.")]
    quantity: Annotated[int | None, msgspec.Meta(description="How much is missing this year, where amounts count.")]
    unit: str | None
    needs_consent: Annotated[
        str | None, msgspec.Meta(description="The separate consent it would need; giving it is up to you.")
    ]
    text: str


class BurdenView(Wire):
    """What takes points now, and how that ends."""

    indicator: str
    title: str
    points: int
    ends_on: Annotated[
        date | None, msgspec.Meta(description="From this day it no longer counts; null while it goes on.")
    ]
    text: str


class HintsView(Wire):
    """How far the next level is, what it would open, and what could be done; null: you are at the top."""

    value: int
    level: HintLevel
    next: NextLevelHint | None
    text: str
    benefits: list[BenefitHintView]
    actions: list[ActionHintView]
    burdens: list[BurdenView]

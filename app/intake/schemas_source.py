"""The register of sources on the wire."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from app.intake.rules_agreed import Mapping
from app.kit.http import Ask, Wire

TITLE_CHARACTERS_MAX = 100
CODES_MAX = 500

Title = Annotated[str, msgspec.Meta(min_length=1, max_length=TITLE_CHARACTERS_MAX)]
Codes = Annotated[list[Annotated[str, msgspec.Meta(max_length=64)]], msgspec.Meta(max_length=CODES_MAX)]


class SourceContent(Ask, kw_only=True):
    """What is registered of a source.

    Without a mapping our own names of columns are taken for granted; without a list of indicators or honours it may
    report all of them.
    """

    title_zh: Title
    title_en: Title
    institution_id: UUID | None = None
    mapping: Mapping | None = None
    indicators: Codes | None = None
    honours: Codes | None = None


class SourceRequest(SourceContent, kw_only=True):
    """A source to register: 2 to 40 of a-z 0-9 _ . - as its code."""

    code: Annotated[str, msgspec.Meta(max_length=40)]


class SourceView(Wire):
    """A source as registered."""

    code: str
    title_zh: str
    title_en: str
    institution_id: UUID | None
    mapping: Mapping
    indicators: list[str] | None
    honours: list[str] | None
    revision: int
    created_at: datetime


class DayQuality(Wire):
    """How a source fared on a day, or on several; ``quarantined`` by reason. Shares are per mille of what came in."""

    received: int
    accepted: int
    updated: int
    duplicate: int
    proposed: int
    not_a_member: int
    late: int
    quarantined: dict[str, int]
    quarantined_permille: int
    late_permille: int


class DatedQuality(DayQuality):
    """How a source fared on a day."""

    day: date


class BadSign(Wire):
    """What turned bad, with the number now and before: a share per mille, or rows a day."""

    code: str
    text: str
    number: int
    number_before: int


class QualityReport(Wire):
    """How a source fared in some days, day by day and beside the 28 days before; ``turnedBad`` lists what is worse."""

    source: str
    since: date
    until: date
    total: DayQuality
    before: DayQuality
    turned_bad: list[BadSign]
    days: list[DatedQuality]

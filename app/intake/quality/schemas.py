"""How sources fare, on the wire."""

from __future__ import annotations

from datetime import date

from app.kit.web.http import Wire


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

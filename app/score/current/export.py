"""What citizens take with them of their score, and the honours they hold. Pure."""

from __future__ import annotations

from datetime import date

from app.citizen.export import Part


class ExportedHonour(Part, frozen=True, kw_only=True):
    """An honour held on the day of the score."""

    code: str
    title_zh: str
    title_en: str
    grade: str | None
    until: date


class RuleBookName(Part, frozen=True, kw_only=True):
    """Which rules; ``digest`` is hexadecimal."""

    code: str
    version: int
    digest: str


class ExportedScore(Part, frozen=True, kw_only=True):
    """The score; ``inputsHash`` (hexadecimal) is of the rules, the records with version and state, consents and day."""

    value: int
    level: str
    as_of: date
    rule_book: RuleBookName
    inputs_hash: str

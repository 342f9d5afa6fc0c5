"""What a citizen takes with them: everything their score is computed from, and the score. Pure.

The file can be shown to others to check a score with, so it says no more than that needs: neither name, not even a
masked one, nor ID number, phone or openid, which no rule looks at. The birth date is in it because good faith counts
from the eighteenth birthday.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from app.score.engine.given import RecordState, ToldPerson, ToldRecord

Format = Literal["huixin-export/1"]
FORMAT: Format = "huixin-export/1"
SIGNATURE_TYPE = "huixin-export+jws"
MEMBER = "export"
TOLD = ("birthOn", "records", "consents", "honours", "score", "access")


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A part of the file, camelCase like every answer."""


class ExportedRecord(Part, frozen=True, kw_only=True):
    """One fact recorded about the citizen, of whatever state; exactly one of ``indicator`` and ``honour``."""

    id: UUID
    version: int
    state: RecordState
    indicator: str | None
    honour: str | None
    title_zh: str
    title_en: str
    source: str
    document: str | None
    event_on: date
    ends_on: date | None
    entered_at: datetime
    grade: str | None
    quantity: int | None
    act_id: str | None


class ExportedConsent(Part, frozen=True, kw_only=True):
    """What the citizen agreed to, and when they withdrew it or a newer version took its place."""

    purpose: str
    version: int
    given_at: datetime
    withdrawn_at: datetime | None


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


class ExportedAccess(Part, frozen=True, kw_only=True):
    """How often one institution (null: nobody else's) did one thing with one outcome, and when last."""

    institution: str | None
    action: str
    outcome: str
    times: int
    last_at: datetime


class Export(Part, frozen=True, kw_only=True):
    """The content of the file, as of one moment."""

    format: Format
    exported_at: datetime
    citizen_id: UUID
    birth_on: date
    joined_at: datetime
    score: ExportedScore | None
    records: tuple[ExportedRecord, ...]
    consents: tuple[ExportedConsent, ...]
    honours: tuple[ExportedHonour, ...]
    access: tuple[ExportedAccess, ...]


def compute_told(export: Export) -> ToldPerson:
    """Return what the engine needs to know of the person."""
    return ToldPerson(
        birth_on=export.birth_on,
        consents=tuple(sorted({one.purpose for one in export.consents if one.withdrawn_at is None})),
        records=tuple(
            ToldRecord(**{name: getattr(record, name) for name in ToldRecord.__struct_fields__})
            for record in export.records
        ),
    )

"""What a citizen takes with them: everything their score is computed from, and the score. Pure.

The file can be shown to others who want to check a score, so it holds no more than that takes: no name, not even a
masked one, and no ID number, phone or openid, which no rule looks at. The birth date is in it because good faith counts
from the eighteenth birthday.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from app.citizen.export import Part
from app.consent.export import ExportedAccess, ExportedConsent
from app.record.export import ExportedRecord
from app.score.current.export import ExportedHonour, ExportedScore
from app.score.engine.given import GivenPerson, GivenRecord

Format = Literal["huixin-export/1"]
FORMAT: Format = "huixin-export/1"
SIGNATURE_TYPE = "huixin-export+jws"
MEMBER = "export"


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


def compute_given(export: Export) -> GivenPerson:
    """Return what the engine is given of the person."""
    return GivenPerson(
        birth_on=export.birth_on,
        consents=tuple(sorted({one.purpose for one in export.consents if one.withdrawn_at is None})),
        records=tuple(
            GivenRecord(**{name: getattr(record, name) for name in GivenRecord.__struct_fields__})
            for record in export.records
        ),
    )

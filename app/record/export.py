"""What citizens take with them of what is recorded about them. Pure."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from app.citizen.export import Part
from app.record.stored import RecordState


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

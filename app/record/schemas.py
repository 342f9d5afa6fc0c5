"""What the record room says on the wire."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from app.kit.web.http import Wire
from app.record.stored import RecordKind, RecordState


class OwnRecord(Wire):
    """One fact recorded about the citizen: what, by whom, on what grounds, since when and until when.

    ``endsOn`` is the day the source says it ended; how long it counts is the rule book's.
    """

    id: UUID
    kind: RecordKind
    code: str
    title: str
    grade: str | None
    quantity: int | None
    source: str
    document: str | None
    event_on: date
    ends_on: date | None
    entered_at: datetime
    state: RecordState
    version: int

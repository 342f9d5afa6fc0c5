"""Records and their sources' events as they are stored. Pure."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from app.record.catalogue import Catalogue

FIRST_YEAR, LAST_YEAR = 1900, 2999

RecordState = Literal["active", "suspended", "repaired", "corrected", "superseded"]
RecordKind = Literal["indicator", "honour"]


class StoredRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One fact about one citizen; exactly one of ``indicator`` and ``honour``."""

    id: UUID
    version: int
    state: RecordState
    indicator: str | None
    honour: str | None
    source: str
    event_id: str
    document: str | None
    event_on: date
    ends_on: date | None
    entered_at: datetime
    grade: str | None
    quantity: int | None
    act_id: str | None

    @property
    def kind(self) -> RecordKind:
        """What it is a record of."""
        return "honour" if self.indicator is None else "indicator"

    @property
    def code(self) -> str:
        """The code of the indicator or the honour."""
        return self.indicator or self.honour or ""


class RecordPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of a citizen's records ended."""

    event_on: date
    id: UUID

    def __post_init__(self) -> None:
        """Refuse a day on which no event can have been."""
        if not FIRST_YEAR <= self.event_on.year <= LAST_YEAR:
            raise ValueError


def compute_title(record: StoredRecord, catalogue: Catalogue) -> tuple[str, str]:
    """Return the title of what a record is about, in both languages."""
    listed = catalogue.honours if record.indicator is None else catalogue.indicators
    entry = listed.get(record.code)
    return (record.code, record.code) if entry is None else (entry.title_zh, entry.title_en)


class StoredEvent(msgspec.Struct, frozen=True):
    """An event of a source, and the record it became; ``facts_digest`` is that of what the record claims."""

    source: str
    event_id: str
    record_id: UUID
    citizen_id: UUID
    facts_digest: bytes
    ends_on: date | None

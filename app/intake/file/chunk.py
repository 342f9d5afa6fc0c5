"""What cleaning hands on: the rows of a chunk as columns, in a form that is cheap to pass between processes. Pure."""

from __future__ import annotations

from datetime import date

import msgspec

from app.intake.fact.item import Flaw
from app.intake.reading.format import FileFormat
from app.intake.source.mapping import Mapping


class CleanPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How to clean a file, and where to begin. ``parent_format`` is there when it corrects the rows of another file."""

    mapping: Mapping
    indicators: frozenset[str] | None
    honours: frozenset[str] | None
    format: FileFormat
    parent_format: FileFormat | None
    seen_bytes: int
    next_row: int


class CleanRows(msgspec.Struct, array_like=True):
    """Rows that fit, a list for each field; whose they are only the blind indexes say."""

    number: list[int] = []
    parent_number: list[int | None] = []
    text: list[str] = []
    id_number_index: list[bytes] = []
    person_index: list[bytes] = []
    is_late: list[bool] = []
    facts: list[bytes] = []
    indicator: list[str | None] = []
    honour: list[str | None] = []
    event_id: list[str] = []
    event_on: list[date] = []
    ends_on: list[date | None] = []
    grade: list[str | None] = []
    quantity: list[int | None] = []
    document: list[str | None] = []
    act_id: list[str | None] = []

    def __len__(self) -> int:
        return len(self.number)


class SpoiltRow(msgspec.Struct, array_like=True, frozen=True):
    """A row that does not fit: why, its text, and the blind indexes of the ID numbers in it."""

    number: int
    flaw: Flaw
    text: str
    id_number_indexes: list[bytes]


class CleanChunk(msgspec.Struct, array_like=True):
    """A chunk of a file, cleaned, and where the next one begins: bytes seen, and the number of the next row."""

    seen_bytes: int
    next_row: int
    received: int
    rows: CleanRows
    spoilt: list[SpoiltRow]

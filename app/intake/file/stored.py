"""An import as it is stored. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from app.intake.fact.item import Flaw
from app.intake.file.counts import ImportCounts, ImportState
from app.intake.reading.format import FileFormat

STORED_AS_JSON: dict[str, type[msgspec.Struct]] = {
    "file_format": FileFormat, "counts": ImportCounts, "refusal": Flaw,
}  # fmt: skip


class StoredImport(msgspec.Struct, frozen=True, kw_only=True):
    """One file on its way in: how far it got, and what became of its rows.

    ``is_spooled``: it was uploaded, in pieces. ``file_format`` is there once its first block was read, ``refusal`` when
    the file as a whole cannot be read.
    """

    id: UUID
    source: str
    parent_id: UUID | None
    state: ImportState
    is_spooled: bool
    file_digest: bytes | None
    file_bytes: int | None
    started_by: UUID | None
    created_at: datetime
    finished_at: datetime | None
    file_format: FileFormat | None
    seen_bytes: int
    next_row: int
    counts: ImportCounts
    corrected: int
    refusal: Flaw | None

    def __post_init__(self) -> None:
        """Decode what the database returns as JSON."""
        for name, kind in STORED_AS_JSON.items():
            value: Any = getattr(self, name)
            if isinstance(value, str):
                msgspec.structs.force_setattr(self, name, msgspec.json.decode(value, type=kind))

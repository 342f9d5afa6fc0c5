"""An import as it is stored. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from app.intake.fact.item import Flaw
from app.intake.file.counts import ImportCounts, ImportState
from app.intake.reading.format import FileFormat

STORED_AS_JSON: dict[str, type[msgspec.Struct]] = {"counts": ImportCounts, "refusal": Flaw}


class StoredImport(msgspec.Struct, frozen=True, kw_only=True):
    """One file on its way in: how far it got, and what became of its rows.

    ``is_spooled``: it was uploaded, in pieces. ``file_format`` is JSON, there once its first block was read;
    ``refusal`` is there when the file as a whole cannot be read.
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
    file_format: str | None
    seen_bytes: int
    next_row: int
    counts: ImportCounts
    corrected: int
    refusal: Flaw | None

    def __post_init__(self) -> None:
        """Decode what everybody shows of it, and the database returns as JSON."""
        for name, kind in STORED_AS_JSON.items():
            value: Any = getattr(self, name)
            if isinstance(value, str):
                msgspec.structs.force_setattr(self, name, msgspec.json.decode(value, type=kind))

    @property
    def format(self) -> FileFormat | None:
        """How its file is read; a format of a newer version is in the way of nobody who does not ask."""
        return None if self.file_format is None else msgspec.json.decode(self.file_format, type=FileFormat)

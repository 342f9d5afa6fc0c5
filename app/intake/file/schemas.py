"""Imports and their quarantine on the wire."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.intake.file.counts import ImportCounts, ImportMove, ImportState
from app.kit.web.http import ReasonText, Wire


class ImportSummary(Wire):
    """What became of the rows that were read; the other numbers add up to ``received``."""

    received: int
    accepted: int
    updated: int
    duplicate: int
    not_a_member: int
    quarantined: int


class ImportView(Wire):
    """A file on its way in.

    ``seenBytes`` of ``fileBytes`` are read and stored. ``refusal`` is there when the file as a whole cannot be read.
    ``corrected`` counts the rows in quarantine that a corrected file has brought in since.
    """

    id: UUID
    source: str
    parent_id: UUID | None
    state: ImportState
    allowed_actions: list[ImportMove]
    file_bytes: int
    seen_bytes: int
    seen_rows: int
    summary: ImportSummary
    stages: ImportCounts
    quarantined: dict[str, int]
    corrected: int
    refusal: ReasonText | None
    created_at: datetime
    finished_at: datetime | None


class QuarantinedView(Wire):
    """A row that stayed behind: where in the file, why, and in which column.

    ``isKept``: whether its text is kept to be corrected; of people who have not joined nothing is.
    """

    row_number: int
    reason: ReasonText
    column: str
    is_kept: bool
    entered_at: datetime
    corrected_by: UUID | None

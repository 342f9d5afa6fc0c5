"""Statements about rows in quarantine: one function, one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from app.intake.tables import Quarantine, RecordImport
from app.kit.db.database import execute, fetch_all
from app.kit.db.rows import fetch_rows, run, select


class QuarantinedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row in quarantine as it is stored, its text encrypted; ``place`` is the column it is about."""

    row_number: int
    reason: str
    note_zh: str
    note_en: str
    place: str
    row_cipher: bytes | None
    entered_at: datetime
    corrected_by: UUID | None


class HeldReason(msgspec.Struct, frozen=True):
    """Why a row is in quarantine."""

    row_number: int
    reason: str


async def insert_quarantined(import_id: UUID, rows: Sequence[QuarantinedRow], *, at: datetime) -> None:
    """Store rows that do not fit."""
    await execute(
        """
        INSERT INTO quarantine (import_id, row_number, reason, note_zh, note_en, place, row_cipher, entered_at)
        SELECT $1, given.*, $8
          FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[])
               AS given (row_number, reason, note_zh, note_en, place, row_cipher)
        """,
        import_id,
        [row.row_number for row in rows],
        [row.reason for row in rows],
        [row.note_zh for row in rows],
        [row.note_en for row in rows],
        [row.place for row in rows],
        [row.row_cipher for row in rows],
        at,
    )


async def list_quarantined(import_id: UUID, after: int, limit: int, *, only_open: bool) -> list[QuarantinedRow]:
    """Return one more than a page of an import's quarantine in the order of the file."""
    rows = select(Quarantine, QuarantinedRow)
    rows = rows.where((Quarantine.import_id == import_id) & (Quarantine.row_number > after))
    if only_open:
        rows = rows.where(Quarantine.corrected_by.is_null())
    return await fetch_rows(QuarantinedRow, rows.order_by(Quarantine.row_number), limit=limit + 1)


async def mark_corrected(parent_id: UUID, import_id: UUID, row_numbers: Sequence[int]) -> int:
    """Note which rows a corrected file has brought in; how many of them no file had before."""
    return await execute(
        """
        UPDATE quarantine SET corrected_by = $2
         WHERE import_id = $1 AND row_number = ANY($3) AND corrected_by IS NULL
        """,
        parent_id,
        import_id,
        row_numbers,
    )


async def mark_corrections(parent_id: UUID, number: int) -> None:
    """Count rows of an import that have been corrected since."""
    imports = RecordImport.update({RecordImport.corrected: RecordImport.corrected + number})
    await run(imports.where(RecordImport.id == parent_id))


async def list_reasons(parent_id: UUID, row_numbers: Sequence[int]) -> list[HeldReason]:
    """Return which of some row numbers are in an import's quarantine, and why."""
    return await fetch_all(
        HeldReason,
        "SELECT row_number, reason FROM quarantine WHERE import_id = $1 AND row_number = ANY($2)",
        parent_id,
        row_numbers,
    )


async def delete_old_quarantined(before: datetime, limit: int) -> int:
    """Forget rows that came before an instant, some at a time; how many."""
    return await execute(
        """
        DELETE FROM quarantine USING (
            SELECT import_id, row_number FROM quarantine WHERE entered_at < $1 ORDER BY entered_at LIMIT $2
        ) AS old
        WHERE quarantine.import_id = old.import_id AND quarantine.row_number = old.row_number
        """,
        before,
        limit,
    )

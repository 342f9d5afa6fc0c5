"""Rows that do not fit: held back, handed out to be corrected, and forgotten in time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from app.intake.fact.item import Flaw
from app.intake.file.quarantine import HeldRow, list_cells, list_columns, make_header, make_lines
from app.intake.file.queries import imports as imports_queries
from app.intake.file.queries import quarantine as quarantine_queries
from app.intake.file.queries.quarantine import QuarantinedRow
from app.intake.reading.format import FileFormat
from app.kit.db.audit import write_audit
from app.kit.db.database import transaction
from app.kit.errors import NotFound
from app.kit.security.crypto import decrypt_field, encrypt_field
from app.kit.web.sheet import SheetWriter
from app.values.words import AUDIT_ACTIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from app.intake.file.stored import StoredImport
    from app.kit.security.auth import OfficialCaller
    from app.kit.web.http import Language

QuarantineForm = Literal["csv", "xlsx"]
AUDIT_READ = AUDIT_ACTIONS.declare("quarantine.read")
RETENTION = timedelta(days=30)
PAGE_ROWS = 500
FORGET_ROWS = 5_000  # at a time


async def find_import(import_id: UUID) -> StoredImport:
    """Return an import, or refuse."""
    stored = await imports_queries.find_import(import_id)
    if stored is None:
        raise NotFound
    return stored


async def hold_back(import_id: UUID, rows: Sequence[HeldRow], *, at: datetime) -> None:
    """Put rows into quarantine, their texts encrypted, inside the caller's transaction."""
    if rows:
        await quarantine_queries.insert_quarantined(import_id, [_seal(import_id, row, at) for row in rows], at=at)


async def open_quarantine(
    official: OfficialCaller | None, import_id: UUID, language: Language, form: QuarantineForm
) -> AsyncIterator[bytes]:
    """Return the rows still to be corrected as a file, read as it is sent: CSV, or a workbook whose cells are text.

    The audit entry is written before the first row is read; ``official`` None is the command line.
    """
    stored = await find_import(import_id)
    async with transaction():
        detail: dict[str, object] = {"form": form}
        await write_audit(official, action=AUDIT_READ, subject=f"import:{import_id}", detail=detail)
    format_ = stored.format or FileFormat(kind="jsonl", encoding="utf-8")
    write = _iter_sheet if form == "xlsx" else _iter_lines
    return write(_iter_pages(import_id), format_, language)


async def forget_old(at: datetime) -> int:
    """Forget rows that have been in quarantine for ``RETENTION``; how many."""
    forgotten = 0
    while True:
        number = await quarantine_queries.delete_old_quarantined(at - RETENTION, FORGET_ROWS)
        forgotten += number
        if number < FORGET_ROWS:
            return forgotten


async def _iter_lines(
    pages: AsyncIterator[list[HeldRow]], format_: FileFormat, language: Language
) -> AsyncIterator[bytes]:
    yield make_header(format_).encode()
    async for rows in pages:
        yield make_lines(rows, format_, language).encode()


async def _iter_sheet(
    pages: AsyncIterator[list[HeldRow]], format_: FileFormat, language: Language
) -> AsyncIterator[bytes]:
    sheet = SheetWriter("quarantine")
    yield sheet.begin(list_columns(format_))
    async for rows in pages:
        yield sheet.add(list_cells(row, format_, language) for row in rows)
    yield sheet.finish()


async def _iter_pages(import_id: UUID) -> AsyncIterator[list[HeldRow]]:
    after = 0
    while rows := await quarantine_queries.list_quarantined(import_id, after, PAGE_ROWS, only_open=True):
        yield [_open(import_id, row) for row in rows]
        after = rows[-1].row_number


def _seal(import_id: UUID, row: HeldRow, at: datetime) -> QuarantinedRow:
    column = _name_column(row.number)
    return QuarantinedRow(
        row_number=row.number,
        reason=row.flaw.code,
        note_zh=row.flaw.zh,
        note_en=row.flaw.en,
        place=row.flaw.column or row.flaw.pointer[1:],
        row_cipher=None if row.text is None else encrypt_field(row.text, column=column, row_id=import_id),
        entered_at=at,
        corrected_by=None,
    )


def _open(import_id: UUID, row: QuarantinedRow) -> HeldRow:
    cipher, column = row.row_cipher, _name_column(row.row_number)
    flaw = Flaw(code=row.reason, zh=row.note_zh, en=row.note_en, column=row.place)
    text = None if cipher is None else decrypt_field(cipher, column=column, row_id=import_id)
    return HeldRow(row.row_number, flaw, text)


def _name_column(row_number: int) -> str:
    """Return what a row is encrypted for, beside its import's id: none can be put in the place of another."""
    return f"quarantine.row_cipher.{row_number}"


FORGETS = (forget_old,)

"""Rows that stayed behind: handed out to be corrected, and forgotten in time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import msgspec

from app.intake.file.quarantine import HeldRow, list_cells, list_columns, make_header, make_lines, name_cipher
from app.intake.file.queries import imports as imports_queries
from app.intake.file.queries import quarantine as quarantine_queries
from app.intake.reading.format import FileFormat
from app.kit.db.audit import write_audit
from app.kit.db.database import transaction
from app.kit.errors import NotFound
from app.kit.security.crypto import decrypt_field
from app.kit.web.sheet import SheetWriter
from app.values.words import AUDIT_ACTIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from uuid import UUID

    from app.intake.file.queries.imports import ImportRow
    from app.intake.file.queries.quarantine import QuarantinedRow
    from app.kit.security.auth import OfficialCaller
    from app.kit.web.http import Language

QuarantineForm = Literal["csv", "xlsx"]
AUDIT_READ = AUDIT_ACTIONS.declare("quarantine.read")
RETENTION = timedelta(days=30)
PAGE_ROWS = 500
FORGET_ROWS = 5_000  # at a time


async def find_import(import_id: UUID) -> ImportRow:
    """Return an import, or refuse."""
    row = await imports_queries.find_import(import_id)
    if row is None:
        raise NotFound
    return row


async def open_quarantine(
    official: OfficialCaller | None, import_id: UUID, language: Language, form: QuarantineForm
) -> AsyncIterator[bytes]:
    """Return the rows still to be corrected as a file, read as it is sent: CSV, or a workbook whose cells are text.

    Whoever asks is in the audit chain before the first row is read; ``official`` None is the command line.
    """
    row = await find_import(import_id)
    async with transaction():
        detail: dict[str, object] = {"form": form}
        await write_audit(official, action=AUDIT_READ, subject=f"import:{import_id}", detail=detail)
    known = None if row.file_format is None else msgspec.json.decode(row.file_format, type=FileFormat)
    format_ = known or FileFormat(kind="jsonl", encoding="utf-8")
    pages = _iter_pages(import_id, language)
    return _iter_sheet(pages, format_) if form == "xlsx" else _iter_lines(pages, format_)


async def forget_old(at: datetime) -> int:
    """Forget rows that have been in quarantine for ``RETENTION``; how many."""
    forgotten = 0
    while True:
        number = await quarantine_queries.delete_old_quarantined(at - RETENTION, FORGET_ROWS)
        forgotten += number
        if number < FORGET_ROWS:
            return forgotten


async def _iter_lines(pages: AsyncIterator[list[HeldRow]], format_: FileFormat) -> AsyncIterator[bytes]:
    yield make_header(format_).encode()
    async for rows in pages:
        yield make_lines(rows, format_).encode()


async def _iter_sheet(pages: AsyncIterator[list[HeldRow]], format_: FileFormat) -> AsyncIterator[bytes]:
    sheet = SheetWriter("quarantine")
    yield sheet.begin(list_columns(format_))
    async for rows in pages:
        yield sheet.add(list_cells(row, format_) for row in rows)
    yield sheet.finish()


async def _iter_pages(import_id: UUID, language: Language) -> AsyncIterator[list[HeldRow]]:
    after = 0
    while rows := await quarantine_queries.list_quarantined(import_id, after, PAGE_ROWS, only_open=True):
        yield [_open(import_id, row, language) for row in rows]
        after = rows[-1].row_number


def _open(import_id: UUID, row: QuarantinedRow, language: Language) -> HeldRow:
    cipher = row.row_cipher
    return HeldRow(
        number=row.row_number,
        reason=row.reason,
        note=row.note_zh if language == "zh" else row.note_en,
        text=None if cipher is None else decrypt_field(cipher, column=name_cipher(row.row_number), row_id=import_id),
    )


FORGETS = (forget_old,)

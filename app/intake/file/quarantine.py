"""The quarantine as a file that people correct in a spreadsheet and send back. Pure.

Each line has the row's number, why it is in quarantine, the columns as they were sent, and in a last column the whole
row where it cannot be cut into these columns: JSONL, a quote that is not closed, too many cells.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import Literal

import msgspec

from app.citizen.paper import parse_id_number
from app.intake.fact.item import Flaw
from app.intake.fact.judge import IMPORT_FLAWS
from app.intake.file.counts import FILE_FLAWS
from app.intake.reading.format import FileFormat, detect_format
from app.intake.reading.header import normalise_header
from app.intake.reading.lines import LINE_FLAWS, split_line
from app.intake.reading.reader import READER_FLAWS, ReadRow
from app.values.text import clean_code, clean_text, guard_cell, to_half_width, unguard_cell

NUMBER_COLUMN, REASON_COLUMN, NOTE_COLUMN, RAW_COLUMN = (
    "quarantine_row",
    "quarantine_reason",
    "quarantine_note",
    "quarantine_raw",
)
BYTE_ORDER_MARK = "\ufeff"  # without it Excel reads UTF-8 as the system's encoding
# In whatever groups of digits: the text of a row that names people is stored only if one of them has joined.
ID_NUMBER = re.compile(r"(?<![0-9A-Za-z])[1-9](?:[ \-]{0,3}[0-9]){16}[ \-]{0,3}[0-9Xx](?![0-9A-Za-z])")
ID_NUMBERS_MAX = 20  # looked for in a row

Language = Literal["zh", "en"]


class HeldRow(msgspec.Struct, frozen=True):
    """A row that goes into quarantine, and why; without its text when it is about people who have not joined."""

    number: int
    flaw: Flaw
    text: str | None


class CorrectedRow(msgspec.Struct, frozen=True):
    """A row of a corrected file: which row it corrects, and what it says now."""

    parent_number: int
    row: ReadRow


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """Where the columns of a corrected file are; ``cells`` has a place for each column of the first file."""

    number: int
    raw: int | None
    cells: tuple[int, ...]
    parent_format: FileFormat


def make_header(format_: FileFormat) -> str:
    """Return the first line of the quarantine's file, with the mark by which Excel recognises UTF-8."""
    return BYTE_ORDER_MARK + _write_rows([map(guard_cell, list_columns(format_))])


def make_lines(rows: Iterable[HeldRow], format_: FileFormat, language: Language) -> str:
    """Return rows in quarantine as lines of its file, guarded against what spreadsheets do."""
    return _write_rows([map(guard_cell, list_cells(row, format_, language)) for row in rows])


def list_columns(format_: FileFormat) -> list[str]:
    """Return the columns of the quarantine's file."""
    return [NUMBER_COLUMN, REASON_COLUMN, NOTE_COLUMN, *format_.columns, RAW_COLUMN]


def list_cells(row: HeldRow, format_: FileFormat, language: Language) -> list[str]:
    """Return the cells of a row in quarantine, below its columns."""
    text = row.text or ""
    cells: object = split_line(text, format_.delimiter) if format_.kind == "csv" and "\n" not in text else None
    is_cut = isinstance(cells, list) and len(cells) == len(format_.columns)
    shown = cells if isinstance(cells, list) and is_cut else [""] * len(format_.columns)
    note = row.flaw.zh if language == "zh" else row.flaw.en
    return [str(row.number), row.flaw.code, note, *shown, "" if is_cut else text]


def find_corrected_format(parent_format: FileFormat, head: bytes, *, is_last: bool) -> FileFormat | Flaw:
    """Return the format of a corrected file by its beginning; its header has the columns it was downloaded with."""
    names = {normalise_header(name) for name in list_columns(parent_format)}
    return detect_format(head, is_last=is_last, names=names)


def find_correction(format_: FileFormat, parent_format: FileFormat) -> Correction | Flaw:
    """Find the columns of a corrected file; columns may have been moved, and those nobody needs left out."""
    names = [unguard_cell(name.strip()).strip() for name in format_.columns]
    wanted = [name.strip() for name in parent_format.columns]
    places = {name: place for place, name in reversed(list(enumerate(names)))}
    has_all = NUMBER_COLUMN in places and all(name in places for name in wanted)
    if not has_all or (parent_format.kind == "jsonl" and RAW_COLUMN not in places):
        return FILE_FLAWS["rerun_columns_missing"]
    begin = places[NUMBER_COLUMN]
    plain = range(begin + 3, begin + 3 + len(wanted))
    return Correction(
        number=begin,
        raw=places.get(RAW_COLUMN),
        # Columns that were not moved are found by their place: two of them may have one name.
        cells=tuple(plain) if names[plain.start : plain.stop] == wanted else tuple(places[name] for name in wanted),
        parent_format=parent_format,
    )


def read_corrected(row: ReadRow, correction: Correction) -> CorrectedRow | Flaw:
    """Return what a row of a corrected file says, and of which row."""
    assert isinstance(row.cells, list), "a corrected file is CSV"
    number = clean_code(unguard_cell(row.cells[correction.number].strip())).removesuffix(".0")
    if not (number.isascii() and number.isdigit() and len(number) < 16):  # noqa: PLR2004 - a bigint has room
        return IMPORT_FLAWS["quarantine_row_unknown"]
    cells = [unguard_cell(row.cells[place]) for place in correction.cells]
    raw = "" if correction.raw is None else unguard_cell(row.cells[correction.raw])
    if raw.strip() and not any(cell.strip() for cell in cells):
        read = _read_raw(raw, correction.parent_format)
        return read if isinstance(read, Flaw) else CorrectedRow(int(number), ReadRow(row.number, row.text, read))
    return CorrectedRow(int(number), ReadRow(row.number, row.text, cells))


def find_id_numbers(text: str) -> list[str]:
    """Return the valid ID numbers in a text."""
    found = ID_NUMBER.findall(to_half_width(clean_text(text)))
    people = (parse_id_number(number) for number in found[:ID_NUMBERS_MAX])
    return [person.number for person in people if person is not None]


def _read_raw(raw: str, format_: FileFormat) -> list[str] | dict[str, object] | Flaw:
    if format_.kind == "jsonl":
        try:
            return msgspec.json.decode(raw, type=dict[str, object])
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return LINE_FLAWS["malformed"]
    cells = split_line(raw, format_.delimiter)
    if isinstance(cells, Flaw):
        return cells
    if cells is None:
        return LINE_FLAWS["quote_unclosed"]
    if len(cells) != len(format_.columns):
        return READER_FLAWS["row_overlong" if len(cells) > len(format_.columns) else "row_truncated"]
    return cells


def _write_rows(rows: Iterable[Iterable[str]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()

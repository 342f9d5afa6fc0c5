"""Workbooks (.xlsx): which are read, what their cells say as text, and one written whose cells are all text. Pure.

A workbook becomes the lines of a CSV file, a line for every row, so that the number of a row is the sheet's own.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import Literal
from xml.sax.saxutils import escape

from app.intake.rules import Flaw, make_flaws
from app.intake.rules_lines import COLUMNS_MAX
from app.values.text import neutralise_cell

WORKBOOK_MAGIC = b"PK\x03\x04"
WORKBOOK_MEDIA = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ENTRIES_MAX = 1_000  # parts of the archive
UNPACKED_BYTES_MAX = 1024 * 1024 * 1024  # of all parts
SHARED_STRINGS_BYTES_MAX = 32 * 1024 * 1024  # they are held in memory
PART_BYTES_MAX = 16 * 1024 * 1024  # of any other part but the sheets: styles, theme, comments
RATIO_MAX = 200  # a part that unpacks to more than so many times its size is no table
RATIO_BYTES_MIN = 10 * 1024 * 1024  # a smaller one may
ROWS_MAX = 300_000  # a larger register comes out of a system, which writes CSV
EXACT_MAX = 10**15  # a spreadsheet keeps fifteen digits of a number
SHEETS, SHARED_STRINGS, WORKBOOK = "xl/worksheets/", "xl/sharedStrings.xml", "xl/workbook.xml"
# Formats of days that only the Chinese Excel has without writing down what they are (ECMA-376, 18.8.30).
BUILT_IN_DAYS = {
    **dict.fromkeys((*range(27, 32), 36, 50, 52, 54, 57), "yyyy-m-d"),
    **dict.fromkeys((53, 55, 58), "m-d"),
}
NOT_A_FORMAT = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # XML has no place for them
ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")  # what a spreadsheet would read as a character's number

WORKBOOK_FLAWS = make_flaws(
    ("workbook_unreadable", "", "工作簿无法读取：文件已损坏或受密码保护，请重新另存为 xlsx 或 CSV（UTF-8）",
     "the workbook cannot be read: it is broken or protected by a password; save it again as xlsx or CSV (UTF-8)"),
    ("workbook_too_large", "", "工作簿解压后过大，请分成几个文件，或另存为 CSV（UTF-8）",
     "the workbook is too large when unpacked; split it, or save it as CSV (UTF-8)"),
    ("workbook_rows_too_many", "", f"工作表超过 {ROWS_MAX} 行，请分成几个文件，或另存为 CSV（UTF-8）",
     f"the sheet has more than {ROWS_MAX} rows; split it, or save it as CSV (UTF-8)"),
    ("workbook_columns_too_many", "", f"工作表超过 {COLUMNS_MAX} 列", f"the sheet has more than {COLUMNS_MAX} columns"),
    ("workbook_sheets_many", "", "工作簿有多张含数据的工作表：{}；请只保留要导入的一张",
     "several sheets of the workbook have rows: {}; keep the one to be imported"),
)  # fmt: skip

CellKind = Literal["plain", "day", "month_day"]


def is_workbook(head: bytes) -> bool:
    """Whether a file begins like one; which kind of archive it is shows when it is opened."""
    return head.startswith(WORKBOOK_MAGIC)


def judge_archive(parts: Sequence[zipfile.ZipInfo]) -> Flaw | None:
    """Return why an archive is not unpacked: by its own list of parts, before any of them is opened."""
    names = {part.filename for part in parts}
    if WORKBOOK not in names or any(part.flag_bits & 1 for part in parts):
        return WORKBOOK_FLAWS["workbook_unreadable"]
    is_large = len(parts) > ENTRIES_MAX or sum(part.file_size for part in parts) > UNPACKED_BYTES_MAX
    return WORKBOOK_FLAWS["workbook_too_large"] if is_large or any(map(_is_overlarge, parts)) else None


def tell_kind(format_code: str, format_number: int) -> CellKind:
    """Return what a number format shows: a whole day, a day without its year or a month without its day, or neither."""
    code = NOT_A_FORMAT.sub("", BUILT_IN_DAYS.get(format_number, format_code)).lower().split(";")[0]
    has_year, has_day = "y" in code or "e" in code.replace("general", ""), "d" in code
    if has_year and has_day:
        return "day"
    is_of_time = bool(set(code) & set("hs"))
    return "month_day" if has_day or (has_year and "m" in code) or ("m" in code and not is_of_time) else "plain"


def write_value(value: object, kind: CellKind) -> str:
    """Return what a cell says as text.

    A number longer than a spreadsheet keeps is told as a spreadsheet would, in scientific notation: it is spoilt. So is
    a day without a year, which was a fraction once.
    """
    if isinstance(value, str):
        return " ".join(value.splitlines()) if "\n" in value or "\r" in value else value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _write_number(value)
    if isinstance(value, datetime | date):
        return f"{value.month}月{value.day}日" if kind == "month_day" else _write_day(value)
    return "" if value is None else str(value)


class LineWriter:
    """Writes rows as lines of CSV; no line has fewer cells than one before it, as a sheet has no end of a row."""

    def __init__(self) -> None:
        self._width = 0
        self._out = io.StringIO(newline="")
        self._writer = csv.writer(self._out, lineterminator="\n")

    def add(self, cells: list[str]) -> None:
        """Add a row; one without any text is a blank line."""
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            self._out.write("\n")
            return
        self._width = max(self._width, len(cells))
        self._writer.writerow(cells + [""] * (self._width - len(cells)))

    def take(self) -> bytes:
        """Return the lines since the last time."""
        text = self._out.getvalue()
        self._out.seek(0)
        self._out.truncate()
        return text.encode("utf-8", "replace")


class SheetWriter:
    """Writes an .xlsx file of one sheet in which every cell is text, a few rows at a time.

    A spreadsheet leaves such cells as they are, whatever they look like. Nothing is held but what was not taken yet.
    """

    def __init__(self) -> None:
        self._out = _Sink()
        self._archive = zipfile.ZipFile(self._out, "w", zipfile.ZIP_DEFLATED)
        self._number = 0

    def begin(self, columns: Sequence[str]) -> bytes:
        """Return the file as far as its header."""
        for name, content in _PARTS.items():
            self._archive.writestr(name, _HEAD + content)
        self._sheet = self._archive.open(f"{SHEETS}sheet1.xml", "w", force_zip64=True)
        self._sheet.write((_HEAD + _SHEET_BEGIN).encode())
        return self.add([columns])

    def add(self, rows: Iterable[Sequence[str]]) -> bytes:
        """Return the file from where it was left to the end of these rows, as far as it is squeezed already."""
        for row in rows:
            self._number += 1
            self._sheet.write(_write_row(self._number, row).encode("utf-8", "replace"))
        return self._out.take()

    def finish(self) -> bytes:
        """Return the rest of the file."""
        self._sheet.write(_SHEET_END.encode())
        self._sheet.close()
        self._archive.close()
        return self._out.take()


def _is_overlarge(part: zipfile.ZipInfo) -> bool:
    limit = UNPACKED_BYTES_MAX if part.filename.startswith(SHEETS) else PART_BYTES_MAX
    limit = SHARED_STRINGS_BYTES_MAX if part.filename == SHARED_STRINGS else limit
    is_bomb = part.file_size > RATIO_BYTES_MIN and part.file_size > RATIO_MAX * max(part.compress_size, 1)
    return part.file_size > limit or is_bomb


def _write_day(value: date) -> str:
    day = f"{value.year}/{value.month}/{value.day}"
    return f"{day} {value:%H:%M:%S}" if isinstance(value, datetime) and value.time() != time() else day


def _write_number(value: float) -> str:
    if abs(value) >= EXACT_MAX:
        return f"{value:.5E}"
    return str(int(value)) if value == int(value) else f"{value:.15g}"


def _write_row(number: int, row: Sequence[str]) -> str:
    cells = "".join(
        f'<c t="inlineStr" s="1"><is><t xml:space="preserve">{_write_text(cell)}</t></is></c>' for cell in row
    )
    return f'<row r="{number}">{cells}</row>'


def _write_text(cell: str) -> str:
    return escape(ESCAPED.sub("_x005F_", UNWRITABLE.sub("\ufffd", neutralise_cell(cell))))


class _Sink(io.RawIOBase):
    """What a zip archive is written to that is handed on as it grows; it cannot be gone back in."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, block: object) -> int:
        piece = bytes(block)  # type: ignore[call-overload]  # any bytes-like object
        self._blocks.append(piece)
        return len(piece)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = b"".join(self._blocks)
        self._blocks = []
        return taken


_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="quarantine" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
    ),
    "xl/styles.xml": (  # format 49 is text: what is typed over a cell stays text as well
        f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font><sz val="11"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/>'
        '</fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="2"><xf xfId="0"/><xf numFmtId="49" applyNumberFormat="1" xfId="0"/></cellXfs></styleSheet>'
    ),
}  # fmt: skip
_SHEET_BEGIN = (
    f'<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" '
    f'activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols><col min="1" max="{COLUMNS_MAX + 4}" '
    'width="22" style="1" customWidth="1"/></cols><sheetData>'
)
_SHEET_END = "</sheetData></worksheet>"

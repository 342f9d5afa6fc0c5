"""Workbooks (.xlsx): which are read, and what their cells say as text. Pure.

A workbook becomes the lines of a CSV file, a line for every row, so that the number of a row is the sheet's own.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Literal

import msgspec

from app.intake.fact.item import Flaw, make_flaws
from app.intake.reading.format import FORMAT_FLAWS
from app.intake.reading.lines import COLUMNS_MAX

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
WORKBOOK, MANIFEST = "xl/workbook.xml", "[Content_Types].xml"
# By what a part says it is, wherever it lies: only a sheet is read row by row.
BYTES_MAX = {
    f"application/vnd.openxmlformats-officedocument.spreadsheetml.{kind}+xml": limit
    for kind, limit in (("worksheet", UNPACKED_BYTES_MAX), ("sharedStrings", SHARED_STRINGS_BYTES_MAX))
}
# Formats of days that only the Chinese Excel has without writing down what they are (ECMA-376, 18.8.30).
BUILT_IN_DAYS = {
    **dict.fromkeys((*range(27, 32), 36, 50, 52, 54, 57), "yyyy-m-d"),
    **dict.fromkeys((53, 55, 58), "m-d"),
}
NOT_A_FORMAT = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')

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


class Part(msgspec.Struct, frozen=True):
    """A part of an archive, by the archive's own lists: its bytes unpacked and packed, and what is in it."""

    name: str
    unpacked_bytes: int
    packed_bytes: int
    content_type: str = ""


def judge_manifest(parts: Sequence[Part]) -> Flaw | None:
    """Return why even the list of an archive's contents is not read: it is no workbook's, or too large itself."""
    if not {WORKBOOK, MANIFEST} <= {part.name for part in parts}:
        return FORMAT_FLAWS["file_is_zip"]
    is_large = any(_is_overlarge(part) for part in parts if part.name == MANIFEST)
    return WORKBOOK_FLAWS["workbook_too_large"] if is_large else None


def judge_archive(parts: Sequence[Part]) -> Flaw | None:
    """Return why an archive is not unpacked: by its own list of parts, before any of them is opened."""
    if flaw := judge_manifest(parts):
        return flaw
    is_large = len(parts) > ENTRIES_MAX or sum(part.unpacked_bytes for part in parts) > UNPACKED_BYTES_MAX
    return WORKBOOK_FLAWS["workbook_too_large"] if is_large or any(map(_is_overlarge, parts)) else None


def find_cell_kind(format_code: str, format_number: int) -> CellKind:
    """Return what a number format shows: a whole day, a day without its year or a month without its day, or neither."""
    code = NOT_A_FORMAT.sub("", BUILT_IN_DAYS.get(format_number, format_code)).lower().split(";")[0]
    has_year, has_day = "y" in code or "e" in code.replace("general", ""), "d" in code
    if has_year and has_day:
        return "day"
    is_of_time = bool(set(code) & set("hs"))
    return "month_day" if has_day or (has_year and "m" in code) or ("m" in code and not is_of_time) else "plain"


def write_value(value: object, kind: CellKind) -> str:
    """Return what a cell says as text.

    A number longer than a spreadsheet keeps is written as a spreadsheet would, in scientific notation: it is spoilt. So
    is a day without a year, which was a fraction once.
    """
    if isinstance(value, str):
        text = value.replace("_x005F_", "_")  # a bar that a spreadsheet wrote by its number
        return " ".join(text.splitlines()) if "\n" in text or "\r" in text else text
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


def _is_overlarge(part: Part) -> bool:
    limit = BYTES_MAX.get(part.content_type, PART_BYTES_MAX)
    is_bomb = part.unpacked_bytes > max(RATIO_BYTES_MIN, RATIO_MAX * part.packed_bytes)
    return part.unpacked_bytes > limit or is_bomb


def _write_day(value: date) -> str:
    day = f"{value.year}/{value.month}/{value.day}"
    return f"{day} {value:%H:%M:%S}" if isinstance(value, datetime) and value.time() != time() else day


def _write_number(value: float) -> str:
    if abs(value) >= EXACT_MAX:
        return f"{value:.5E}"
    return str(int(value)) if value == int(value) else f"{value:.15g}"

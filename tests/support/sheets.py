"""Spreadsheets: what one does to a CSV file that is only opened and saved, and workbooks written and read."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import openpyxl

FORMULA = re.compile(r'="([^"]*)"')
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
EXACT_DIGITS = 11  # more are shown, and saved, in scientific notation


def open_and_save(content: bytes, change: Callable[[list[list[str]]], None] = lambda _: None) -> bytes:
    """Return what a double click, some edits and a save in a spreadsheet leave of a CSV file."""
    rows = [[_see(cell) for cell in row] for row in csv.reader(io.StringIO(content.decode("utf-8-sig")))]
    change(rows)
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode("utf-8-sig")


def make_workbook(rows: Iterable[Sequence[Any]], *, formats: dict[str, str] | None = None, **sheets: Any) -> bytes:
    """Return a workbook of one sheet; ``formats`` says how some cells are shown (``B2``), ``sheets`` names others."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    for place, code in (formats or {}).items():
        sheet[place].number_format = code
    for name, others in sheets.items():
        other = book.create_sheet(name)
        for row in others:
            other.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read_workbook(content: bytes) -> list[list[tuple[Any, str, str]]]:
    """Return the cells of a workbook: value, type and format."""
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    return [[(cell.value, cell.data_type, cell.number_format) for cell in row] for row in sheet.iter_rows()]


def rewrite(
    content: bytes, name: str, change: Callable[[bytes], bytes], added: dict[str, bytes] | None = None
) -> bytes:
    """Return a workbook one part of which is changed, and to which others are ``added``."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            part_content = old.read(part)
            new.writestr(part.filename, change(part_content) if part.filename == name else part_content)
        for other, other_content in (added or {}).items():
            new.writestr(other, other_content)
    return out.getvalue()


def _see(cell: str) -> str:
    if formula := FORMULA.fullmatch(cell):
        return formula[1]
    if NUMBER.fullmatch(cell):
        digits = cell.lstrip("+-")
        if "." not in cell and len(digits) > EXACT_DIGITS:
            mantissa, exponent = f"{float(cell):.5E}".split("E")
            return f"{mantissa.rstrip('0').rstrip('.')}E+{int(exponent):02d}"
        return f"{float(cell):.15g}"
    if day := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", cell):
        return f"{int(day[1])}/{int(day[2])}/{int(day[3])}"
    if day := re.fullmatch(r"(\d{1,2})[-/](\d{1,2})", cell):
        return f"{int(day[1])}月{int(day[2])}日"
    return cell

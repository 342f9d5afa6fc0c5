"""What people and spreadsheets write in cells (取值) becomes texts, days and whole numbers. Pure.

Everything here takes one cell as it was sent and returns its value, None for an empty cell, or a flaw.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Literal

from app.intake.rules import Flaw, make_flaws

DateForm = Literal["year_first", "chinese", "compact", "month_first", "day_first", "excel_serial"]
PLAIN_DATE_FORMS: tuple[DateForm, ...] = ("year_first", "chinese", "compact")
DATE_PATTERNS: dict[DateForm, re.Pattern[str]] = {
    "year_first": re.compile(r"(?P<y>\d{4})([-/.])(?P<m>\d{1,2})\2(?P<d>\d{1,2})", re.ASCII),
    "chinese": re.compile(r"(?P<y>\d{4})年(?P<m>\d{1,2})月(?P<d>\d{1,2})日?", re.ASCII),
    "compact": re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})", re.ASCII),
    "month_first": re.compile(r"(?P<m>\d{1,2})([-/.])(?P<d>\d{1,2})\2(?P<y>\d{4})", re.ASCII),
    "day_first": re.compile(r"(?P<d>\d{1,2})([-/.])(?P<m>\d{1,2})\2(?P<y>\d{4})", re.ASCII),
}
# A register of days is sometimes exported with a time of day; the day is what it is, whatever the time.
TIME_OF_DAY = re.compile(r"(?:\s+|T)(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?", re.ASCII)
EXCEL_DAY_ZERO = date(1899, 12, 30)  # so that day 61 is 1 March 1900; Excel's 29 February 1900 never was
EXCEL_SERIAL = re.compile(r"([1-9]\d{1,6})(?:\.0+)?", re.ASCII)
EXCEL_SERIAL_MIN, EXCEL_SERIAL_MAX = 61, 401_768  # 2999-12-31

# What stands around texts: blanks of all widths, some without any, and line breaks.
BLANKS = (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200C), 0x2028, 0x2029, 0x202F, 0x205F)
SPACES = "".join(map(chr, BLANKS)) + "\u3000\ufeff"
FULL_WIDTH = str.maketrans({0xFF01 + place: chr(0x21 + place) for place in range(94)} | {0x3000: " "})
EMPTY_MARKS = frozenset({"", "-", "--", "—", "——", "/", "\\N", "NULL", "null"})
MARK_CHARACTERS_MAX = max(map(len, EMPTY_MARKS))
FORMULA_SIGNS = "=+-@＝＋－＠"  # a spreadsheet takes the full-width ones too
HARMLESS_FORMULA = re.compile(r'="([^"=+\-@＝＋－＠][^"]*|)"')
NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d{1,20})(?:\.\d{1,10})?", re.ASCII)
SCIENTIFIC = re.compile(r"[+-]?\d+(?:\.\d+)?[eE][+-]?\d+", re.ASCII)

VALUE_FLAWS = make_flaws(
    ("formula_in_cell", "", "单元格是公式，请粘贴为数值", "the cell is a formula; paste it as a value"),
    (
        "id_number_scientific", "/idNumber", "身份证号码被表格软件改成了科学计数法，请以文本格式重新导出",
        "a spreadsheet has turned the ID number into scientific notation; export the column as text",
    ),
    (
        "number_scientific", "", "数字为科学计数法，请以普通数字重新导出",
        "the number is in scientific notation; export it as a plain number",
    ),
    ("quantity_invalid", "/quantity", "数量不是数字", "the quantity is not a number"),
    (
        "quantity_not_whole", "/quantity", "数量换算后不是整数", "the quantity is not whole in the unit it is kept in",
    ),
    ("date_unreadable", "", "无法读取日期", "the date is not a real day in one of the forms agreed with the source"),
)  # fmt: skip


def read_text(cell: str) -> str | Flaw | None:
    """Return a cell's text without the marks of spreadsheets: spaces around, a leading apostrophe, ="001"."""
    if len(cell) > MARK_CHARACTERS_MAX and cell[0].isalnum() and cell[-1].isalnum():
        return cell  # most are like this, and need no more looking at
    text = cell.strip(SPACES)
    if text.startswith("'"):
        text = text[1:].strip(SPACES)
    if text in EMPTY_MARKS:
        return None
    if text[0] not in FORMULA_SIGNS:
        return text
    if harmless := HARMLESS_FORMULA.fullmatch(text):
        return harmless[1].strip(SPACES) or None
    return text if NUMBER.fullmatch(text.translate(FULL_WIDTH)) else VALUE_FLAWS["formula_in_cell"]


def read_code(cell: str) -> str | Flaw | None:
    """Return a cell's text in half-width characters: codes, grades, what is translated."""
    text = read_text(cell)
    return text if not isinstance(text, str) or text.isascii() else text.translate(FULL_WIDTH).strip(SPACES)


def read_id_number(cell: str) -> str | Flaw | None:
    """Return what may be an ID number, in half-width characters; its form and checksum are judged later."""
    if len(cell) == 18 and cell.isascii() and cell.isalnum():  # noqa: PLR2004 - the length of an ID number
        return cell
    text = read_code(cell)
    return VALUE_FLAWS["id_number_scientific"] if isinstance(text, str) and SCIENTIFIC.fullmatch(text) else text


def read_day(cell: str, forms: tuple[DateForm, ...]) -> date | Flaw | None:
    """Return the day a cell names in one of the forms; a time of day is dropped, one with a zone is no day."""
    text = read_code(cell)
    if not isinstance(text, str):
        return text
    time = TIME_OF_DAY.search(text)
    if time is not None and time.end() == len(text):
        text = text[: time.start()]
    for form in forms:
        if (day := _read_form(text, form)) is not None:
            return day
    return VALUE_FLAWS["date_unreadable"]


def read_quantity(cell: str, factor: Decimal) -> int | Flaw | None:
    """Return a whole number of the unit it is kept in: ``factor`` of them are one of the source's (hours: 60)."""
    text = read_code(cell)
    if not isinstance(text, str):
        return text
    if not NUMBER.fullmatch(text):
        return VALUE_FLAWS["number_scientific" if SCIENTIFIC.fullmatch(text) else "quantity_invalid"]
    try:
        number = Decimal(text.replace(",", "")) * factor
    except InvalidOperation:
        return VALUE_FLAWS["quantity_invalid"]
    return int(number) if number == number.to_integral_value() else VALUE_FLAWS["quantity_not_whole"]


def _read_form(text: str, form: DateForm) -> date | None:
    if form == "excel_serial":
        serial = EXCEL_SERIAL.fullmatch(text)
        if serial is None or not EXCEL_SERIAL_MIN <= int(serial[1]) <= EXCEL_SERIAL_MAX:
            return None
        return EXCEL_DAY_ZERO + timedelta(days=int(serial[1]))
    match = DATE_PATTERNS[form].fullmatch(text)
    try:
        return date(int(match["y"]), int(match["m"]), int(match["d"])) if match else None
    except ValueError:
        return None

"""What people and spreadsheets write in cells (取值) becomes texts, days and whole numbers. Pure.

Everything here takes one cell as it was sent and returns its value, None for an empty cell, or a flaw.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Literal

from app.intake.fact.damage import explain, find_spoilt
from app.intake.fact.item import Flaw, make_flaws
from app.values.text import clean_code, clean_text, to_half_width

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

EMPTY_MARKS = frozenset({"", "-", "--", "—", "——", "/", "\\N", "NULL", "null"})
MARK_CHARACTERS_MAX = max(map(len, EMPTY_MARKS))
SEALED_BLANKS = "".join(map(chr, (
    *range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200C), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000,
    0xFEFF,
)))  # fmt: skip
FORMULA_SIGNS = "=+-@＝＋－＠"  # a spreadsheet takes the full-width ones too
HARMLESS_FORMULA = re.compile(r'="([^"=+\-@＝＋－＠][^"]*|)"')
NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d{1,20})(?:\.\d{1,10})?", re.ASCII)

VALUE_FLAWS = make_flaws(
    ("formula_in_cell", "", "单元格是公式，请粘贴为数值", "the cell is a formula; paste it as a value"),
    ("quantity_invalid", "/quantity", "数量不是数字", "the quantity is not a number"),
    (
        "quantity_not_whole", "/quantity", "数量换算后不是整数", "the quantity is not whole in the unit it is kept in",
    ),
    ("date_unreadable", "", "无法读取日期", "the date is not a real day in one of the forms agreed with the source"),
)  # fmt: skip


def read_text(cell: str) -> str | Flaw | None:
    """Return a cell's text without what spreadsheets add: blanks and invisible marks, a leading apostrophe, ="001"."""
    if len(cell) > MARK_CHARACTERS_MAX and cell[0].isalnum() and cell[-1].isalnum() and cell.isprintable():
        return cell  # most are like this, and need no more looking at
    text = clean_text(cell)
    if text.startswith("'"):
        text = clean_text(text[1:])
    if text in EMPTY_MARKS:
        return None
    if text[0] not in FORMULA_SIGNS:
        return text
    if harmless := HARMLESS_FORMULA.fullmatch(text):
        return clean_text(harmless[1]) or None
    if spoilt := find_spoilt(text):
        return spoilt
    return text if NUMBER.fullmatch(to_half_width(text)) else VALUE_FLAWS["formula_in_cell"]


def read_sealed(cell: str) -> str | Flaw | None:
    """Return a cell's text as composed event ids are sealed of it; never to be changed.

    The first version sealed the text without the blanks around it and changed nothing else. Cleaning or folding more
    would give stored events other ids, and a register that is sent again would count them twice. What is no text by
    today's reading is none here.
    """
    text = read_text(cell)
    if not isinstance(text, str) or text == cell:
        return text
    sealed = cell.strip(SEALED_BLANKS)
    if sealed.startswith("'"):
        sealed = sealed[1:].strip(SEALED_BLANKS)
    harmless = HARMLESS_FORMULA.fullmatch(sealed)
    return harmless[1].strip(SEALED_BLANKS) if harmless else sealed


def read_code(cell: str) -> str | Flaw | None:
    """Return a cell's text in half-width characters: codes, grades, what is translated."""
    text = read_text(cell)
    return text if not isinstance(text, str) or text.isascii() else clean_text(to_half_width(text))


def read_id_number(cell: str) -> str | Flaw | None:
    """Return what may be an ID number, in half-width characters without blanks; its form is judged later."""
    if len(cell) == 18 and cell.isascii() and cell.isalnum():  # noqa: PLR2004 - the length of an ID number
        return cell
    text = read_text(cell)
    return text if not isinstance(text, str) else find_spoilt(text, is_number=True) or clean_code(text)


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
    return explain(text, VALUE_FLAWS["date_unreadable"])


def read_quantity(cell: str, factor: Decimal) -> int | Flaw | None:
    """Return a whole number of the unit it is kept in: ``factor`` of them are one of the source's (hours: 60)."""
    text = read_code(cell)
    if not isinstance(text, str):
        return text
    if not NUMBER.fullmatch(text):
        return explain(text, VALUE_FLAWS["quantity_invalid"], is_number=True)
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

"""What a spreadsheet did to a text (表格损坏), said so that a clerk can mend it. Pure."""

from __future__ import annotations

import re

import msgspec

from app.intake.fact.item import Flaw
from app.values.text import Damage, clean_text, find_damage, to_half_width

SCIENTIFIC = re.compile(r"[+-]?\d+(?:\.\d+)?[eE][+-]?\d+", re.ASCII)  # of a number; a code may look like this
DAMAGE_FLAWS: dict[Damage, Flaw] = {
    "scientific": Flaw(
        code="spoilt_scientific",
        zh="表格软件把这里改成了科学计数法（如 2.03E+13），后面的数字已经丢失；请把该列设为文本格式后重新填写",
        en="a spreadsheet has turned this into scientific notation (like 2.03E+13) and lost the digits behind; make "
        "the column text and fill it in again",
    ),
    "error": Flaw(
        code="spoilt_error_value",
        zh="这里是表格软件的错误值（如 #N/A、#REF!），原来的内容已经丢失；请重新填写",
        en="this is a spreadsheet's error value (like #N/A or #REF!) and what stood here is lost; fill it in again",
    ),
    "too_narrow": Flaw(
        code="spoilt_too_narrow",
        zh="这里只有一串 #，是列宽不够时另存造成的，原来的内容已经丢失；请加宽该列后重新保存",
        en="only ### is left, because the column was too narrow when it was saved; widen it and save again",
    ),
    "boolean": Flaw(
        code="spoilt_boolean",
        zh="表格软件把这里变成了 TRUE 或 FALSE；请填写原来的内容",
        en="a spreadsheet has turned this into TRUE or FALSE; fill in what stood here",
    ),
    "month_day": Flaw(
        code="spoilt_month_day",
        zh="表格软件把这里改成了日期（如 3/4 变成“3月4日”）；请把该列设为文本格式后重新填写",
        en="a spreadsheet has turned this into a day (as 3/4 becomes 4-Mar); make the column text and fill it in again",
    ),
    "decimal": Flaw(
        code="spoilt_decimal",
        zh="编号被当作小数保存（末尾多了 .0）；请把该列设为文本格式后重新导出",
        en="the number of a thing was kept as a decimal (.0 at its end); make the column text and export it again",
    ),
}


def find_spoilt(text: str, *, is_number: bool = False) -> Flaw | None:
    """Return what a spreadsheet did to a text; where only a number is possible, any exponent is a spreadsheet's."""
    cleaned = text if text.isascii() else clean_text(to_half_width(text))
    damage = "scientific" if is_number and SCIENTIFIC.fullmatch(cleaned) else find_damage(cleaned)
    return None if damage is None else DAMAGE_FLAWS[damage]


def explain(text: str, flaw: Flaw, *, is_number: bool = False) -> Flaw:
    """Return why a text does not do: what a spreadsheet did to it where that shows, else ``flaw``."""
    spoilt = find_spoilt(text, is_number=is_number)
    return flaw if spoilt is None else msgspec.structs.replace(spoilt, pointer=flaw.pointer)

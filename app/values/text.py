"""Texts, cleaned of what came along with them, and what a spreadsheet has spoilt in them recognised. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

CODE_CHARACTERS_MAX = 100  # of a code as it was typed or scanned; a longer one is no code, and is not looked through

# Blanks of all widths, line breaks, and what a scanner gun ends a code with.
BLANKS = "".join(map(chr, (
    *range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000,
)))  # fmt: skip
# Marks without a glyph: soft hyphen, joiners, directions, variation selectors, tags, byte-order mark.
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
# Ideographs by range: planes 2 and 3 are kept for them as a whole, so that coming extensions are letters today.
HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fffd\U00030000-\U0003fffd"
FULL_WIDTH = str.maketrans({0xFF01 + place: chr(0x21 + place) for place in range(94)} | {0x3000: " "})

_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_GROUPING = re.compile(f"[{re.escape(BLANKS)}{INVISIBLE}\u2010-\u2015\u2212-]")
_HAN = re.compile(f"[{HAN}]")
_COMMON = re.compile("[ -~一-鿿（）〔〕【】《》、，。：；·—－／]+")  # the quick way; what is not in it is looked up

Damage = Literal["scientific", "error", "too_narrow", "boolean", "month_day", "decimal"]
MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec"
# What a text looks like after a spreadsheet took it for something else. It writes an exponent with its sign.
DAMAGES: dict[Damage, re.Pattern[str]] = {
    "scientific": re.compile(r"[+-]?\d(?:\.\d+)?e[+-]\d{2,3}", re.ASCII | re.IGNORECASE),
    "error": re.compile(
        r"#(?:N/A|(?:REF|VALUE|DIV/0|NUM|NULL|SPILL|CALC|FIELD|BLOCKED|CONNECT|BUSY|UNKNOWN)!|NAME\?|GETTING_DATA)"
        r"|Err:\d{3}",
        re.ASCII | re.IGNORECASE,
    ),
    "too_narrow": re.compile(r"#{2,}"),
    "boolean": re.compile(r"TRUE|FALSE"),
    "month_day": re.compile(
        rf"\d{{1,2}}月\d{{1,2}}日|\d{{1,2}}-(?:{MONTHS})|(?:{MONTHS})-\d{{1,2}}", re.ASCII | re.IGNORECASE
    ),
    "decimal": re.compile(r"\d{5,}\.0+", re.ASCII),  # a long number out of a table of floats: 20261013000077.0
}
_DAMAGED = re.compile("|".join(f"(?:{one.pattern})" for one in DAMAGES.values()), re.ASCII | re.IGNORECASE)

# Compared after cleaning, in half width and small letters.
PLACEHOLDERS = frozenset({
    "", "0", "1", "\\n", "#n/a", "doc", "document", "n.a.", "n/a", "na", "nan", "nil", "none", "nul", "null", "null值",
    "tbd", "test", "testing", "todo", "undefined", "unknown",
    "无", "没有", "暂无", "空", "空白", "略", "省略", "有", "是", "否", "同上", "同前", "其他", "未知", "不详", "不明",
    "待补", "待补充", "待定", "待查", "待核", "待核实", "未提供", "未填", "未填写", "测试", "测试数据", "附件",
    "见附件", "文书", "文号", "文书号", "编号", "无文号", "无文书", "无编号",
})  # fmt: skip
PLACEHOLDER_CHARACTERS_MAX = 16
_NOTHING = re.compile(r"[\W_]*|(.)\1+|[x×*?]+", re.IGNORECASE)  # marks only, or one character over and over

# What a spreadsheet would change in a CSV file that is only opened and saved: numbers, days, months, truths.
_TEMPTING = re.compile(rf"\d[0-9A-Za-z .,/:%+\-]*|(?:{MONTHS})[a-z]*[ -]\d{{1,4}}|true|false", re.ASCII | re.IGNORECASE)
_PLAIN_NUMBER = re.compile(r"0|[1-9]\d{0,10}", re.ASCII)  # it comes back as it was
_GUARDED = re.compile(r'="([^"]*)"')
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")


def clean_text(text: str) -> str:
    """Return a text without invisible marks, and without blanks at its ends."""
    if not text.isascii():
        text = _INVISIBLE.sub("", text)
    return text.strip(BLANKS)


def clean_code(text: str) -> str:
    """Return a code of digits and letters in half width, without blanks, line ends, invisible marks or grouping dashes.

    What is longer than ``CODE_CHARACTERS_MAX`` comes back as it is: no code is that long.
    """
    return text if len(text) > CODE_CHARACTERS_MAX else _GROUPING.sub("", to_half_width(text))


def to_half_width(text: str) -> str:
    """Return a text with ASCII in the place of its full-width forms; other scripts' digits stay what they are."""
    return text if text.isascii() else text.translate(FULL_WIDTH)


def is_han(character: str) -> bool:
    """Whether a character is an ideograph, of any extension there is or is room for."""
    return _HAN.fullmatch(character) is not None


def is_plain(text: str, characters_max: int) -> bool:
    """Whether a cleaned text can stand in a register: no control, private or unassigned characters, no pictographs."""
    if not 0 < len(text) <= characters_max:
        return False
    if text.isascii():
        return text.isprintable()
    return _COMMON.fullmatch(text) is not None or all(
        (unicodedata.category(one)[0] != "C" and unicodedata.category(one) != "So") or is_han(one) for one in text
    )


def find_damage(text: str) -> Damage | None:
    """Return what a spreadsheet has done to a cleaned text, as far as the text alone tells; None for a sound one."""
    if _DAMAGED.fullmatch(text) is None:
        return None
    return next((damage for damage, pattern in DAMAGES.items() if pattern.fullmatch(text)), None)


def is_placeholder(text: str) -> bool:
    """Whether a text only stands where something is missing: 无, N/A, ``?``, 待补, xx, a row of dashes."""
    bare = to_half_width(clean_text(text)).casefold().strip(BLANKS)
    bare = bare.strip("()[]{}<>《》【】“”\"'。.")
    return len(bare) <= PLACEHOLDER_CHARACTERS_MAX and (bare in PLACEHOLDERS or _NOTHING.fullmatch(bare) is not None)


def guard_cell(cell: str) -> str:
    """Return a cell for a CSV file that survives being opened and saved by a spreadsheet, and is no formula there.

    What would become a number, a day or a truth is written ``="001"``, which a spreadsheet shows and saves as its text;
    what would be a formula, or begins with an apostrophe, gets an apostrophe.
    """
    if _TEMPTING.fullmatch(cell) and not _PLAIN_NUMBER.fullmatch(cell):
        return f'="{cell}"'
    return neutralise_cell(cell)


def neutralise_cell(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; one that begins with an apostrophe gets one more."""
    return "'" + cell if cell.startswith((*FORMULA_BEGINS, "'")) else cell


def unguard_cell(cell: str) -> str:
    """Return the cell as it was before ``guard_cell`` or ``neutralise_cell``."""
    if (guarded := _GUARDED.fullmatch(cell)) and _TEMPTING.fullmatch(guarded[1]):
        return guarded[1]
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith((*FORMULA_BEGINS, "'")) else cell

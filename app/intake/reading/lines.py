"""Lines of a file become cells (拆分): quotes, limits, and where to go on when a quote is never closed. Pure.

A line ends at LF, CRLF or CR. A row is one line, or several when a quoted cell has line breaks in it. A quote opens a
cell only at its beginning (RFC 4180); elsewhere it is a character like any other.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import Literal

import msgspec

from app.intake.fact.item import Flaw, make_flaws

ROW_BYTES_MAX = 64 * 1024
ROW_LINES_MAX = 20  # a quote that is open for longer counts as never closed
COLUMNS_MAX = 200
CELL_CHARACTERS_MAX = 4_000

Encoding = Literal["utf-8", "gb18030"]
Delimiter = Literal[",", ";", "\t"]

LINE_FLAWS = make_flaws(
    ("row_too_long", "", f"该行超过 {ROW_BYTES_MAX} 字节", f"the row is longer than {ROW_BYTES_MAX} bytes"),
    ("columns_too_many", "", f"该行超过 {COLUMNS_MAX} 列", f"the row has more than {COLUMNS_MAX} columns"),
    (
        "cell_too_long", "", f"有单元格超过 {CELL_CHARACTERS_MAX} 个字符",
        f"a cell is longer than {CELL_CHARACTERS_MAX} characters",
    ),
    ("quote_unclosed", "", "引号没有正确闭合", "a quote is not closed, or not followed by a delimiter"),
    ("encoding_wrong", "", "该行的文字编码与文件不一致", "the row is not in the encoding of the file"),
    ("nul_in_row", "", "该行含有空字符（NUL）", "the row has a NUL character"),
    ("malformed", "", "该行不是一个 JSON 对象", "the row is not a JSON object"),
)  # fmt: skip


def decode_text(raw: bytes, encoding: str) -> str:
    """Return the text of some bytes; empty when they are spoilt: not in this encoding, or with a NUL character."""
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return ""
    return "" if "\0" in text else text


def split_line(text: str, delimiter: Delimiter) -> list[str] | Flaw | None:
    """Return the cells of a line; None when a quoted cell does not end properly in it."""
    if '"' in text:
        try:
            cells = next(csv.reader((text,), delimiter=delimiter, strict=True))
        except csv.Error:
            return None
    elif len(text) > COLUMNS_MAX and text.count(delimiter) >= COLUMNS_MAX:
        return LINE_FLAWS["columns_too_many"]
    else:
        cells = text.split(delimiter)
    return cells if len(text) <= COLUMNS_MAX else judge_size(cells)


def join_lines(lines: Iterable[str], delimiter: Delimiter) -> tuple[list[str], int] | Flaw | None:
    """Return the cells of the row that begins with these lines and how many of them it takes; None for all and more."""
    rows = csv.reader((line + "\n" for line in lines), delimiter=delimiter, strict=True)
    try:
        cells = judge_size(next(rows))
    except csv.Error as error:
        return None if "end of data" in str(error) else LINE_FLAWS["quote_unclosed"]
    return cells if isinstance(cells, Flaw) else (cells, rows.line_num)


def judge_size(cells: list[str]) -> list[str] | Flaw:
    """Return the cells, or which limit they exceed."""
    if len(cells) > COLUMNS_MAX:
        return LINE_FLAWS["columns_too_many"]
    return LINE_FLAWS["cell_too_long"] if max(map(len, cells)) > CELL_CHARACTERS_MAX else cells


def parse_object(text: str) -> dict[str, object] | Flaw:
    """Return the members of a line of JSONL, or which limit it exceeds."""
    try:
        members = msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return LINE_FLAWS["malformed"]
    if not members:
        return LINE_FLAWS["malformed"]
    if len(members) > COLUMNS_MAX:
        return LINE_FLAWS["columns_too_many"]
    if len(text) <= CELL_CHARACTERS_MAX:
        return members
    longest = max(len(value) if isinstance(value, str) else 0 for value in members.values())
    return LINE_FLAWS["cell_too_long"] if longest > CELL_CHARACTERS_MAX else members


def find_cut(data: bytes) -> int:
    """Return where the last whole line ends; a CR at the very end waits for its LF."""
    end = len(data) - data.endswith(b"\r")
    return max(data.rfind(b"\n", 0, end), data.rfind(b"\r", 0, end)) + 1


def find_line_end(block: bytes) -> int | None:
    """Return where the first line of a block ends, its line end included; None when it does not, or may not yet."""
    places = [place for place in (block.find(b"\n"), block.find(b"\r")) if place >= 0]
    if not places or (min(places) == len(block) - 1 and block.endswith(b"\r")):
        return None
    return min(places) + (2 if block[min(places) : min(places) + 2] == b"\r\n" else 1)

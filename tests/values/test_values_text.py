"""What people, scanners and spreadsheets produce, as tables: what is cleaned, what is spoilt, what says nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.values.text import (
    CODE_CHARACTERS_MAX,
    DAMAGES,
    FORMULA_BEGINS,
    Damage,
    clean_code,
    clean_text,
    find_damage,
    guard_cell,
    is_han,
    is_placeholder,
    is_plain,
    neutralise_cell,
    to_half_width,
    unguard_cell,
)

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (" 张三\r\n", "张三"), ("\ufeff厦府〔2026〕1号\u200b",
        "厦府〔2026〕1号"), ("\u202d1\u202c", "1"), ("a\u00adb", "ab"),
        ("葛\U000e0100城", "葛城"), ("x\u3000", "x"), ("a b",
        "a b"), ("\u2003\x1d7\t", "7"), ("", ""), ("a\x00", "a\x00"),
    ],
)  # fmt: skip
def test_what_nobody_sees_is_not_part_of_a_text(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


@given(ANY)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean_text(clean_text(text)) == clean_text(text)
    assert clean_code(clean_code(text)) == clean_code(text)
    assert to_half_width(to_half_width(text)) == to_half_width(text)


def test_a_code_longer_than_any_is_not_looked_through() -> None:
    assert clean_code("1" + " " * (CODE_CHARACTERS_MAX - 1)) == "1"
    assert clean_code("1" + " " * CODE_CHARACTERS_MAX) == "1" + " " * CODE_CHARACTERS_MAX


@pytest.mark.parametrize("codepoint", [0x3007, 0x4E00, 0x9FFF, 0x3400, 0xF900, 0x20000, 0x2EBF0, 0x323B0, 0x3FFFD])
def test_every_extension_is_of_ideographs_whatever_the_interpreter_knows(codepoint: int) -> None:
    assert is_han(chr(codepoint))
    assert is_plain(f"刘{chr(codepoint)}", 2)


@pytest.mark.parametrize("character", ["a", "あ", "ㄅ", "\ue863", "〆", "\U00040000", "·"])
def test_what_is_no_ideograph(character: str) -> None:
    assert not is_han(character)


SPOILT: dict[Damage, list[str]] = {
    "scientific": ["2.0261E+13", "9.9E+17", "1.79769E+308", "3E-05", "-1.2e+20", "4E+15"],
    "error": ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#n/a", "Err:502"],
    "too_narrow": ["##", "####", "########"],
    "boolean": ["TRUE", "FALSE"],
    "month_day": ["3月4日", "12月31日", "4-Mar", "Mar-04", "31-DEC", "sep-4"],
    "decimal": ["20261013000077.0", "12345.00"],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_a_spreadsheet_has_spoilt_is_recognised(damage: Damage) -> None:
    assert {text: find_damage(text) for text in SPOILT[damage]} == dict.fromkeys(SPOILT[damage], damage)


@pytest.mark.parametrize(
    "text",
    [
        "", "E-1", "20261013000077", "2026E13", "12E5", "1E5",
        "#", "#12", "a#N/A", "厦府〔2026〕3月4日", "3月", "true", "N/A",
        "4-3", "2026-03-04", "1.5", "1234.0", "MAR", "May", "（2026）闽02民终1号",
    ],
)  # fmt: skip
def test_what_is_sound_is_left_alone(text: str) -> None:
    assert find_damage(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "#N/A", "N/A", "无", "没有", "NaN", "null",
        "None", "none", "?", "？？", "-", "——", "0", "待补", "同上", "xx",
        "XXX", "测试", "（无）", "“无”", "无。", "文文文", "...",
        "／", "１", "\u200b无\ufeff", "***", "_", "=",
    ],
)  # fmt: skip
def test_what_only_stands_where_something_is_missing(text: str) -> None:
    assert is_placeholder(text)


@pytest.mark.parametrize("text", ["厦府〔2026〕1号", "公告1号", "12", "20260001", "无锡民初1号", "A"])
def test_what_says_something_is_no_placeholder(text: str) -> None:
    assert not is_placeholder(text)


@pytest.mark.parametrize(
    ("cell", "guarded"),
    [
        ("11010519491231002X", '="11010519491231002X"'), ("0012", '="0012"'), ("2026-09-01", '="2026-09-01"'),
        ("4-Mar", '="4-Mar"'), ("Mar 4", '="Mar 4"'), ("TRUE", '="TRUE"'), ("3/4", '="3/4"'), ("1E5", '="1E5"'),
        ("123456789012", '="123456789012"'), ("12345678901",
        "12345678901"), ("120", "120"), ("0", "0"), ("张三", "张三"),
        ("=1+1", "'=1+1"), ("-5", "'-5"), ("@x", "'@x"), ("'x",
        "''x"), ('="0012"', "'=\"0012\""), ("E-1", "E-1"), ("", ""),
    ],
)  # fmt: skip
def test_a_cell_is_guarded_against_what_spreadsheets_do(cell: str, guarded: str) -> None:
    assert guard_cell(cell) == guarded
    assert unguard_cell(guarded) == cell


@given(ANY | st.from_regex(r"[='@+\-0-9A-Z\"/.]{0,8}", fullmatch=True))
def test_every_cell_comes_back_and_none_is_a_formula_of_a_strangers(cell: str) -> None:
    guarded = guard_cell(cell)
    assert unguard_cell(guarded) == cell
    assert unguard_cell(neutralise_cell(cell)) == cell
    if guarded.startswith(FORMULA_BEGINS):
        assert guarded == f'="{cell}"'
        assert '"' not in cell
        assert cell[0].isalnum()

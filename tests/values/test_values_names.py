"""Names as they are written down and as they are compared, as tables."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.values.names import DOTS, NAME_CHARACTERS_MAX, TWINS, clean_name, fold_name, fold_twins, mask_name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("张三", "张三"), ("  张三\u3000", "张三"), ("欧阳娜娜", "欧阳娜娜"), ("𠮷野", "𠮷野"), ("刘〇", "刘〇"),
        ("王　芳", "王芳"), ("王 芳", "王芳"), ("王  芳", "王芳"), ("张\u200d三", "张三"), ("张三\u202e", "张三"),
        ("王芳\u200e", "王芳"), ("王芳\u200b", "王芳"), ("张三\ufe0f", "张三"), ("葛\U000e0100城", "葛城"),
        ("买买提 · 吐尔逊", "买买提·吐尔逊"), ("买买提··吐尔逊", "买买提·吐尔逊"), ("⽟兰", "玉兰"),
        ("Anna  Maria", "Anna Maria"), ("O’Brien", "O’Brien"), ("Smith-Jones", "Smith-Jones"), ("ＡＮＮＡ", "ANNA"),
        ("e\u0301lan", "élan"),
        ("张" * NAME_CHARACTERS_MAX, "张" * NAME_CHARACTERS_MAX), ("ꆈꌠ", "ꆈꌠ"), ("𛅰𛅱", "𛅰𛅱"),
        ("张" * (NAME_CHARACTERS_MAX + 1), None), ("", None), ("   ", None), ("张三1", None), ("张三１", None),
        ("张\u0000三", None), ("张三😀", None), ("·张三", None), ("张三·", None), ("-", None), ("张三;", None),
        ("<b>张三", None), ("\u0301张", None), ("张\ue000", None), ("#N/A", None), ("\u200b", None),
    ],
)  # fmt: skip
def test_names(typed: str, name: str | None) -> None:
    assert clean_name(typed) == name


@pytest.mark.parametrize("dot", [*DOTS, " · ", "\u3000•", ". "])
def test_whichever_dot_a_keyboard_has_is_the_dot(dot: str) -> None:
    assert clean_name(f"阿依古丽{dot}热合曼") == "阿依古丽·热合曼"


@pytest.mark.parametrize("block", [0x22489, 0x2BC21, 0x30302, 0x3158E, 0x2EBF0, 0x323B0, 0x33479, 0x3FFFD, 0x9FFC])
def test_a_character_younger_than_the_interpreter_is_a_letter(block: int) -> None:
    name = f"刘{chr(block)}"
    assert clean_name(name) == name
    assert fold_name(name) == name


def test_twins_are_one_letter_for_comparing_and_stay_what_they_are_written_as() -> None:
    assert clean_name("刘\ue863") == "刘\ue863"
    assert fold_name("刘\ue863") == fold_name("刘䶮") == fold_twins("刘\ue863") == "刘䶮"
    assert clean_name("\uf9dc丽") == "\uf9dc丽"
    assert fold_name("\uf9dc丽") == fold_name("隆丽") == "隆丽"
    assert fold_name("SMITH John") == fold_name("Smith John")
    assert fold_name("张三") != fold_name("张叁")


def test_the_table_of_twins_is_of_private_characters_and_their_letters() -> None:
    assert len(TWINS) == 66
    for twin, letter in TWINS.items():
        assert unicodedata.category(chr(twin)) == "Co"
        assert unicodedata.category(letter) == "Lo"
        assert ord(letter) not in TWINS


def test_the_table_is_what_gb18030_says_where_the_interpreter_knows_it() -> None:
    places = [0x50 + at + (at >= 0x2F) for at in range(80)]  # FE50 … FEA0 without FE7F
    for at, place in enumerate(places):
        letter = bytes((0xFE, place)).decode("gb18030")
        if unicodedata.category(letter) == "Lo":
            assert TWINS[0xE815 + at] == letter


ANY = st.text(max_size=60) | st.text(
    st.sampled_from(f"张三𠮷\ue863\uf9dc aé\u0301·.。\u3000\u200b{chr(0x323B0)}"), max_size=12
)


@given(ANY)
def test_cleaning_and_folding_twice_is_doing_it_once(text: str) -> None:
    name = clean_name(text)
    if name is not None:
        assert clean_name(name) == name
        assert fold_name(fold_name(name)) == fold_name(name)
        assert fold_name(clean_name(f" {text}\u200b") or "") == fold_name(name)


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("张", "张*"),
        ("张三", "张*"),
        ("张三丰", "张**"),
        ("欧阳修远", "欧阳**"),
        ("买买提·吐尔逊", "买买*****"),
        ("𠮷田", "𠮷*"),
    ],
)
def test_masks(name: str, masked: str) -> None:
    assert mask_name(name) == masked

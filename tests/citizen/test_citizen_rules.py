"""ID numbers, names, ages."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.citizen.rules import (
    ADULT_AGE,
    NAME_CHARACTERS_MAX,
    compute_adult_on,
    compute_age,
    mask_phone,
    normalise_name,
    parse_id_number,
)
from tests.support.citizens import make_id_number

EXAMPLE = "11010519491231002X"  # the standard's own example (GB 11643-1999)

numbers = st.builds(
    make_id_number,
    born_on=st.dates(date(1000, 1, 1), date(2999, 12, 31)),
    district=st.from_regex(r"[1-9][0-9]{5}", fullmatch=True),
    sequence=st.integers(0, 999),
)


def test_the_standards_own_example_is_read() -> None:
    parsed = parse_id_number(EXAMPLE)
    assert parsed is not None
    assert (parsed.number, parsed.birth_on, parsed.district) == (EXAMPLE, date(1949, 12, 31), "110105")


def test_a_small_x_is_the_same_number() -> None:
    assert parse_id_number(EXAMPLE.lower()) == parse_id_number(EXAMPLE)


@pytest.mark.parametrize(
    "text",
    [
        "", "X", EXAMPLE[:-1], EXAMPLE + "X", " " + EXAMPLE, EXAMPLE + "\n", EXAMPLE[:-1] + "0", EXAMPLE[:-1] + "Ｘ",
        "１１０１０５１９４９１２３１００２X", "١١٠١٠٥١٩٤٩١٢٣١٠٠٢X", "110105491231002", "01010519491231002X",
        "1101051949123100 X", "11010519491231-02X", "11010519491231002\u0000",
    ],
)  # fmt: skip
def test_what_is_not_an_id_number_is_not_read(text: str) -> None:
    assert parse_id_number(text) is None


@pytest.mark.parametrize("day", ["20230229", "19000229", "20231301", "20230132", "20230431", "00000101", "20230100"])
def test_a_number_with_an_impossible_birth_date_is_not_read(day: str) -> None:
    """The checksum is right, the day does not exist."""
    number = make_id_number(district="110105", sequence=2)
    digits = number[:6] + day + number[14:17]
    candidates = [digits + last for last in "0123456789X"]
    assert all(parse_id_number(candidate) is None for candidate in candidates)


@given(numbers)
def test_every_number_that_is_made_by_the_rule_is_read(number: str) -> None:
    parsed = parse_id_number(number)
    assert parsed is not None
    assert f"{parsed.birth_on:%Y%m%d}" == number[6:14]


@given(numbers, st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(number: str, place: int, by: int) -> None:
    wrong = number[:place] + str((int(number[place]) + by) % 10) + number[place + 1 :]
    assert parse_id_number(wrong) is None


@given(numbers, st.integers(0, 15))
def test_two_digits_swapped_are_always_noticed(number: str, place: int) -> None:
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert swapped == number or parse_id_number(swapped) is None


@given(st.text(max_size=30))
def test_no_text_breaks_the_parsers(text: str) -> None:
    parse_id_number(text)
    name = normalise_name(text)
    assert name is None or normalise_name(name) == name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("张三", "张三"), ("  张三\u3000", "张三"), ("欧阳娜娜", "欧阳娜娜"), ("𠮷野", "𠮷野"), ("刘〇", "刘〇"),
        ("买买提·吐尔逊", "买买提·吐尔逊"), ("买买提•吐尔逊", "买买提·吐尔逊"), ("买买提・吐尔逊", "买买提·吐尔逊"),
        ("Anna  Maria", "Anna Maria"), ("O’Brien", "O’Brien"), ("Smith-Jones", "Smith-Jones"),
        ("e\u0301lan", "élan"), ("张" * NAME_CHARACTERS_MAX, "张" * NAME_CHARACTERS_MAX),
        ("张" * (NAME_CHARACTERS_MAX + 1), None), ("", None), ("   ", None), ("张三1", None), ("张三１", None),
        ("张\u0000三", None), ("张三😀", None), ("张\u200d三", None), ("张三\u202e", None), ("·张三", None),
        ("张三·", None), ("-", None), ("张三\ufe0f", None), ("张三;", None), ("<b>张三", None), ("\u0301张", None),
    ],
)  # fmt: skip
def test_names(typed: str, name: str | None) -> None:
    assert normalise_name(typed) == name


@pytest.mark.parametrize(
    ("birth_on", "on", "age"),
    [
        (date(2008, 11, 21), date(2026, 11, 21), ADULT_AGE), (date(2008, 11, 22), date(2026, 11, 21), ADULT_AGE - 1),
        (date(2008, 2, 29), date(2026, 2, 28), ADULT_AGE - 1), (date(2008, 2, 29), date(2026, 3, 1), ADULT_AGE),
        (date(2026, 1, 1), date(2026, 1, 1), 0), (date(2027, 1, 1), date(2026, 1, 1), -1),
    ],
)  # fmt: skip
def test_ages(birth_on: date, on: date, age: int) -> None:
    assert compute_age(birth_on, on) == age


def test_a_phone_shows_its_ends_only() -> None:
    assert mask_phone("13812345678") == "138****5678"


@pytest.mark.parametrize(
    ("birth_on", "adult_on"),
    [
        (date(2008, 3, 14), date(2026, 3, 14)), (date(2008, 2, 29), date(2026, 3, 1)),
        (date(1899, 1, 1), date(1917, 1, 1)), (date(9990, 1, 1), date.max), (date(9984, 2, 29), date.max),
    ],
)  # fmt: skip
def test_the_eighteenth_birthday(birth_on: date, adult_on: date) -> None:
    assert compute_adult_on(birth_on) == adult_on


@given(st.dates(date(1000, 1, 1), date(2999, 12, 31)), st.integers(-400, 400))
def test_the_eighteenth_birthday_is_when_the_age_says_so(birth_on: date, days: int) -> None:
    on = date(birth_on.year + ADULT_AGE, 6, 30) + timedelta(days=days)
    assert (compute_age(birth_on, on) >= ADULT_AGE) == (on >= compute_adult_on(birth_on))


@given(st.text(st.characters(min_codepoint=0x4DF0, max_codepoint=0xA00F) | st.sampled_from("· a張\u0301"), max_size=60))
def test_the_quick_way_of_names_is_the_long_one(text: str) -> None:
    """A joint added and taken away again sends a name the long way round."""
    name = normalise_name(text)
    assert normalise_name(f" {text} ") == name
    assert name is None or normalise_name(name) == name

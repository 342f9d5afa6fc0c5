"""ID numbers, names, ages."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.citizen.paper import ADULT_AGE, compute_adult_on, compute_age, mask_phone, parse_id_number
from app.values.names import clean_name
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


@pytest.mark.parametrize(
    "typed",
    [
        EXAMPLE.lower(), " " + EXAMPLE, EXAMPLE + "\r\n", EXAMPLE + "\t",
        f"{EXAMPLE[:6]} {EXAMPLE[6:14]} {EXAMPLE[14:]}",
        f"{EXAMPLE[:6]}-{EXAMPLE[6:14]}-{EXAMPLE[14:]}", EXAMPLE[:-1] + "Ｘ", EXAMPLE[:-1] + "ｘ",
        EXAMPLE.translate({place: place + 0xFEE0 for place in range(0x21, 0x7F)}),
        f"\u202d{EXAMPLE}\u202c", f"\ufeff{EXAMPLE}", "\u200b".join(EXAMPLE), f"\u3000{EXAMPLE}\u00a0",
        EXAMPLE + " " * 82,
    ],
)  # fmt: skip
def test_however_a_number_is_typed_it_is_the_same(typed: str) -> None:
    assert parse_id_number(typed) == parse_id_number(EXAMPLE)


@pytest.mark.parametrize(
    ("area", "district"),
    [
        ("350203", "350203"), ("990100", "990100"), ("989999", "989999"), ("654321", "654321"), ("910000", "910000"),
        ("911840", None), ("935840", None), ("965156", None), ("711000", None), ("810000", None), ("820000", None),
        ("830000", None),
    ],
)  # fmt: skip
def test_a_district_is_what_a_residents_card_tells(area: str, district: str | None) -> None:
    """A permanent residence card (9, province, ISO 3166) tells a nationality there; 71 and 81 … 83 say where from."""
    parsed = parse_id_number(make_id_number(district=area))
    assert parsed is not None
    assert parsed.district == district


def test_a_small_x_is_the_same_number() -> None:
    assert parse_id_number(EXAMPLE.lower()) == parse_id_number(EXAMPLE)


@pytest.mark.parametrize(
    "text",
    [
        "", "X", EXAMPLE[:-1], EXAMPLE + "X", EXAMPLE[:-1] + "0", EXAMPLE + " " * 100,
        "١١٠١٠٥١٩٤٩١٢٣١٠٠٢X", "110105491231002", "01010519491231002X",
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
    name = clean_name(text)
    assert name is None or clean_name(name) == name


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

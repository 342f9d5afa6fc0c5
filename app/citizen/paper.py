"""Who a person is on paper: ID numbers (GB 11643), ages, masks."""

from __future__ import annotations

import re
from datetime import MAXYEAR, date
from functools import lru_cache
from typing import Literal

import msgspec

from app.values.moves import Moves
from app.values.text import clean_code

CitizenState = Literal["new", "active", "frozen", "left"]
# A frozen account does nothing until the credit centre has looked; who left comes back as somebody new.
CITIZEN_MOVES: Moves[CitizenState, str] = Moves(
    {
        "new": {"join": "active", "rebind": "left", "leave": "left"},
        "active": {"leave": "left"},
        "frozen": {},
        "left": {},
    },
    begins={"new", "frozen"},  # accounts are frozen in the database, by hand
    states_zh={"new": "未实名", "active": "已开通", "frozen": "已冻结", "left": "已退出"},
    actions_zh={"join": "开通", "rebind": "换绑", "leave": "退出"},
)

ADULT_AGE = 18
ID_NUMBER_CHARACTERS = 18
AREA, BIRTH = re.compile(r"[1-9]\d{5}", re.ASCII), re.compile(r"\d{8}", re.ASCII)
CHECKSUM_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKSUM_CHARACTERS = "10X98765432"
# The first two digits of residents' numbers by province (GB/T 2260). A permanent residence card (外国人永久居留身份证)
# has 9, the province that took the application, and the numeric code of a nationality (ISO 3166-1) in their place.
PROVINCE = "(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5])"
# What is no district: a nationality, and 71, 81, 82, 83, which say that somebody is from Taiwan, Hong Kong or Macao.
NO_DISTRICT = re.compile(rf"9{PROVINCE}\d{{3}}|(?:71|8[123])\d{{4}}", re.ASCII)


class IdNumber(msgspec.Struct, frozen=True, gc=False):
    """An ID number that is well formed, with what it says: the birth date and the district of its first issue.

    There is a district on a resident's card only; that of a permanent resident has a nationality in its place.
    """

    number: str
    birth_on: date
    district: str | None


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whose name, ID number and phone were verified together."""

    name: str
    id_number: IdNumber
    phone: str


def parse_id_number(text: str) -> IdNumber | None:
    """Read an 18-character ID number (GB 11643-1999); None when its form, birth date or checksum is wrong.

    Blanks, full width and a small x do not matter. Permanent residence cards have numbers of the same form and
    checksum. Its three parts are remembered, not the number: a city has few districts and days of birth, and files
    have millions of numbers.
    """
    if len(text) == ID_NUMBER_CHARACTERS:
        number = text.upper() if text[17] == "x" else text
        area, birth = _weigh_area(number[:6]), _read_birth(number[6:14])
        weight = SEQUENCE_WEIGHTS.get(number[14:17])
        if (
            area is not None
            and birth is not None
            and weight is not None
            and (number[17] == CHECKSUM_CHARACTERS[(area[0] + birth[1] + weight) % 11])
        ):
            return IdNumber(number, birth[0], area[1])
    cleaned = clean_code(text)
    return None if cleaned == text else parse_id_number(cleaned)


def compute_checksum(seventeen: str) -> str:
    """Return the last character of an ID number from its first seventeen digits (ISO 7064 MOD 11-2)."""
    return CHECKSUM_CHARACTERS[_weigh(seventeen, 0) % 11]


def compute_age(birth_on: date, on: date) -> int:
    """Return the full years on a day; a person born on 29 February turns a year older on 1 March of other years."""
    return on.year - birth_on.year - ((on.month, on.day) < (birth_on.month, birth_on.day))


@lru_cache(maxsize=65_536)  # 180 years of birthdays
def compute_adult_on(birth_on: date) -> date:
    """Return the eighteenth birthday; of somebody born on 29 February it is 1 March."""
    try:
        return birth_on.replace(year=birth_on.year + ADULT_AGE)
    except ValueError:  # no 29 February that year, or no such year
        return date(birth_on.year + ADULT_AGE, 3, 1) if birth_on.year + ADULT_AGE <= MAXYEAR else date.max


def mask_phone(phone: str) -> str:
    """Show the ends of a phone number only: 138****1234."""
    return f"{phone[:3]}****{phone[-4:]}"


def _weigh(digits: str, place: int) -> int:
    """Return what digits that stand at a place add to the sum the checksum is made of."""
    weights = CHECKSUM_WEIGHTS[place : place + len(digits)]
    return sum(weight * int(digit) for weight, digit in zip(weights, digits, strict=True))


@lru_cache(maxsize=4096)
def _weigh_area(digits: str) -> tuple[int, str | None] | None:
    """Return what the first six digits add to the checksum, and the district they are, if they are one."""
    if AREA.fullmatch(digits) is None:
        return None
    return _weigh(digits, 0), None if NO_DISTRICT.fullmatch(digits) else digits


@lru_cache(maxsize=65_536)  # 180 years of birthdays
def _read_birth(digits: str) -> tuple[date, int] | None:
    if BIRTH.fullmatch(digits) is None:
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])), _weigh(digits, 6)
    except ValueError:
        return None


SEQUENCE_WEIGHTS = {f"{sequence:03}": _weigh(f"{sequence:03}", 14) for sequence in range(1000)}

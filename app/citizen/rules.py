"""Who a person is on paper: ID numbers (GB 11643), names, ages, masks."""

from __future__ import annotations

import re
import unicodedata
from datetime import MAXYEAR, date
from functools import lru_cache
from typing import Literal

import msgspec

CitizenState = Literal["new", "active", "frozen", "left"]
# A frozen account does nothing until the credit centre has looked; who left comes back as somebody new.
CITIZEN_MOVES: dict[CitizenState, dict[str, CitizenState]] = {
    "new": {"join": "active", "rebind": "left", "leave": "left"},
    "active": {"leave": "left"},
    "frozen": {},
    "left": {},
}

ADULT_AGE = 18
NAME_CHARACTERS_MAX = 50
ID_NUMBER_CHARACTERS = 18
DISTRICT, BIRTH = re.compile(r"[1-9]\d{5}", re.ASCII), re.compile(r"\d{8}", re.ASCII)
CHECKSUM_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKSUM_CHARACTERS = "10X98765432"
# People type whichever middle dot their keyboard has; the identity card has U+00B7.
MIDDLE_DOTS = str.maketrans(dict.fromkeys("•‧∙⋅・･．", "·"))
PLAIN_NAME = re.compile("[一-鿿]{1,50}")  # in normal form already, letters all
NAME_ZERO = "〇"  # a numeral for Unicode, and a character people are named with
NAME_JOINTS = frozenset(" ·-'’")
VARIATION_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


class IdNumber(msgspec.Struct, frozen=True, gc=False):
    """An ID number that is well formed, and what it tells: the birth date and the district of its first issue."""

    number: str
    birth_on: date
    district: str


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whose name, ID number and phone were verified together."""

    name: str
    id_number: IdNumber
    phone: str


def parse_id_number(text: str) -> IdNumber | None:
    """Read an 18-character ID number (GB 11643-1999); None when its form, birth date or checksum is wrong.

    Its three parts are remembered, not the number: a city has few districts and days of birth, and files have
    millions of numbers.
    """
    if len(text) != ID_NUMBER_CHARACTERS:
        return None
    number = text.upper() if text[17] == "x" else text
    district, birth, sequence = number[:6], _read_birth(number[6:14]), SEQUENCE_WEIGHTS.get(number[14:17])
    weight = _weigh_district(district)
    if birth is None or sequence is None or weight is None:
        return None
    if number[17] != CHECKSUM_CHARACTERS[(weight + birth[1] + sequence) % 11]:
        return None
    return IdNumber(number, birth[0], district)


def compute_checksum(seventeen: str) -> str:
    """Return the last character of an ID number from its first seventeen digits (ISO 7064 MOD 11-2)."""
    return CHECKSUM_CHARACTERS[_weigh(seventeen, 0) % 11]


def normalise_name(text: str) -> str | None:
    """Return a name in its one spelling (NFC, trimmed, U+00B7 as the dot); None for what cannot be a name."""
    if PLAIN_NAME.fullmatch(text):
        return text
    name = " ".join(unicodedata.normalize("NFC", text).translate(MIDDLE_DOTS).split())
    if not 1 <= len(name) <= NAME_CHARACTERS_MAX or VARIATION_SELECTORS.search(name):
        return None
    if not all(_is_letter(letter) or letter in NAME_JOINTS for letter in name):
        return None
    is_bounded = _is_letter(name[0]) and not unicodedata.combining(name[0]) and _is_letter(name[-1])
    return name if is_bounded else None


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
def _weigh_district(digits: str) -> int | None:
    return _weigh(digits, 0) if DISTRICT.fullmatch(digits) else None


@lru_cache(maxsize=65_536)  # 180 years of birthdays
def _read_birth(digits: str) -> tuple[date, int] | None:
    if BIRTH.fullmatch(digits) is None:
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])), _weigh(digits, 6)
    except ValueError:
        return None


SEQUENCE_WEIGHTS = {f"{sequence:03}": _weigh(f"{sequence:03}", 14) for sequence in range(1000)}


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM" or character == NAME_ZERO

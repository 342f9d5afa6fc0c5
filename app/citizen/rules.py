"""Who a person is on paper: ID numbers (GB 11643), names, ages, masks."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
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
ID_NUMBER = re.compile(r"[1-9]\d{5}\d{8}\d{3}[\dXx]", re.ASCII)
CHECKSUM_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKSUM_CHARACTERS = "10X98765432"
# People type whichever middle dot their keyboard has; the identity card has U+00B7.
MIDDLE_DOTS = str.maketrans(dict.fromkeys("•‧∙⋅・･．", "·"))
NAME_ZERO = "〇"  # a numeral for Unicode, and a character people are named with
NAME_JOINTS = frozenset(" ·-'’")
VARIATION_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


class IdNumber(msgspec.Struct, frozen=True):
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
    """Read an 18-character ID number (GB 11643-1999); None when its form, birth date or checksum is wrong."""
    if ID_NUMBER.fullmatch(text) is None:
        return None
    number = text.upper()
    birth_on = _parse_date(number[6:14])
    if birth_on is None or number[17] != compute_checksum(number[:17]):
        return None
    return IdNumber(number=number, birth_on=birth_on, district=number[:6])


def compute_checksum(seventeen: str) -> str:
    """Return the last character of an ID number from its first seventeen digits (ISO 7064 MOD 11-2)."""
    total = sum(weight * int(digit) for weight, digit in zip(CHECKSUM_WEIGHTS, seventeen, strict=True))
    return CHECKSUM_CHARACTERS[total % 11]


def normalise_name(text: str) -> str | None:
    """Return a name in its one spelling (NFC, trimmed, U+00B7 as the dot); None for what cannot be a name."""
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


def mask_phone(phone: str) -> str:
    """Show the ends of a phone number only: 138****1234."""
    return f"{phone[:3]}****{phone[-4:]}"


def _parse_date(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM" or character == NAME_ZERO

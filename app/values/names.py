"""People's names: as they are written down, and in the one form they are compared in. Pure.

Two names that are spelt alike on paper may differ in characters: a dot that the keyboard has, blanks that widen a short
name, a character from a font's private range because it is younger than the computer that typed it. ``clean_name``
keeps the characters and drops the accidents; ``fold_name`` also brings twins together (``data/name_twins.csv``).
"""

from __future__ import annotations

import csv
import re
import unicodedata
from pathlib import Path

from app.values.text import BLANKS, HAN, clean_text, is_han, to_half_width

NAME_CHARACTERS_MAX = 50
TWINS_FILE = Path(__file__).parent / "data" / "name_twins.csv"

# Scripts people of the country have names in, by block: what a younger table adds there is a letter here already.
OTHER_SCRIPTS = (
    (0x0F00, 0x0FFF), (0x1800, 0x18AF), (0x1950, 0x19DF), (0x3100, 0x312F), (0xA000, 0xA4FF), (0x11660, 0x1167F),
    (0x11FB0, 0x11FBF), (0x16F00, 0x16F9F), (0x16FE0, 0x18DFF), (0x1B170, 0x1B2FF),
)  # fmt: skip
JOINTS = frozenset(" ·-'’")
DOTS = "·•‧∙⋅・･．.。｡●﹒․ꞏ⸱᛫·"  # the identity card has U+00B7; people type whichever their keyboard has

_PLAIN = re.compile("[一-鿿]{1,50}")  # clean and folded already, letters all
_DOT = re.compile(rf"[{re.escape(BLANKS)}]*[{re.escape(DOTS)}][{re.escape(BLANKS)}{re.escape(DOTS)}]*")
_BLANK = re.compile(rf"[{re.escape(BLANKS)}]+")
_BLANK_IN_HAN = re.compile(rf"(?<=[{HAN}\ue000-\uf8ff])[{re.escape(BLANKS)}]+(?=[{HAN}\ue000-\uf8ff])")
_RADICALS = {place: unicodedata.normalize("NFKC", chr(place)) for place in range(0x2F00, 0x2FD6)}
_COMPATIBILITY = re.compile("[\uf900-\ufaff\U0002f800-\U0002fa1f]")


def read_twins(text: str) -> dict[int, str]:
    """Read the table of twins; a line that begins with # tells where it is from."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {int(row["twin"], 16): chr(int(row["letter"], 16)) for row in csv.DictReader(lines)}


TWINS = read_twins(TWINS_FILE.read_text(encoding="utf-8"))


def clean_name(text: str) -> str | None:
    """Return a name as it is written down, or None for what cannot be one.

    Without invisible marks, without blanks between ideographs, with U+00B7 as the dot. Its characters stay what they
    are, so that whoever verifies a name is asked for the one that was typed.
    """
    if _PLAIN.fullmatch(text):
        return text
    name = to_half_width(clean_text(text)).translate(_RADICALS)
    name = _BLANK.sub(" ", _BLANK_IN_HAN.sub("", _DOT.sub("·", name)))
    if _COMPATIBILITY.search(name) is None:  # composing would replace compatibility ideographs as well
        name = unicodedata.normalize("NFC", name)
    if not 1 <= len(name) <= NAME_CHARACTERS_MAX:
        return None
    if not all(_is_letter(letter) or letter in JOINTS for letter in name):
        return None
    is_bounded = _is_letter(name[0]) and not unicodedata.combining(name[0]) and _is_letter(name[-1])
    return name if is_bounded else None


def fold_name(name: str) -> str:
    """Return the form a cleaned name is compared in: twins become the one letter, and case does not matter."""
    return name if _PLAIN.fullmatch(name) else unicodedata.normalize("NFC", fold_twins(name).casefold())


def fold_twins(name: str) -> str:
    """Return a cleaned name with the letter of today in the place of every twin: how a register may spell it."""
    return unicodedata.normalize("NFC", name.translate(TWINS))


def mask_name(name: str) -> str:
    """Show the family name only: 张*, 欧阳**."""
    family = 2 if len(name) > 3 else 1  # noqa: PLR2004
    return name[:family] + "*" * max(1, len(name) - family)


def _is_letter(character: str) -> bool:
    if is_han(character) or ord(character) in TWINS:
        return True
    category = unicodedata.category(character)
    if category[0] in "LM":
        return True
    return category == "Cn" and any(low <= ord(character) <= high for low, high in OTHER_SCRIPTS)

r"""What a text must look like, one pattern per thing, for Python, msgspec and JSON Schema alike. Pure.

They fit a text as a whole wherever they are searched for: ``^`` begins every one, and the end is written ``(?!\n)$``,
because in Python ``$`` also stands before a last line break. How long a text may be is said beside its pattern.
"""

from __future__ import annotations

VISIBLE = r"[\x21-\x7e]"  # a character of ASCII that leaves ink
SCENARIO_CHARACTERS_MAX = 40
SOURCE_CHARACTERS_MAX = 40


def whole(text: str) -> str:
    """Return the pattern of texts that are nothing but this."""
    return rf"^{text}(?!\n)$"


# No control characters (a NUL cannot be stored) and not only spaces.
ONE_LINE = r"^(?![\s\S]*[\u0000-\u001f\u007f])[\s\S]*\S"
LINES = r"^(?![\s\S]*[\u0000-\u0009\u000b-\u001f\u007f])[\s\S]*\S"
REMARK = whole(r"[^\x00-\x1f]+")  # why a redemption is reversed, as a till sends it; spaces alone will do

SOURCE_CODE = whole(rf"[a-z0-9_.-]{{2,{SOURCE_CHARACTERS_MAX}}}")  # also of a kind of points a source counts
SCENARIO_CODE = whole(rf"[a-z][a-z0-9_]{{1,{SCENARIO_CHARACTERS_MAX - 1}}}")
CATALOGUE_CODE = whole(r"[A-Z][A-Z0-9_]{2,63}")  # of an indicator or an honour
CODE = whole(r"[A-Za-z0-9][A-Za-z0-9_.-]*")  # of a benefit, and of a part of a rule book
BOOK_CODE = whole(r"[a-z][a-z0-9_]*")
CREDIT_CODE = whole(r"96[0-9]{20}")
USERNAME = whole(r"[a-z0-9][a-z0-9._-]{2,63}")
TOTP = whole(r"[0-9]{6}")
REFERENCE = whole(rf"{VISIBLE}+")  # an institution's own order number
POINT_EVENT_ID = whole(r"[A-Za-z0-9_.:/-]+")  # without the mark that numbers the records of one event

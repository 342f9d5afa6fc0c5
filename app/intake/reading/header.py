"""What the columns of a file are called (表头), in the form their names are compared in. Pure."""

from __future__ import annotations

import re
import unicodedata

NOT_A_NAME = re.compile(r"[\s_*\-]|\((?:必填|选填|required|optional)\)")


def normalise_header(name: str) -> str:
    """Return a column's name as it is compared: without case, width, spaces, underscores, or the mark of a must."""
    return NOT_A_NAME.sub("", unicodedata.normalize("NFKC", name).casefold()).strip("'\"\ufeff")

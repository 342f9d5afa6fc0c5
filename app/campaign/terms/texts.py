"""The sentences campaigns are made of: what may stand in a text."""

from __future__ import annotations

from typing import Annotated

import msgspec

TITLE_CHARACTERS_MAX = 80
SUMMARY_CHARACTERS_MAX = 1_000
WORDS_CHARACTERS_MAX = 200
NOTE_CHARACTERS_MAX = 1_000
CODE_CHARACTERS_MAX = 64
SCENARIO_CHARACTERS_MAX = 40

# No control characters (a NUL cannot be stored) and not only spaces; lookaheads, so that JSON Schema reads it too.
ONE_LINE = r"^(?![\s\S]*[\u0000-\u001f\u007f])[\s\S]*\S"
LINES = r"^(?![\s\S]*[\u0000-\u0009\u000b-\u001f\u007f])[\s\S]*\S"
CODE = r"^[A-Za-z0-9](?![\s\S]*[^A-Za-z0-9_.\-])"
SCENARIO_PATTERN = rf"^[a-z][a-z0-9_]{{1,{SCENARIO_CHARACTERS_MAX - 1}}}(?!\n)$"

Title = Annotated[str, msgspec.Meta(max_length=TITLE_CHARACTERS_MAX, pattern=ONE_LINE)]
Summary = Annotated[str, msgspec.Meta(max_length=SUMMARY_CHARACTERS_MAX, pattern=LINES)]
Words = Annotated[str, msgspec.Meta(max_length=WORDS_CHARACTERS_MAX, pattern=ONE_LINE)]
Note = Annotated[str, msgspec.Meta(max_length=NOTE_CHARACTERS_MAX, pattern=LINES)]
Code = Annotated[str, msgspec.Meta(max_length=CODE_CHARACTERS_MAX, pattern=CODE)]
ScenarioCode = Annotated[str, msgspec.Meta(max_length=SCENARIO_CHARACTERS_MAX, pattern=SCENARIO_PATTERN)]

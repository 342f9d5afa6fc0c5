"""The texts campaigns are made of, and which characters they may hold."""

from __future__ import annotations

from typing import Annotated

import msgspec

from app.values.patterns import CODE, LINES, ONE_LINE, SCENARIO_CHARACTERS_MAX, SCENARIO_CODE

TITLE_CHARACTERS_MAX = 80
SUMMARY_CHARACTERS_MAX = 1_000
WORDS_CHARACTERS_MAX = 200
NOTE_CHARACTERS_MAX = 1_000
CODE_CHARACTERS_MAX = 64

Title = Annotated[str, msgspec.Meta(max_length=TITLE_CHARACTERS_MAX, pattern=ONE_LINE)]
Summary = Annotated[str, msgspec.Meta(max_length=SUMMARY_CHARACTERS_MAX, pattern=LINES)]
Words = Annotated[str, msgspec.Meta(max_length=WORDS_CHARACTERS_MAX, pattern=ONE_LINE)]
Note = Annotated[str, msgspec.Meta(max_length=NOTE_CHARACTERS_MAX, pattern=LINES)]
Code = Annotated[str, msgspec.Meta(max_length=CODE_CHARACTERS_MAX, pattern=CODE)]
ScenarioCode = Annotated[str, msgspec.Meta(max_length=SCENARIO_CHARACTERS_MAX, pattern=SCENARIO_CODE)]

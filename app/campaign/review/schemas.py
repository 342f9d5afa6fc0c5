"""What reviewers say and read on the wire, of campaigns and scenarios alike."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from app.campaign.terms.texts import Note
from app.kit.web.http import Ask, Wire

ACKNOWLEDGED_MAX = 200
WORD_CHARACTERS_MAX = 40
Words = Annotated[
    list[Annotated[str, msgspec.Meta(max_length=WORD_CHARACTERS_MAX)]], msgspec.Meta(max_length=ACKNOWLEDGED_MAX)
]


class RejectRequest(Ask, kw_only=True):
    """Why a version goes back to its editors."""

    note: Note


class AcknowledgeRequest(Ask, kw_only=True):
    """What whoever approves has seen: each `word` of the deny-list that is flagged."""

    acknowledged_flags: Words = msgspec.field(default_factory=list)


class FlagView(Wire, kw_only=True):
    """A word of the deny-list at one place; `isCertain`: it hardly ever means anything else."""

    pointer: str
    word: str
    kind: Literal["topic", "use", "punishment"]
    code: str
    title_zh: str
    title_en: str
    is_certain: bool

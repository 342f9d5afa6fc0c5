"""Words of the deny-list in campaigns and scenarios: refused where certain, otherwise shown to the reviewer. Pure.

A campaign may name a topic (a car park beside a temple). It is refused where a word certainly means a punishment or
certainly means a denied use. The titles of a scenario are the name of its use, so there any word of a denied use is
refused, and any word that is certain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from app.campaign.terms.document import CampaignDocument, iter_texts
from app.record.flagged import FlaggedWord, find_flagged_words
from app.values.fault import Fault


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """A word of the deny-list at one place of a document."""

    pointer: str
    word: FlaggedWord


def find_flags(document: CampaignDocument) -> list[Flag]:
    """Return the words of the deny-list in everything a campaign says."""
    return _find(iter_texts(document))


def find_scenario_flags(title_zh: str, title_en: str) -> list[Flag]:
    """Return the words of the deny-list in the titles of a scenario."""
    return _find([("/titleZh", title_zh), ("/titleEn", title_en)])


def judge_flags(flags: Iterable[Flag]) -> list[Fault]:
    """Return what a campaign may not say in any case: a punishment, or a denied use."""
    return [_fault(flag) for flag in flags if flag.word.is_certain and flag.word.kind != "topic"]


def judge_scenario_flags(flags: Iterable[Flag]) -> list[Fault]:
    """Return what the titles of a scenario may not say in any case: a denied use, a denied topic or a punishment."""
    return [_fault(flag) for flag in flags if flag.word.is_certain or flag.word.kind == "use"]


def list_unacknowledged(flags: Sequence[Flag], acknowledged: Iterable[str]) -> list[Flag]:
    """Return the flags whose word a reviewer has not named."""
    named = set(acknowledged)
    return [flag for flag in flags if flag.word.word not in named]


def _find(texts: Iterable[tuple[str, str]]) -> list[Flag]:
    return [Flag(pointer=pointer, word=word) for pointer, text in texts for word in find_flagged_words(text)]


def _fault(flag: Flag) -> Fault:
    word = flag.word
    return Fault(
        pointer=flag.pointer,
        code="word_denied",
        zh=f"“{word.word}”属于禁止事项：{word.title_zh}",
        en=f"“{word.word}” is on the deny-list: {word.title_en}",
    )

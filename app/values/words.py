"""Closed lists of words that are stored and read by others: each word is declared once, by the room it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, NewType, TypeVar, cast

Word = TypeVar("Word", bound=str)


class WordUnknown(ValueError):  # noqa: N818 - it says what is true
    """A word stands in no room's declaration: a mistake in the code, found before anything is stored."""


class ClosedList(Generic[Word]):
    """The words of one kind that may be stored; a room adds its own as literals while it is imported."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._words: set[Word] = set()

    def __iter__(self) -> Iterator[Word]:
        return iter(sorted(self._words))

    def declare(self, word: str) -> Word:
        """Add a word, and return it as one of this list."""
        declared = cast("Word", word)
        self._words.add(declared)
        return declared

    def need(self, words: Iterable[Word]) -> None:
        """Raise unless every word is declared."""
        for word in words:
            if word not in self._words:
                raise WordUnknown(f"{self._kind} {word!r} is declared by no room")


AuditAction = NewType("AuditAction", str)
# What officials do, as the audit chain calls it: every room declares its own; published as ``x-audit-actions``.
AUDIT_ACTIONS: ClosedList[AuditAction] = ClosedList("audit action")

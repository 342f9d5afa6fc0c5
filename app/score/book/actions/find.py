"""Rule books this process has read: a content never changes, so each is read once and never again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.score.book import queries
from app.score.book.check import read_stored_book

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.score.book.document import Level, RuleBook

_BOOKS: dict[int, RuleBook] = {}


async def find_book(rule_book_id: int) -> RuleBook:
    """Return a rule book that exists."""
    if rule_book_id not in _BOOKS:
        document = await queries.find_document(rule_book_id)
        assert document is not None, "scores refer to rule books that exist"
        _BOOKS[rule_book_id] = read_stored_book(document)
    return _BOOKS[rule_book_id]


async def find_current_levels() -> Mapping[str, Level]:
    """Return the levels of the rule book in force by their codes, the lowest first."""
    book = await find_book(await queries.find_active_book_id())
    return {level.code: level for level in book.levels}


def get_remembered_book(rule_book_id: int) -> RuleBook:
    """Return a rule book that ``find_book`` has read in this process."""
    return _BOOKS[rule_book_id]

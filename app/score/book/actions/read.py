"""The published rules: what counts, what counted, and what is going to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.kit.errors import NotFound
from app.score.book import queries
from app.score.book.actions.find import find_book
from app.score.book.document import VERSION_MAX
from app.score.book.status import PublishedBook

if TYPE_CHECKING:
    from app.score.book.document import RuleBook
    from app.score.book.queries import StoredStatus


async def read_current() -> PublishedBook:
    """Return the active rule book."""
    status = await queries.find_active()
    assert status is not None, "one rule book is active from the first migration on"
    return await _publish(status)


async def read_version(code: str, version: int) -> PublishedBook:
    """Return a rule book that is active, retired or scheduled, by its published number."""
    status = await queries.find_published(code, version) if 0 < version <= VERSION_MAX else None
    if status is None:
        raise NotFound
    return await _publish(status)


async def _publish(status: StoredStatus) -> PublishedBook:
    return PublishedBook(book=await find_book(status.id), status=status, next=await queries.find_next())


async def read_current_book() -> RuleBook:
    """Return the active rule book."""
    return await find_book(await queries.find_active_book_id())

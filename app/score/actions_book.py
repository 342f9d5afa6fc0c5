"""The published rules: what counts, what counted, and what is going to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.kit.errors import NotFound
from app.score import queries_book
from app.score.actions_known import find_book
from app.score.rules_book import VERSION_MAX
from app.score.rules_view import PublishedBook

if TYPE_CHECKING:
    from app.score.queries_book import StandingBook


async def read_current() -> PublishedBook:
    """Return the active rule book."""
    status = await queries_book.find_active()
    assert status is not None, "one rule book is active from the first migration on"
    return await _publish(status)


async def read_version(code: str, version: int) -> PublishedBook:
    """Return a rule book that is active, retired or scheduled, by its published number."""
    status = await queries_book.find_published(code, version) if 0 < version <= VERSION_MAX else None
    if status is None:
        raise NotFound
    return await _publish(status)


async def _publish(status: StandingBook) -> PublishedBook:
    return PublishedBook(book=await find_book(status.id), status=status, next=await queries_book.find_next())

"""A published rule book stored where the engine finds it: in a scratch database that is no city's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.kit.db.database import is_in_transaction
from app.score.book import queries
from app.score.book.published import compute_document

if TYPE_CHECKING:
    from app.score.book.document import RuleBook


async def put_published(book: RuleBook) -> int:
    """Store a rule book in the place of one of the same code and version, inside the caller's transaction.

    Only for a database in which nobody has a score. Returns its id there.
    """
    assert is_in_transaction(), "there is one book of a version at any time"
    await queries.delete_book(book.code, book.version)
    return await queries.insert_rule_book(compute_document(book), "draft")

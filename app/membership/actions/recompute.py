"""A score computed again from a citizen's own file and a published rule book, by the engine itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.kit.db.database import transaction
from app.membership.export import compute_given
from app.score.book.actions.put import put_published
from app.score.engine.actions import score_given

if TYPE_CHECKING:
    from app.membership.export import Export
    from app.score.book.document import RuleBook
    from app.score.current.export import ExportedScore
    from app.score.engine.given import Explanation


async def recompute(export: Export, stated: ExportedScore, book: RuleBook) -> Explanation | None:
    """Score an export under a rule book as of the day of the score it states; None for a citizen who was a minor then.

    For a scratch database: the book is stored in it.
    """
    async with transaction():
        rule_book_id = await put_published(book)
    return (await score_given([compute_given(export)], rule_book_id=rule_book_id, day=stated.as_of))[0]

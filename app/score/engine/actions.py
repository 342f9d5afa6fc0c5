"""The engine on people who are given, not stored: a draft's examples, a citizen's own export; and its answers read."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import msgspec

from app.kit.clock import uuid7
from app.kit.db.database import is_in_transaction, transaction
from app.score.book import queries as book_queries
from app.score.book.actions.find import find_book
from app.score.engine import queries
from app.score.engine.given import AskedPerson, Explanation, GivenPerson
from app.score.engine.parts import ADJUSTMENTS, CONTRIBUTIONS, unpack_parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

_TERMS: dict[int, Mapping[int, str]] = {}


async def score_given(people: Sequence[GivenPerson], *, rule_book_id: int, day: date) -> list[Explanation | None]:
    """Score people on a day under a rule book, drafts included; one answer each, in order, None for minors.

    It is the engine itself: only the people and their records are read from the argument instead of the tables.
    """
    asked = [AskedPerson(id=uuid7(), **msgspec.structs.asdict(person)) for person in people]
    sent = msgspec.json.encode(asked).decode()
    async with nullcontext() if is_in_transaction() else transaction():
        await queries.mark_plan()
        rows = await queries.find_explained_given(sent, day, rule_book_id)
    answers = {row.citizen_id: unfold_explanation(row) for row in rows}
    return [answers.get(one.id) for one in asked]


def unfold_explanation(row: queries.ExplainedScore) -> Explanation:
    """Read the parts of an explained score."""
    lists = {
        "contributions": CONTRIBUTIONS.decode(row.contributions), "adjustments": ADJUSTMENTS.decode(row.adjustments)
    }  # fmt: skip
    return Explanation(**msgspec.structs.asdict(row) | lists)


async def find_parts(packed: str, rule_book_id: int) -> dict[str, int]:
    """Return the points by indicator and by limit of a score that is stored under a rule book."""
    if rule_book_id not in _TERMS:
        _TERMS[rule_book_id] = {term.no: term.indicator for term in await book_queries.list_terms(rule_book_id)}
    return unpack_parts(packed, _TERMS[rule_book_id], await find_book(rule_book_id))

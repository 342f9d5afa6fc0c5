"""The engine on facts that are told, not stored: a draft's examples, and a citizen's own export."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import msgspec

from app.kit.clock import uuid7
from app.kit.db.database import is_in_transaction, transaction
from app.score.book import queries as book_queries
from app.score.book.actions.find import find_book
from app.score.engine import queries
from app.score.engine.given import AskedPerson, ToldPerson, ToldScore
from app.score.engine.parts import ADJUSTMENTS, CONTRIBUTIONS, unpack_parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

_TERMS: dict[int, Mapping[int, str]] = {}


async def score_told(people: Sequence[ToldPerson], *, rule_book_id: int, day: date) -> list[ToldScore | None]:
    """Score people on a day under a rule book, drafts included; one answer each, in order, None for who is a minor.

    It is the engine itself: what stands for a person is read from the argument instead of the tables.
    """
    asked = [AskedPerson(id=uuid7(), **msgspec.structs.asdict(person)) for person in people]
    sent = msgspec.json.encode(asked).decode()
    async with nullcontext() if is_in_transaction() else transaction():
        await queries.mark_plan()
        rows = await queries.find_explained_of_told(sent, day, rule_book_id)
    answers = {row.citizen_id: row for row in rows}
    return [_unfold(answers[one.id]) if one.id in answers else None for one in asked]


def _unfold(row: queries.ExplainedScore) -> ToldScore:
    return ToldScore(
        base=row.base,
        value=row.value,
        level=row.level,
        contributions=CONTRIBUTIONS.decode(row.contributions),
        adjustments=ADJUSTMENTS.decode(row.adjustments),
        next_change_on=row.next_change_on,
        inputs_hash=row.inputs_hash,
    )


async def find_parts(packed: str, rule_book_id: int) -> dict[str, int]:
    """Return the points by indicator and by limit of a score that is stored under a rule book."""
    if rule_book_id not in _TERMS:
        _TERMS[rule_book_id] = {term.no: term.indicator for term in await book_queries.list_terms(rule_book_id)}
    return unpack_parts(packed, _TERMS[rule_book_id], await find_book(rule_book_id))

"""Reading scores: the current one, why it is what it is, how it came there, and the rules it follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.kit.database import transaction
from app.score import queries, queries_engine
from app.score.actions import NoScore, find_book, get_known_book
from app.score.rules import Adjustment, ChangeReason, Contribution, DimensionPoints
from app.score.rules_view import CurrentScore, Explanation, PastChange, StoredScore

if TYPE_CHECKING:
    from uuid import UUID

    from app.score.rules_book import RuleBook

DIMENSIONS = msgspec.json.Decoder(tuple[DimensionPoints, ...])
CONTRIBUTIONS = msgspec.json.Decoder(tuple[Contribution, ...])
ADJUSTMENTS = msgspec.json.Decoder(tuple[Adjustment, ...])
REASONS = msgspec.json.Decoder(tuple[ChangeReason, ...])


async def read_score(citizen_id: UUID) -> StoredScore:
    """Return a citizen's current score; refuses with ``NoScore`` who has none."""
    snapshot = await queries.find_snapshot(citizen_id)
    if snapshot is None:
        raise NoScore
    await find_book(snapshot.rule_book_id)
    return StoredScore(
        value=snapshot.value,
        level=snapshot.level,
        dimensions=snapshot.dimensions,
        as_of=snapshot.as_of,
        rule_book_id=snapshot.rule_book_id,
    )


def unfold_score(stored: StoredScore) -> CurrentScore:
    """Return a score that was read here, with its dimensions and its rule book."""
    return CurrentScore(
        value=stored.value,
        level=stored.level,
        dimensions=DIMENSIONS.decode(stored.dimensions),
        as_of=stored.as_of,
        book=get_known_book(stored.rule_book_id),
    )


async def explain_score(citizen_id: UUID) -> Explanation:
    """Return the engine's own answer, as of the day of the current score, so that it adds up to what is shown."""
    async with transaction():
        await queries_engine.mark_plan_reusable()
        answers = await queries_engine.find_explained_again([citizen_id])
    if not answers:
        raise NoScore
    answer = answers[0]
    return Explanation(
        as_of=answer.as_of,
        base=answer.base,
        contributions=CONTRIBUTIONS.decode(answer.contributions),
        adjustments=ADJUSTMENTS.decode(answer.adjustments),
        value=answer.value,
        book=await find_book(answer.rule_book_id),
    )


async def list_changes(citizen_id: UUID, *, before: UUID | None, limit: int) -> list[PastChange]:
    """Return the steps of a score's history, newest first, from just before one of them."""
    return [
        PastChange(
            id=row.id,
            at=row.at,
            from_value=row.from_value,
            to_value=row.to_value,
            from_level=row.from_level,
            to_level=row.to_level,
            reasons=REASONS.decode(row.reasons),
        )
        for row in await queries.list_changes(citizen_id, before=before, limit=limit)
    ]


async def find_wrong_scores(sample: int) -> list[UUID]:
    """Return whose current score is not what the engine computes from the same day, rules and records.

    Looks at a random sample; an empty list is what ``huixin verify`` wants to see.
    """
    scored = [citizen.id for citizen in await queries.list_random_scored(sample)]
    return [
        again.citizen_id
        for again in await queries_engine.find_scores_again(scored)
        if (again.value, again.level, again.inputs_hash) != (again.from_value, again.from_level, again.from_hash)
    ]


async def read_current_book() -> RuleBook:
    """Return the active rule book."""
    return await find_book(await queries.find_active_book_id())

"""The history of scores: each step with its reasons, whether records moved the score or a rule book did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.event.actions import insert_events
from app.event.feed import EVENT_TYPES, NewEvent
from app.kit.clock import uuid7
from app.score.book.actions.find import find_book
from app.score.current.queries import scores as scores_queries
from app.score.engine.actions import find_parts
from app.score.engine.parts import ScoreChange, compute_book_reasons, compute_reasons

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from app.score.current.queries.scores import PreviousScore
    from app.score.engine.queries import ComputedScore

CHANGED = EVENT_TYPES.declare("score.changed.v1")


async def explain_change(score: ComputedScore) -> ScoreChange:
    """Return the step from the score before to this one."""
    old: dict[str, int] = {}
    if score.from_parts is not None and score.from_rule_book_id is not None:
        old = await find_parts(score.from_parts, score.from_rule_book_id)
    new = await find_parts(score.part_points, score.rule_book_id)
    return ScoreChange(
        citizen_id=score.citizen_id,
        from_value=score.from_value,
        to_value=score.value,
        from_level=score.from_level,
        to_level=score.level,
        reasons=compute_reasons(old, new, await find_book(score.rule_book_id)),
    )


async def write_switch_steps(citizen_ids: Sequence[UUID], *, switched_at: datetime) -> None:
    """Write the step a switch made into the histories of locked citizens that lack it, in the caller's transaction."""
    previous = await scores_queries.take_previous(citizen_ids)
    moved = [one for one in previous if (one.value, one.level) != (one.from_value, one.from_level)]
    if moved:
        await store_scores([], [await _explain_switch(one) for one in moved], at=switched_at)


async def store_scores(scores: Sequence[ComputedScore], changes: Sequence[ScoreChange], *, at: datetime) -> None:
    """Store current scores and steps of history and say that they happened, in the caller's transaction."""
    steps = [
        scores_queries.StoredChange(
            id=uuid7(at),
            at=at,
            **msgspec.structs.asdict(change) | {"reasons": msgspec.json.encode(change.reasons).decode()},
        )
        for change in changes
    ]
    await scores_queries.insert_scores(scores, steps, at=at)
    if steps:
        await insert_events(
            [NewEvent(type=CHANGED, subject_id=step.id, citizen_id=step.citizen_id, at=at) for step in steps]
        )


async def _explain_switch(score: PreviousScore) -> ScoreChange:
    old = await find_parts(score.from_parts, score.from_rule_book_id)
    new = await find_parts(score.parts, score.rule_book_id)
    book, from_book = await find_book(score.rule_book_id), await find_book(score.from_rule_book_id)
    return ScoreChange(
        citizen_id=score.citizen_id,
        from_value=score.from_value,
        to_value=score.value,
        from_level=score.from_level,
        to_level=score.level,
        reasons=compute_book_reasons(old, new, from_book, book),
    )

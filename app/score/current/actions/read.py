"""Reading scores: the current one, why it is what it is, how it came there, and the rules it follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.citizen.actions.account import authenticate_by
from app.kit.check import Check
from app.kit.clock import now
from app.kit.db.database import transaction
from app.score.book.actions.find import find_book, get_known_book
from app.score.current.actions.rescore import NoScore, rescore
from app.score.current.queries import scores as scores_queries
from app.score.current.queries import waiting as waiting_queries
from app.score.current.score import CurrentScore, Explanation, PastChange, StoredScore
from app.score.engine import queries as engine_queries
from app.score.engine.parts import (
    ADJUSTMENTS,
    CONTRIBUTIONS,
    REASONS,
    unpack_dimensions,
)

if TYPE_CHECKING:
    from uuid import UUID

    from app.score.current.queries.scores import ScoredCaller

VERIFY_CITIZENS = 500
SCORES_SAMPLED = 1_000


async def authenticate_scored(authorization: str | None) -> ScoredCaller:
    """Return the citizen behind an access token and the score, of one read and one moment."""
    return await authenticate_by(scores_queries.find_scored_caller, authorization)


async def read_own_score(caller: ScoredCaller) -> StoredScore:
    """Return the score a caller came with; refuses with ``NoScore`` who has none."""
    if (
        caller.value is None
        or caller.level is None
        or caller.dimensions is None
        or caller.as_of is None
        or caller.rule_book_id is None
    ):
        raise NoScore
    await find_book(caller.rule_book_id)
    return StoredScore(
        value=caller.value,
        level=caller.level,
        dimensions=caller.dimensions,
        as_of=caller.as_of,
        rule_book_id=caller.rule_book_id,
    )


async def read_score(citizen_id: UUID) -> StoredScore:
    """Return a citizen's current score; refuses with ``NoScore`` who has none."""
    snapshot = await scores_queries.find_snapshot(citizen_id)
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
    """Return a score that was read here, with the dimensions that have points and its rule book."""
    book = get_known_book(stored.rule_book_id)
    return CurrentScore(
        value=stored.value,
        level=stored.level,
        dimensions=unpack_dimensions(stored.dimensions, book),
        as_of=stored.as_of,
        book=book,
    )


async def explain_score(citizen_id: UUID) -> Explanation:
    """Return the engine's own answer, as of the day of the current score, so that it adds up to what is shown."""
    if await waiting_queries.find_is_waiting(citizen_id):
        async with transaction():
            await rescore([citizen_id], at=now())  # what is explained is what is shown, and what is on record
    async with transaction():
        await engine_queries.mark_plan()
        answers = await engine_queries.find_explained_again([citizen_id])
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
        for row in await scores_queries.list_changes(citizen_id, before=before, limit=limit)
    ]


async def find_wrong_scores(sample: int) -> list[UUID]:
    """Return whose current score is wrong, of a random sample; an empty list is what ``huixin verify`` wants to see."""
    _, wrong = await _look_again(sample)
    return list(wrong)


async def check_scores() -> str | None:
    """Every current score, of a sample, is what the engine computes again."""
    wrong = await find_wrong_scores(SCORES_SAMPLED)
    return f"differs for citizens {', '.join(map(str, wrong))}" if wrong else None


async def verify_scores(sample: int) -> tuple[int, list[str]]:
    """Compute the scores of a random sample again; how many were looked at, and a line for each that is wrong.

    Looks at value, level and inputs hash, and whether base, contributions and adjustments add up to the value.
    """
    looked_at, wrong = await _look_again(sample)
    return looked_at, [f"{citizen_id} {fault}" for citizen_id, faults in wrong.items() for fault in faults]


async def _look_again(sample: int) -> tuple[int, dict[UUID, list[str]]]:
    asked = [citizen.id for citizen in await scores_queries.list_random_scored(sample)]
    wrong: dict[UUID, list[str]] = {}
    for begin in range(0, len(asked), VERIFY_CITIZENS):
        chunk = asked[begin : begin + VERIFY_CITIZENS]
        async with transaction():
            await engine_queries.mark_plan()
            again = await engine_queries.find_scores_again(chunk)
            explained = {one.citizen_id: one for one in await engine_queries.find_explained_again(chunk)}
        found = {one.citizen_id: _find_faults(one, explained.get(one.citizen_id)) for one in again}
        wrong |= {one: found.get(one, ["should have no score"]) for one in chunk if found.get(one) != []}
    return len(asked), wrong


def _find_faults(again: engine_queries.ComputedScore, explained: engine_queries.ExplainedScore | None) -> list[str]:
    """Say what of a current score is not what is computed again."""
    faults = []
    if (again.value, again.level) != (again.from_value, again.from_level):
        faults.append(f"is {again.from_value} ({again.from_level}), computed {again.value} ({again.level})")
    if again.inputs_hash != again.from_hash:
        faults.append("was computed from other inputs")
    if explained is None or _sum(explained) != again.value:
        faults.append("its explanation does not add up")
    return faults


def _sum(explained: engine_queries.ExplainedScore) -> int:
    given = sum(part.points for part in CONTRIBUTIONS.decode(explained.contributions))
    return explained.base + given + sum(part.points for part in ADJUSTMENTS.decode(explained.adjustments))


CHECKS = (Check(f"scores equal their recomputation (sample of {SCORES_SAMPLED:,})", check_scores),)

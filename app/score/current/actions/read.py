"""Reading scores: the current one, why it is what it is, how it came there, and the rules it follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.citizen.actions.account import authenticate_by
from app.kit.check import Check
from app.kit.clock import now
from app.kit.db.database import transaction
from app.score.book.actions.find import find_book, get_remembered_book
from app.score.current.actions.rescore import rescore
from app.score.current.queries import scores as scores_queries
from app.score.current.queries import waiting as waiting_queries
from app.score.current.refusals import NoScore
from app.score.current.score import CurrentScore, PastChange, StoredScore
from app.score.engine import queries as engine_queries
from app.score.engine.actions import unfold_explanation
from app.score.engine.parts import REASONS, unpack_dimensions

if TYPE_CHECKING:
    from uuid import UUID

    from app.score.book.document import RuleBook
    from app.score.current.queries.scores import ScoredCaller
    from app.score.engine.given import Explanation

VERIFY_CITIZENS = 500
SCORES_SAMPLED = 1_000


async def authenticate_scored(authorization: str | None) -> ScoredCaller:
    """Return the citizen behind an access token and the score, both of one statement."""
    return await authenticate_by(scores_queries.find_scored_caller, authorization)


async def read_own_score(caller: ScoredCaller) -> StoredScore:
    """Return the score that was read with the caller; refuses with ``NoScore`` where there is none."""
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
    """Return a citizen's current score; refuses with ``NoScore`` where there is none."""
    snapshot = await scores_queries.find_snapshot(citizen_id)
    if snapshot is None:
        raise NoScore
    await find_book(snapshot.rule_book_id)
    return snapshot


def unfold_score(stored: StoredScore) -> CurrentScore:
    """Return a score that was read here, with the dimensions that have points and its rule book."""
    book = get_remembered_book(stored.rule_book_id)
    return CurrentScore(
        value=stored.value,
        level=stored.level,
        dimensions=unpack_dimensions(stored.dimensions, book),
        as_of=stored.as_of,
        book=book,
    )


async def explain_score(citizen_id: UUID) -> tuple[Explanation, RuleBook]:
    """Return the engine's own answer, as of the day of the current score, so that it adds up to what is shown."""
    if await waiting_queries.find_is_waiting(citizen_id):  # the score explained is then the one shown from here on
        async with transaction():
            await rescore([citizen_id], at=now())
    async with transaction():
        await engine_queries.mark_plan()
        answers = await engine_queries.find_explained_again([citizen_id])
    if not answers:
        raise NoScore
    return unfold_explanation(answers[0]), await find_book(answers[0].rule_book_id)


async def list_changes(citizen_id: UUID, *, before: UUID | None, limit: int) -> list[PastChange]:
    """Return the steps of a score's history, newest first, from just before one of them."""
    rows = await scores_queries.list_changes(citizen_id, before=before, limit=limit)
    return [PastChange(**msgspec.structs.asdict(row) | {"reasons": REASONS.decode(row.reasons)}) for row in rows]


async def find_wrong_scores(sample: int) -> list[UUID]:
    """Return the citizens of a random sample whose current score is wrong; ``huixin verify`` expects none."""
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
            rows = await engine_queries.find_explained_again(chunk)
        explained = {row.citizen_id: unfold_explanation(row) for row in rows}
        found = {one.citizen_id: _find_faults(one, explained.get(one.citizen_id)) for one in again}
        wrong |= {one: found.get(one, ["should have no score"]) for one in chunk if found.get(one) != []}
    return len(asked), wrong


def _find_faults(again: engine_queries.ComputedScore, explanation: Explanation | None) -> list[str]:
    """Say what of a current score is not what is computed again."""
    faults = []
    if (again.value, again.level) != (again.from_value, again.from_level):
        faults.append(f"is {again.from_value} ({again.from_level}), computed {again.value} ({again.level})")
    if again.inputs_hash != again.from_hash:
        faults.append("was computed from other inputs")
    if explanation is None or _sum(explanation) != again.value:
        faults.append("its explanation does not add up")
    return faults


def _sum(explanation: Explanation) -> int:
    given = sum(part.points for part in explanation.contributions)
    return explanation.base + given + sum(part.points for part in explanation.adjustments)


CHECKS = (Check(f"scores equal their recomputation (sample of {SCORES_SAMPLED:,})", check_scores),)

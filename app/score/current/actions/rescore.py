"""Rescoring: lock, compute, store the score, its history and what happened, in the caller's transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from app.kit.clock import now
from app.kit.db.database import is_in_transaction, transaction
from app.kit.jobs.queue import Job, enqueue
from app.score.current.actions.history import explain_change, store_scores, write_switch_steps
from app.score.current.queries import scores as scores_queries
from app.score.current.queries import waiting as waiting_queries
from app.score.engine import queries as engine_queries
from app.values.days import shanghai_day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from app.kit.jobs.pace import Pace
    from app.score.engine.parts import ScoreChange
    from app.score.engine.queries import LockedCitizen

AFTER = timedelta(milliseconds=1)
RESCORE_CHUNK = 500
RESCORE_CHUNKS_MAX = 1000  # of one run; what is left then is taken by the next


async def rescore(citizen_ids: Sequence[UUID], *, at: datetime) -> list[ScoreChange]:
    """Compute the scores of citizens as of an instant, inside the caller's transaction, and return what changed.

    The citizens are locked in id order by a statement of its own, so that the next statement sees what others committed
    meanwhile: two rescorings at once add up. Stores the snapshot, the step of history with its reasons, and the
    event ``score.changed.v1``. Citizens who have not opted in, or are under eighteen, are passed over.
    """
    assert is_in_transaction(), "a score moves with what moved it"
    asked = sorted(set(citizen_ids))
    locked = await engine_queries.lock_citizens(asked)
    if not locked:
        return []
    at = await _settle_with_preparation(locked, at)
    computed = await engine_queries.find_scores(asked, shanghai_day(at))
    fresh = [score for score in computed if score.inputs_hash != score.from_hash]
    if not fresh:
        return []
    changes = [
        await explain_change(score)
        for score in fresh
        if (score.value, score.level) != (score.from_value, score.from_level)
    ]
    await store_scores(fresh, changes, at=at)
    return changes


async def _settle_with_preparation(locked: Sequence[LockedCitizen], at: datetime) -> datetime:
    """Settle with a preparation of the city that is under way; return when the citizens move.

    Before its switch it must prepare them again. After it they have the step of the switch first, so that a rescoring
    which waited for the switch comes later than it in their history.
    """
    ids, preparation = [citizen.id for citizen in locked], locked[0]  # the same in every row
    if preparation.phase == "preparing":
        await waiting_queries.insert_moved(ids)
    if preparation.switched_at is not None:
        await write_switch_steps(ids, switched_at=preparation.switched_at)
        return max(at, preparation.switched_at + AFTER)
    return at


async def mark_due(citizen_ids: Sequence[UUID], *, at: datetime) -> None:
    """Have citizens rescored by the worker soon, inside the caller's transaction: for imports, where many move at once.

    The caller has locked the citizens, in id order. The worker locks them before it takes them off the list, so that
    nobody it takes off moves between.
    """
    assert is_in_transaction(), "records and the need to rescore are one transaction"
    await waiting_queries.insert_due(sorted(set(citizen_ids)), at)
    await enqueue("rescore")


async def rescore_waiting(limit: int, *, at: datetime) -> int:
    """Rescore some of those who wait or are due by date, in a transaction of its own; how many there were."""
    async with transaction():
        asked = [citizen.id for citizen in await waiting_queries.list_waiting(shanghai_day(at), limit)]
        await engine_queries.lock_citizens(sorted(asked))
        await waiting_queries.delete_due(asked)
        await rescore(asked, at=at)
    return len(asked)


async def rescore_by_chunks(pace: Pace) -> None:
    """Rescore, in chunks that commit, all who wait for it, and whose score changes by today without a new record."""
    for _ in range(RESCORE_CHUNKS_MAX):
        async with pace.work():
            if await rescore_waiting(RESCORE_CHUNK, at=now()) < RESCORE_CHUNK:
                return


async def delete_score(citizen_id: UUID) -> None:
    """Delete a citizen's score and its history, inside the caller's transaction."""
    assert is_in_transaction(), "leaving is one transaction"
    await scores_queries.delete_score(citizen_id)


# The clock is UTC: Shanghai's midnight is 16:00. What is due by date is rescored by the first run after it.
JOBS = (Job("rescore", "* * * * * */10", rescore_by_chunks),)

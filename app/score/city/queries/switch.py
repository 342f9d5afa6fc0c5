"""SQL of a switch: prepared scores become the current ones, a rule book comes into force, the history follows."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from app.kit.db.database import execute, fetch_all
from app.kit.db.rows import fetch_field, run
from app.score.current.queries.scores import ScoredCitizen
from app.score.tables import RuleBook, ScorePreparation

# Renaming takes the same moment however large the city is, and every statement goes on naming one table. The indexes
# change their names too, so that the next switch finds them.
SWAP = """
    ALTER TABLE score_snapshot RENAME TO score_switching;
    ALTER TABLE score_prepared RENAME TO score_snapshot;
    ALTER TABLE score_switching RENAME TO score_prepared;
    ALTER INDEX score_snapshot_pkey RENAME TO score_switching_pkey;
    ALTER INDEX score_prepared_pkey RENAME TO score_snapshot_pkey;
    ALTER INDEX score_switching_pkey RENAME TO score_prepared_pkey;
    ALTER INDEX score_snapshot_due RENAME TO score_switching_due;
    ALTER INDEX score_prepared_due RENAME TO score_snapshot_due;
    ALTER INDEX score_switching_due RENAME TO score_prepared_due
"""


async def lock_scores() -> None:
    """Keep everybody from the current scores until the transaction ends; gives up soon rather than hold up a till.

    First comes a lock that conflicts with autovacuum alone: autovacuum takes up to a second to give way to it, during
    which everybody else goes on. The lock that excludes everybody then waits only for running statements.
    """
    await execute("SET LOCAL lock_timeout = '10s'")
    await execute("LOCK TABLE score_snapshot, score_prepared IN SHARE UPDATE EXCLUSIVE MODE")
    await execute("SET LOCAL lock_timeout = '500ms'")
    await execute("LOCK TABLE score_snapshot, score_prepared IN ACCESS EXCLUSIVE MODE")


async def update_swap() -> None:
    """Make the prepared scores the current ones and the other way round: the two tables exchange their names."""
    await execute(SWAP)


async def delete_due_scored(margin: timedelta) -> None:
    """Take those citizens off the list to be rescored who were scored long enough after they were put on it."""
    await execute(
        """
        DELETE FROM score_due d USING score_snapshot s
        WHERE s.citizen_id = d.citizen_id AND s.computed_at > d.since + $1::interval
        """,
        margin,
    )


async def find_may_count(rule_book_id: int) -> bool:
    """Whether a rule book is active, or approved and not withdrawn."""
    state = await fetch_field(RuleBook.select(RuleBook.state).where(RuleBook.id == rule_book_id))
    return state in ("active", "scheduled")


async def mark_book_retired(at: datetime) -> None:
    """Take the active rule book out of force."""
    await execute("UPDATE rule_book SET state = 'retired', retired_at = $1 WHERE state = 'active'", at)


async def mark_book_active(rule_book_id: int, at: datetime) -> bool:
    """Put a scheduled rule book into force; whether it was still scheduled. Nothing else is active by now."""
    book = RuleBook.update({RuleBook.state: "active", RuleBook.activated_at: at})
    return await run(book.where(RuleBook.id == rule_book_id, RuleBook.state == "scheduled")) == 1


async def mark_switched(preparation_id: int, at: datetime) -> None:
    """Note that the prepared scores are the current ones, and that the previous ones wait to become history."""
    preparation = ScorePreparation.update({ScorePreparation.phase: "telling", ScorePreparation.switched_at: at})
    await run(preparation.where(ScorePreparation.id == preparation_id))


async def mark_finished(preparation_id: int, phase: str, at: datetime) -> None:
    """Close a preparation: ``done``, or ``dropped`` before it was switched to."""
    preparation = ScorePreparation.update({ScorePreparation.phase: phase, ScorePreparation.finished_at: at})
    await run(preparation.where(ScorePreparation.id == preparation_id))


async def list_unwritten(after: UUID, limit: int) -> list[ScoredCitizen]:
    """Return citizens whose history lacks the step a switch made, in id order, from just after one of them."""
    return await fetch_all(
        ScoredCitizen,
        """
        SELECT p.citizen_id AS id
        FROM score_prepared p
        CROSS JOIN LATERAL (SELECT value, level FROM score_snapshot WHERE citizen_id = p.citizen_id OFFSET 0) s
        WHERE p.citizen_id > $1 AND (s.value, s.level) IS DISTINCT FROM (p.value, p.level)
        ORDER BY p.citizen_id LIMIT $2
        """,
        after,
        limit,
    )

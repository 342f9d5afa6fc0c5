"""SQL of a switch: prepared scores become the current ones, a rule book comes into force, and what moved is told."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from app.kit.db.database import execute, fetch_all, fetch_value
from app.score.city.queries.prepare import Moved

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

    First a lock that only sends autovacuum away, which takes it a second and which nobody else notices.
    """
    await execute("SET LOCAL lock_timeout = '10s'")
    await execute("LOCK TABLE score_snapshot, score_prepared IN SHARE UPDATE EXCLUSIVE MODE")
    await execute("SET LOCAL lock_timeout = '500ms'")
    await execute("LOCK TABLE score_snapshot, score_prepared IN ACCESS EXCLUSIVE MODE")


async def update_swap() -> None:
    """Make the prepared scores the current ones and the other way round: one table is called by the other's name."""
    await execute(SWAP)


async def delete_due_scored(margin: timedelta) -> None:
    """Take citizens off the list of those to be rescored who were scored well after they were put there."""
    await execute(
        """
        DELETE FROM score_due d USING score_snapshot s
        WHERE s.citizen_id = d.citizen_id AND s.computed_at > d.since + $1::interval
        """,
        margin,
    )


async def find_may_count(rule_book_id: int) -> bool:
    """Whether a rule book is active, or approved and not withdrawn."""
    return bool(
        await fetch_value(
            "SELECT EXISTS (SELECT FROM rule_book WHERE id = $1 AND state IN ('active', 'scheduled'))", rule_book_id
        )
    )


async def mark_book_retired(at: datetime) -> None:
    """Take the active rule book out of force."""
    await execute("UPDATE rule_book SET state = 'retired', retired_at = $1 WHERE state = 'active'", at)


async def mark_book_active(rule_book_id: int, at: datetime) -> bool:
    """Put a scheduled rule book into force; whether it was still scheduled. Nothing else is active by now."""
    sql = "UPDATE rule_book SET state = 'active', activated_at = $2 WHERE id = $1 AND state = 'scheduled'"
    return await execute(sql, rule_book_id, at) == 1


async def mark_switched(preparation_id: int, at: datetime) -> None:
    """Write down that the prepared scores are the current ones and the former ones wait to be told."""
    await execute("UPDATE score_preparation SET phase = 'telling', switched_at = $2 WHERE id = $1", preparation_id, at)


async def mark_finished(preparation_id: int, phase: str, at: datetime) -> None:
    """Close a preparation: ``done``, or ``dropped`` before it was switched to."""
    await execute("UPDATE score_preparation SET phase = $2, finished_at = $3 WHERE id = $1", preparation_id, phase, at)


async def list_untold(after: UUID, limit: int) -> list[Moved]:
    """Return citizens whom a switch moved and who were not told yet, in id order, from just after one of them."""
    return await fetch_all(
        Moved,
        """
        SELECT f.citizen_id AS id
        FROM score_prepared f
        CROSS JOIN LATERAL (SELECT value, level FROM score_snapshot WHERE citizen_id = f.citizen_id OFFSET 0) s
        WHERE f.citizen_id > $1 AND (s.value, s.level) IS DISTINCT FROM (f.value, f.level)
        ORDER BY f.citizen_id LIMIT $2
        """,
        after,
        limit,
    )

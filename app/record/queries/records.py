"""SQL for stored records and their events: one function, one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from app.kit.db.database import execute, fetch_all, fetch_value, write_uuids
from app.record.stored import StoredEvent


async def lock_members(citizen_ids: Sequence[UUID]) -> set[UUID]:
    """Lock citizens in id order and return those who cannot be locked: they have left, or never were."""
    left = await fetch_value(
        """
        WITH locked AS MATERIALIZED (
            SELECT id FROM citizen WHERE id = ANY($1::text::uuid[]) AND state <> 'left' ORDER BY id FOR NO KEY UPDATE
        )
        SELECT CASE WHEN (SELECT count(*) FROM locked) < $2::integer
                    THEN ARRAY(SELECT unnest($1::text::uuid[]) EXCEPT SELECT id FROM locked) END
        """,
        write_uuids(citizen_ids),
        len(citizen_ids),
    )
    return set(left or ())


async def find_stored_events_for_update(sources: Sequence[str], event_ids: Sequence[str]) -> list[StoredEvent]:
    """Return those of some events that have a record, with the records locked in primary-key order."""
    return await fetch_all(
        StoredEvent,
        """
        SELECT e.source, e.event_id, e.record_id, e.citizen_id, e.facts_digest, r.ends_on
        FROM unnest($1::text[], $2::text[]) AS given (source, event_id)
        JOIN record_source_event e ON e.source = given.source AND e.event_id = given.event_id
        JOIN record r ON r.citizen_id = e.citizen_id AND r.id = e.record_id
        ORDER BY r.citizen_id, r.id
        FOR NO KEY UPDATE OF r
        """,
        sources,
        event_ids,
    )


async def delete_orphaned_events(sources: Sequence[str], event_ids: Sequence[str]) -> int:
    """Free events whose record is gone, and return how many; an event whose record is there stays.

    Locked in primary-key order: two that free the same ones cannot deadlock.
    """
    return await execute(
        """
        WITH orphaned AS MATERIALIZED (
            SELECT e.source, e.event_id
            FROM unnest($1::text[], $2::text[]) AS given (source, event_id)
            JOIN record_source_event e ON e.source = given.source AND e.event_id = given.event_id
            WHERE NOT EXISTS (SELECT FROM record r WHERE r.citizen_id = e.citizen_id AND r.id = e.record_id)
            ORDER BY e.source, e.event_id
            FOR UPDATE OF e
        )
        DELETE FROM record_source_event e USING orphaned o WHERE e.source = o.source AND e.event_id = o.event_id
        """,
        sources,
        event_ids,
    )


async def update_ends(events: Sequence[StoredEvent], ends_on: Sequence[date]) -> None:
    """Write down that records ended: a new version of each."""
    await execute(
        """
        UPDATE record r SET ends_on = given.ends_on, version = r.version + 1
        FROM unnest($1::uuid[], $2::uuid[], $3::date[]) AS given (citizen_id, record_id, ends_on)
        WHERE r.citizen_id = given.citizen_id AND r.id = given.record_id
        """,
        [event.citizen_id for event in events],
        [event.record_id for event in events],
        ends_on,
    )


async def delete_records(citizen_id: UUID) -> None:
    """Delete everything recorded about a citizen; the sources' event ids become free again."""
    await execute(
        """
        WITH gone AS (DELETE FROM record WHERE citizen_id = $1 RETURNING source, event_id)
        DELETE FROM record_source_event e USING gone WHERE e.source = gone.source AND e.event_id = gone.event_id
        """,
        citizen_id,
    )

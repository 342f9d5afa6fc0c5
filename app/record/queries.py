"""All SQL of this room: one function, one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from app.kit.database import execute, fetch_all
from app.record.rules import NewRecord


class LockedCitizen(msgspec.Struct, frozen=True):
    """A citizen who cannot leave until the transaction ends."""

    id: UUID


class SourceEvent(msgspec.Struct, frozen=True):
    """What a source calls an event."""

    source: str
    event_id: str


class KnownRecord(msgspec.Struct, frozen=True):
    """The record an event became."""

    source: str
    event_id: str
    record_id: UUID
    citizen_id: UUID
    facts_digest: bytes
    ends_on: date | None


async def lock_members(citizen_ids: Sequence[UUID]) -> set[UUID]:
    """Lock citizens in id order and return those who have not left."""
    rows = await fetch_all(
        LockedCitizen,
        "SELECT id FROM citizen WHERE id = ANY($1) AND state <> 'left' ORDER BY id FOR NO KEY UPDATE",
        citizen_ids,
    )
    return {row.id for row in rows}


async def insert_source_events(
    records: Sequence[NewRecord], record_ids: Sequence[UUID], digests: Sequence[bytes]
) -> set[tuple[str, str]]:
    """Claim events for new records and return those nobody had claimed; waits for whoever is claiming the same.

    Callers pass them in (source, event id) order: two batches that claim the same events cannot deadlock.
    """
    rows = await fetch_all(
        SourceEvent,
        """
        INSERT INTO record_source_event (source, event_id, record_id, citizen_id, facts_digest)
        SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::uuid[], $5::bytea[])
        ON CONFLICT (source, event_id) DO NOTHING
        RETURNING source, event_id
        """,
        [record.source for record in records],
        [record.event_id for record in records],
        record_ids,
        [record.citizen_id for record in records],
        digests,
    )
    return {(row.source, row.event_id) for row in rows}


async def insert_records(
    records: Sequence[NewRecord], record_ids: Sequence[UUID], *, at: datetime, entered_by: UUID | None
) -> None:
    """Store records whose events are claimed."""
    await execute(
        """
        INSERT INTO record (id, citizen_id, indicator, honour, source, event_id, event_on, ends_on, grade, quantity,
                            document, act_id, state, entered_at, entered_by)
        SELECT new.*, 'active', $13::timestamptz, $14::uuid
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::date[], $8::date[],
                    $9::text[], $10::bigint[], $11::text[], $12::text[]) AS new
        """,
        record_ids,
        *([getattr(record, name) for record in records] for name in NewRecord.__struct_fields__),
        at,
        entered_by,
    )


async def find_known_records_for_update(sources: Sequence[str], event_ids: Sequence[str]) -> list[KnownRecord]:
    """Return what events became, with the records locked in primary-key order."""
    return await fetch_all(
        KnownRecord,
        """
        SELECT e.source, e.event_id, e.record_id, e.citizen_id, e.facts_digest, r.ends_on
        FROM unnest($1::text[], $2::text[]) AS asked (source, event_id)
        JOIN record_source_event e ON e.source = asked.source AND e.event_id = asked.event_id
        JOIN record r ON r.citizen_id = e.citizen_id AND r.id = e.record_id
        ORDER BY r.citizen_id, r.id
        FOR NO KEY UPDATE OF r
        """,
        sources,
        event_ids,
    )


async def update_ends(records: Sequence[KnownRecord], ends_on: Sequence[date]) -> None:
    """Write down that records ended: a new version of each."""
    await execute(
        """
        UPDATE record r SET ends_on = told.ends_on, version = r.version + 1
        FROM unnest($1::uuid[], $2::uuid[], $3::date[]) AS told (citizen_id, id, ends_on)
        WHERE r.citizen_id = told.citizen_id AND r.id = told.id
        """,
        [record.citizen_id for record in records],
        [record.record_id for record in records],
        ends_on,
    )


async def delete_records(citizen_id: UUID) -> None:
    """Delete everything recorded about a citizen; the sources' event ids become free again."""
    await execute(
        """
        WITH freed AS (DELETE FROM record_source_event WHERE citizen_id = $1)
        DELETE FROM record WHERE citizen_id = $1
        """,
        citizen_id,
    )

"""All SQL of this room: one function, one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from app.event.feed import FeedCursor, NewEvent
from app.kit.db.database import execute, fetch_all

EPOCH_LOCK = 0x65706F63  # "epoc"


class FeedEvent(msgspec.Struct, frozen=True):
    """An event of the feed; ``data`` is JSON text, ``seen`` its place among the events that were looked at.

    ``is_shown`` is false or None for an event of another store, or of none: it only says how far the search came.
    """

    id: UUID
    epoch: int
    xid: int
    at: datetime
    type: str
    subject_id: UUID
    data: str
    is_shown: bool | None
    seen: int


async def insert_events(events: Sequence[NewEvent], ids: Sequence[UUID]) -> None:
    """Store events under ``ids``, in the newest epoch and under this transaction's id."""
    await execute(
        """
        INSERT INTO event (id, epoch, at, type, institution_id, citizen_id, subject_id, data)
        SELECT id, (SELECT max(epoch) FROM event_epoch), at, type, institution_id, citizen_id, subject_id, data::jsonb
          FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[])
            AS new (id, at, type, institution_id, citizen_id, subject_id, data)
        """,
        list(ids),
        [event.at for event in events],
        [event.type for event in events],
        [event.institution_id for event in events],
        [event.citizen_id for event in events],
        [event.subject_id for event in events],
        [msgspec.json.encode(event.data).decode() for event in events],
    )


async def lock_epoch() -> None:
    """Let one process at a time decide whether a new epoch begins; held until the transaction ends."""
    await execute("SELECT pg_advisory_xact_lock($1)", EPOCH_LOCK)


async def insert_epoch_of_this_cluster() -> None:
    """Begin a new epoch unless the newest one is already this cluster's."""
    await execute(
        """
        INSERT INTO event_epoch (system_identifier)
        SELECT system_identifier FROM pg_control_system()
         WHERE system_identifier IS DISTINCT FROM
               (SELECT system_identifier FROM event_epoch ORDER BY epoch DESC LIMIT 1)
        """
    )


async def find_feed(
    institution_id: UUID, store_ids: Sequence[UUID] | None, after: FeedCursor, window: int
) -> list[FeedEvent]:
    """Return up to ``window`` events after a cursor; in this epoch only those no open transaction can still precede.

    With ``store_ids`` only those of these stores, and the last one looked at, to go on from: see ``is_shown``. A
    transaction that is still open may yet write events that come before those of later ones, which are already there:
    so nothing from the oldest open transaction on is returned, lest a reader's cursor pass what is not committed yet.
    """
    return await fetch_all(
        FeedEvent,
        """
        SELECT id, epoch, xid, at, type, subject_id, data, is_shown, seen FROM (
            SELECT id, epoch, xid::text::bigint AS xid, at, type, subject_id, data,
                   $2::uuid[] IS NULL OR data->>'storeId' = ANY($2::uuid[]::text[]) AS is_shown,
                   row_number() OVER place AS seen, lead(id) OVER place IS NULL AS is_last
              FROM event
             WHERE institution_id = $1
               AND (epoch, xid, id) > ($3::smallint, $4::text::xid8, $5::uuid)
               AND (epoch < (SELECT max(epoch) FROM event_epoch) OR xid < pg_snapshot_xmin(pg_current_snapshot()))
            WINDOW place AS (ORDER BY epoch, xid, id)
             ORDER BY epoch, xid, id
             LIMIT $6
        ) AS looked_at
         WHERE is_shown IS TRUE OR is_last OR seen = $6
         ORDER BY seen
        """,
        institution_id,
        store_ids,
        after.epoch,
        str(after.xid),
        after.id,
        window,
    )

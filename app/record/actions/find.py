"""Which events have records, whose citizens are locked; and records go when their citizen leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.kit.db.database import is_in_transaction
from app.record.queries import records as records_queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from app.record.stored import StoredEvent


async def find_stored_events(events: Sequence[tuple[str, str]]) -> dict[tuple[str, str], StoredEvent]:
    """Return those of some events, as (source, event id), that have a record.

    The records are locked until the caller's transaction ends; the caller has locked their citizens before.
    """
    if not events:
        return {}
    found = await records_queries.find_stored_events_for_update(*zip(*events, strict=True))
    return {(one.source, one.event_id): one for one in found}


async def lock_members(citizen_ids: Iterable[UUID]) -> set[UUID]:
    """Lock citizens in id order, so that none leaves before the transaction ends; return those who have left."""
    return await records_queries.lock_members(sorted(set(citizen_ids)))


async def delete_records(citizen_id: UUID) -> None:
    """Delete everything recorded about a citizen who leaves, inside the caller's transaction."""
    assert is_in_transaction(), "leaving is one transaction"
    await records_queries.delete_records(citizen_id)

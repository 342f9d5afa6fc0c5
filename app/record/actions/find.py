"""What became of events that are on record; and records go when their citizen leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.kit.db.database import is_in_transaction
from app.record.queries import records as records_queries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from app.record.kept import KnownRecord


async def find_known_records(events: Sequence[tuple[str, str]]) -> dict[tuple[str, str], KnownRecord]:
    """Return what became of events, by (source, event id), locked until the caller's transaction ends.

    The caller has locked their citizens before.
    """
    if not events:
        return {}
    known = await records_queries.find_known_records_for_update(*zip(*events, strict=True))
    return {(one.source, one.event_id): one for one in known}


async def delete_records(citizen_id: UUID) -> None:
    """Delete everything recorded about a citizen who leaves, inside the caller's transaction."""
    assert is_in_transaction(), "leaving is one transaction"
    await records_queries.delete_records(citizen_id)

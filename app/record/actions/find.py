"""The room's doors: records are kept, and go when their citizen leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.kit.db.database import is_in_transaction
from app.record.actions.put import put_rows
from app.record.queries import records as records_queries
from app.record.rows import make_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from app.record.catalogue import NewRecord, PutOutcome
    from app.record.kept import KnownRecord


async def put_records(records: Sequence[NewRecord], *, at: datetime, entered_by: UUID | None) -> list[PutOutcome]:
    """Keep records inside the caller's transaction and return one outcome each, in order.

    ``accepted``: new. ``duplicate``: the same event with the same facts. ``updated``: the same facts and a new
    ``ends_on``, which makes a new version; a repeat without ``ends_on`` never reopens what has ended, because sources
    send late and twice. ``conflict``: the same event with other facts; what is stored stays. ``not_renewable``: an
    honour that is given once, awarded again in the same grade while it is in force. ``not_a_member``: the citizen has
    left since they were matched. The caller has judged the records (``fault.judge_record``).
    """
    return (await put_rows(make_rows(records), at=at, entered_by=entered_by)).outcomes


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

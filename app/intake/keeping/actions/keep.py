"""The last stages for a handful of judged records: keep them, tell of bad news, rescore at once, say that they came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.event.actions import insert_events
from app.event.feed import EVENT_TYPES, NewEvent
from app.intake.keeping.actions.notify import tell_of_negative_rows
from app.record.actions.put import put_rows
from app.record.rows import make_rows
from app.score.current.actions.rescore import rescore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from app.event.feed import EventType
    from app.record.catalogue import NewRecord, PutOutcome

EVENTS: dict[PutOutcome, EventType] = {
    "accepted": EVENT_TYPES.declare("record.accepted.v1"),
    "updated": EVENT_TYPES.declare("record.updated.v1"),
}
KEPT = frozenset(EVENTS)


async def keep_records(records: Sequence[NewRecord], *, at: datetime, entered_by: UUID | None) -> list[PutOutcome]:
    """Keep records inside the caller's transaction, and say of each what became of it (``PutOutcome``).

    Whoever they concern is rescored in the same transaction and told of a negative one; the events do not say which.
    """
    rows = make_rows(records)
    put = await put_rows(rows, at=at, entered_by=entered_by)
    await tell_of_negative_rows(rows, put.record_ids, at=at)
    kept = [(rows.citizen_id[place], outcome) for place, outcome in enumerate(put.outcomes) if outcome in KEPT]
    if kept:
        await rescore(sorted({citizen_id for citizen_id, _ in kept}), at=at)
    await insert_events(
        [
            NewEvent(type=EVENTS[outcome], subject_id=citizen_id, citizen_id=citizen_id, at=at)
            for citizen_id, outcome in kept
        ]
    )
    return put.outcomes

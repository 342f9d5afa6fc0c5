"""The last stages for some judged records: store them, notify of negative ones, rescore at once, write events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.event.actions import insert_events
from app.event.feed import EVENT_TYPES, NewEvent
from app.intake.keeping.actions.notify import notify_of_negative_rows
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
NEWS = frozenset(EVENTS)


async def store_records(records: Sequence[NewRecord], *, at: datetime, entered_by: UUID | None) -> list[PutOutcome]:
    """Store records inside the caller's transaction; the outcomes are those of ``record.actions.put.put_rows``.

    Their citizens are rescored in the same transaction, and notified of negative records; the events do not say which
    records are negative.
    """
    rows = make_rows(records)
    put = await put_rows(rows, at=at, entered_by=entered_by)
    await notify_of_negative_rows(rows, put.record_ids, at=at)
    news = [(rows.citizen_id[place], outcome) for place, outcome in enumerate(put.outcomes) if outcome in NEWS]
    if news:
        await rescore(sorted({citizen_id for citizen_id, _ in news}), at=at)
    await insert_events(
        [
            NewEvent(type=EVENTS[outcome], subject_id=citizen_id, citizen_id=citizen_id, at=at)
            for citizen_id, outcome in news
        ]
    )
    return put.outcomes

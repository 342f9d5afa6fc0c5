"""What our own rooms write down about citizens: one door for all of them, inside the transaction of what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.intake.fact.judge import OWN_SOURCE
from app.intake.keeping.actions.keep import NEWS, store_records
from app.intake.usage.writers import UsageWrong, check_writer
from app.kit.db.database import is_in_transaction
from app.record.catalogue import NewRecord
from app.record.fault import judge_record
from app.values.days import shanghai_day

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID


async def write_usage(
    citizen_id: UUID,
    indicator: str,
    *,
    by: str,
    event_id: str,
    event_on: date,
    at: datetime,
    ends_on: date | None = None,
    grade: str | None = None,
    quantity: int | None = None,
    document: str | None = None,
) -> bool:
    """Write a fact of a room's own inside the caller's transaction, and rescore; whether that was news.

    ``by`` is the room: ``data/usage.csv`` says which may write what. ``event_id`` is the room's own number of the
    event, by which a repeat is recognised and which begins with a word of that room (``identity:…``, ``loan:…``). A
    state is written again with ``ends_on`` when it is over. False: it was written before, or the citizen has left.
    """
    assert is_in_transaction(), "what happened and what is recorded of it are one transaction"
    check_writer(indicator, by)
    record = NewRecord(
        citizen_id=citizen_id, indicator=indicator, honour=None, source=OWN_SOURCE, event_id=event_id,
        event_on=event_on, ends_on=ends_on, grade=grade, quantity=quantity, document=document,
    )  # fmt: skip
    fault = judge_record(record, shanghai_day(at))
    if fault is not None:
        raise UsageWrong(f"{by} writes {indicator}: {fault.en}")
    (outcome,) = await store_records([record], at=at, entered_by=None)
    if outcome == "conflict":
        raise UsageWrong(f"{by} has written other facts of {indicator} under the same event id")
    return outcome in NEWS

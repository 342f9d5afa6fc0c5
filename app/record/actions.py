"""Keeping records: each event of a source once, whatever is sent twice or races."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.kit.clock import uuid7
from app.kit.database import is_in_transaction
from app.record import queries
from app.record.rules import NewRecord, PutOutcome, compute_facts_digest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from app.record.queries import KnownRecord

__all__ = ["NewRecord", "PutOutcome", "delete_records", "put_records"]


async def put_records(records: Sequence[NewRecord], *, at: datetime, entered_by: UUID | None) -> list[PutOutcome]:
    """Keep records inside the caller's transaction and return one outcome each, in order.

    ``accepted``: new. ``duplicate``: the same event with the same facts. ``updated``: the same facts and a new
    ``ends_on``, which makes a new version; a repeat without ``ends_on`` never reopens what has ended, because sources
    send late and twice. ``conflict``: the same event with other facts; what is stored stays. ``not_a_member``: the
    citizen has left since they were matched. The caller has judged the records (``rules_fault.judge_record``).
    """
    assert is_in_transaction(), "records and the scores they move are one transaction"
    # Locked before anything else, in id order: nobody leaves meanwhile, and rescoring waits for no one it holds up.
    members = await queries.lock_members(sorted({record.citizen_id for record in records}))
    outcomes: list[PutOutcome] = ["not_a_member"] * len(records)
    waiting = [number for number, record in enumerate(records) if record.citizen_id in members]
    while waiting:
        told = _take_one_of_each(waiting, records)
        settled = await _put_distinct([records[number] for number in told], at=at, entered_by=entered_by)
        for number, outcome in zip(told, settled, strict=True):
            if outcome is not None:
                outcomes[number] = outcome
                waiting.remove(number)
    return outcomes


async def delete_records(citizen_id: UUID) -> None:
    """Delete everything recorded about a citizen who leaves, inside the caller's transaction."""
    assert is_in_transaction(), "leaving is one transaction"
    await queries.delete_records(citizen_id)


def _take_one_of_each(waiting: list[int], records: Sequence[NewRecord]) -> list[int]:
    """Pick the first telling of every event, in (source, event id) order; later ones of a batch come after it."""
    first = {(records[number].source, records[number].event_id): number for number in reversed(waiting)}
    return [first[event] for event in sorted(first)]


async def _put_distinct(
    records: Sequence[NewRecord], *, at: datetime, entered_by: UUID | None
) -> list[PutOutcome | None]:
    """Keep records of distinct events; None where the known record vanished meanwhile and must be told again."""
    digests = [compute_facts_digest(record) for record in records]
    ids = [uuid7(at) for _ in records]
    claimed = await queries.insert_source_events(records, ids, digests)
    fresh = [(record, id_) for record, id_ in zip(records, ids, strict=True) if _event(record) in claimed]
    if fresh:
        await queries.insert_records([r for r, _ in fresh], [i for _, i in fresh], at=at, entered_by=entered_by)
    known = await _find_known([record for record in records if _event(record) not in claimed])
    outcomes: list[PutOutcome | None] = []
    ended: list[tuple[KnownRecord, date]] = []
    for record, digest in zip(records, digests, strict=True):
        found = known.get(_event(record))
        outcomes.append("accepted" if _event(record) in claimed else _judge_repeat(record, digest, found))
        if found is not None and record.ends_on is not None and outcomes[-1] == "updated":
            ended.append((found, record.ends_on))
    if ended:
        await queries.update_ends([found for found, _ in ended], [ends_on for _, ends_on in ended])
    return outcomes


async def _find_known(records: Sequence[NewRecord]) -> dict[tuple[str, str], KnownRecord]:
    if not records:
        return {}
    sources, event_ids = zip(*(_event(record) for record in records), strict=True)
    return {(k.source, k.event_id): k for k in await queries.find_known_records_for_update(sources, event_ids)}


def _judge_repeat(record: NewRecord, digest: bytes, known: KnownRecord | None) -> PutOutcome | None:
    if known is None:
        return None
    if digest != known.facts_digest:
        return "conflict"
    return "duplicate" if record.ends_on in (None, known.ends_on) else "updated"


def _event(record: NewRecord) -> tuple[str, str]:
    return (record.source, record.event_id)

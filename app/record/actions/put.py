"""Storing records, few or many at once: each event of a source once, whatever is sent twice or races."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from app.kit.clock import uuid7_texts
from app.kit.db.database import is_in_transaction
from app.kit.errors import Overloaded
from app.record.actions.find import find_stored_events, lock_members
from app.record.award import is_given_once, is_in_force_with
from app.record.queries import put as put_queries
from app.record.queries import records as records_queries
from app.record.rows import NewRows, pick_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from app.record.catalogue import PutOutcome
    from app.record.queries.put import Columns
    from app.record.stored import StoredEvent

LOG = logging.getLogger("huixin.record")
# Rounds in a row that settle no row: each needs another transaction that frees an event between two of our statements.
FRUITLESS_ROUNDS_MAX = 5


class PutRows(msgspec.Struct, frozen=True):
    """What became of rows: an outcome for each, and the ids of the records that are new, as texts, by place."""

    outcomes: list[PutOutcome]
    record_ids: dict[int, str]


class Arranged(msgspec.Struct, frozen=True):
    """Rows ready to be sent: one of every event, in order, with their places among all rows and their digests."""

    places: list[int]
    rows: NewRows
    digests: list[bytes]
    columns: Columns


def arrange_rows(rows: NewRows) -> Arranged:
    """Do beforehand what ``put_rows`` would else do inside its transaction, while it holds locks."""
    events = list(zip(rows.source, rows.event_id, strict=True))
    return _arrange(rows, _take_one_of_each(range(len(rows)), rows, events))


async def put_rows(
    rows: NewRows, *, at: datetime, entered_by: UUID | None, arranged: Arranged | None = None
) -> PutRows:
    """Store records inside the caller's transaction, and return what became of each row.

    ``accepted``: it is a new record. ``updated``: its event had a record, which has ended now. ``duplicate``: its event
    has this record. ``conflict``: its event has a record of other facts. ``not_renewable``: it awards again what is
    given once and is in force. ``not_a_member``: its citizen has left. An event whose record is gone is stored anew:
    only so can its source put right what was lost. Refuses with ``overloaded`` when other transactions free and claim
    the same events again and again.
    """
    assert is_in_transaction(), "records and the scores they move are one transaction"
    # Citizens are locked first, in id order: none of them leaves meanwhile, and rescoring, which locks them in the same
    # order, never waits for a transaction that waits for it.
    left = await lock_members(rows.citizen_id)
    put = PutRows(["not_a_member"] * len(rows), {})
    events = list(zip(rows.source, rows.event_id, strict=True))
    waiting = [place for place, citizen_id in enumerate(rows.citizen_id) if citizen_id not in left]
    rounds_left = FRUITLESS_ROUNDS_MAX
    while waiting:
        if arranged is None or len(waiting) < len(rows):  # somebody has left, or this is a second round
            arranged = _arrange(rows, _take_one_of_each(waiting, rows, events))
        barred = await _find_barred(rows, arranged.places)
        settled: dict[int, PutOutcome] = dict.fromkeys(barred, "not_renewable")
        if barred:
            arranged = _arrange(rows, [place for place in arranged.places if place not in barred])
        settled |= await _put_distinct(arranged, put, at, entered_by)
        for place, outcome in settled.items():
            put.outcomes[place] = outcome
        waiting = [place for place in waiting if place not in settled]
        rounds_left = FRUITLESS_ROUNDS_MAX if settled else rounds_left - 1
        if rounds_left == 0:
            raise Overloaded
    return put


def _arrange(rows: NewRows, places: list[int]) -> Arranged:
    some = pick_rows(rows, places)
    columns, digests = put_queries.make_columns(some) if places else ((), [])
    return Arranged(places, some, digests, columns)


def _take_one_of_each(waiting: Sequence[int], rows: NewRows, events: Sequence[tuple[str, str]]) -> list[int]:
    """Pick the first row of every event, in (source, event id) order; later rows have a later round.

    Of an honour that is given once only the first award is picked: the next one is judged beside it when it is stored.
    """
    given: set[tuple[UUID, str | None, str | None]] = set()
    later: set[int] = set()
    for place in waiting:
        honour = rows.honour[place]
        if honour is not None and is_given_once(honour):
            award = (rows.citizen_id[place], honour, rows.grade[place])
            if award in given:
                later.add(place)
            given.add(award)
    # From the last to the first: the first row of an event overwrites the later ones.
    first = {events[place]: place for place in reversed(waiting) if place not in later}
    return [first[event] for event in sorted(first)]


async def _find_barred(rows: NewRows, places: Sequence[int]) -> set[int]:
    """Return the rows that award again what is given once and is in force; an award that is sent again is none."""
    once = [place for place in places if rows.honour[place] is not None and is_given_once(rows.honour[place])]
    if not once:
        return set()
    awards = await put_queries.find_awards(rows, once)
    sent_again = {award.place for award in awards if (award.source, award.event_id) == rows.event(award.place)}
    return {
        award.place
        for award in awards
        if award.place not in sent_again
        and is_in_force_with(
            rows.honour[award.place] or "",
            (award.event_on, award.ends_on),
            (rows.event_on[award.place], rows.ends_on[award.place]),
        )
    }


async def _put_distinct(
    arranged: Arranged, put: PutRows, at: datetime, entered_by: UUID | None
) -> dict[int, PutOutcome]:
    """Store records of distinct events; a place is missing when its event had lost its record: it has another round."""
    places, some = arranged.places, arranged.rows
    if not places:
        return {}
    ids = uuid7_texts(len(some))
    repeats = await put_queries.insert_rows(arranged.columns, ids, at=at, entered_by=entered_by)
    fresh = [number for number in range(len(some)) if number not in repeats]
    put.record_ids.update({places[number]: ids[number] for number in fresh})
    settled: dict[int, PutOutcome] = dict.fromkeys((places[number] for number in fresh), "accepted")
    repeated = [some.event(number) for number in sorted(repeats)]
    stored = await find_stored_events(repeated)
    await _free([event for event in repeated if event not in stored])
    ended: list[tuple[StoredEvent, date]] = []
    for number in sorted(repeats):
        if (found := stored.get(some.event(number))) is None:
            continue
        ends_on = some.ends_on[number]
        settled[places[number]] = outcome = _judge_repeat(arranged.digests[number], ends_on, found)
        if ends_on is not None and outcome == "updated":
            ended.append((found, ends_on))
    if ended:
        await records_queries.update_ends([found for found, _ in ended], [ends_on for _, ends_on in ended])
    return settled


async def _free(events: Sequence[tuple[str, str]]) -> None:
    """Free claimed events that have no record, for the next round.

    Mostly the citizen has just left and the claim is gone too. A claim that is still there has lost its record: every
    repeat of its event would be taken for a duplicate of nothing (decision 57).
    """
    if not events:
        return
    sources, event_ids = zip(*events, strict=True)
    if freed := await records_queries.delete_orphaned_events(sources, event_ids):
        LOG.error("%s events had lost their records", freed)


def _judge_repeat(digest: bytes, ends_on: date | None, stored: StoredEvent) -> PutOutcome:
    if digest != stored.facts_digest:
        return "conflict"
    return "duplicate" if ends_on in (None, stored.ends_on) else "updated"

"""Facts on record about people of the demo city, ready to be written for any person. Pure."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from uuid import UUID

import msgspec

from app.membership.applicant import IDENTITY_INDICATOR, IDENTITY_SOURCE
from app.record.catalogue import CATALOGUE, Indicator, NewRecord, encode_facts
from app.town.people.copy import compute_day_begin, pack_bigint, pack_day, pack_integer, pack_text
from app.town.people.habits import find_source

NOBODY = UUID(int=0)
# The first columns of a record are each row's own; the rest is what facts have in common.
RECORD_COLUMNS = (
    "id", "citizen_id", "event_id", "entered_at", "version", "indicator", "honour", "source", "event_on", "ends_on",
    "grade", "quantity", "document", "act_id", "state",
)  # fmt: skip
EVENT_COLUMNS = ("source", "event_id", "record_id", "citizen_id", "facts_digest")
ENTRY_HOUR_MICROSECONDS = 2 * 3_600_000_000  # departments send their files at night


class Fact(msgspec.Struct, frozen=True):
    """A record of nobody yet, with the pieces its rows are made of; ``day`` is its date's ordinal."""

    record: NewRecord
    day: int
    entered_at: int
    state: str
    version: int
    tail: bytes
    source: bytes
    facts: bytes


def make_fact(
    code: str,
    day: int,
    *,
    entered: int,
    ends: int | None = None,
    grade: str | None = None,
    quantity: int | None = None,
    document: str | None = None,
    act_id: str | None = None,
    state: str = "active",
    version: int = 1,
) -> Fact:
    """Return the fact that something happened, or began, on a day; ``entered`` and ``ends`` are days as well."""
    indicator = CATALOGUE.indicators.get(code)
    record = NewRecord(
        citizen_id=NOBODY,
        indicator=code if indicator else None,
        honour=None if indicator else code,
        source=IDENTITY_SOURCE if code == IDENTITY_INDICATOR else find_source(code),
        event_id="",
        event_on=date.fromordinal(day),
        ends_on=None if ends is None else date.fromordinal(ends),
        grade=grade,
        quantity=quantity,
        document=document,
        act_id=act_id,
    )
    return Fact(
        record=record,
        day=day,
        entered_at=compute_day_begin(entered) + ENTRY_HOUR_MICROSECONDS,
        state=state,
        version=version,
        tail=_pack_tail(record, state, version),
        source=pack_text(record.source),
        facts=encode_facts(record),
    )


@lru_cache(maxsize=1 << 14)
def make_state(code: str, day: int) -> Fact:
    """Return the fact that a state has held since a day: many people share it."""
    return make_fact(code, day, entered=day)


def needs_document(code: str) -> bool:
    """Whether a record of an indicator rests on a document."""
    listed = CATALOGUE.indicators.get(code)
    return isinstance(listed, Indicator) and listed.needs_document


def _pack_tail(record: NewRecord, state: str, version: int) -> bytes:
    return b"".join((
        pack_integer(version), pack_text(record.indicator), pack_text(record.honour), pack_text(record.source),
        pack_day(record.event_on), pack_day(record.ends_on), pack_text(record.grade), pack_bigint(record.quantity),
        pack_text(record.document), pack_text(record.act_id), pack_text(state),
    ))  # fmt: skip

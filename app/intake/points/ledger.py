"""What app points are worth: exact, with remainders, up to a yearly cap. Pure.

One event's records are the difference of two floors, so that many small events come to what one large one would.
"""

from __future__ import annotations

import csv
import hashlib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import msgspec

from app.intake.fact.item import ArrivedItem, CleanItem, Flaw
from app.intake.fact.judge import FLAWS, judge_item
from app.record.catalogue import CATALOGUE, EVENT_ID_CHARACTERS_MAX, FIRST_DAY, LAST_DAY, QUANTITY_MAX, NewRecord
from app.values.days import shanghai_day
from app.values.patterns import SOURCE_CHARACTERS_MAX, SOURCE_CODE

POINT_INDICATORS = Path(__file__).parent / "data" / "points.csv"
AMOUNT_MAX = 1_000_000
RATE_MAX = 1_000_000
YEARLY_CAP_MAX = 1_000_000_000
CASES_PER_YEAR_MAX = 100  # records of an indicator that counts cases, which a rule may make of one person's year
PLACE_CHARACTERS = 1 + len(str(CASES_PER_YEAR_MAX))  # added to an event id that makes several records: #1 … #100
POINT_EVENT_ID_CHARACTERS_MAX = EVENT_ID_CHARACTERS_MAX - PLACE_CHARACTERS
POINTERS = {"/eventOn": "/occurredAt"}  # what an event calls what a record calls otherwise


PointKind = Annotated[str, msgspec.Meta(max_length=SOURCE_CHARACTERS_MAX, pattern=SOURCE_CODE)]


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """What points of one kind become: ``numerator`` for ``denominator`` points, and no more points count in a year."""

    indicator: str
    numerator: int
    denominator: int
    yearly_cap: int


class Rule(Rate, frozen=True, kw_only=True):
    """The rate of one kind of a source's points."""

    source: str
    kind: str
    created_at: datetime


class PointEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What an app reports: a person got so many points of a kind for something that happened at an instant."""

    event_id: str
    kind: str
    amount: int
    id_number: str
    name: str
    occurred_at: datetime


def load_indicators() -> frozenset[str]:
    """Return the indicators that app points may become (``data/points.csv``): those of an act or of a quantity."""
    rows = csv.DictReader(POINT_INDICATORS.read_text(encoding="utf-8").splitlines())
    codes = frozenset(row["indicator"] for row in rows)
    for code in codes:
        indicator = CATALOGUE.indicators[code]
        assert indicator.measure in {"act", "quantity"}, "an event has no grade and no end"
        assert not indicator.needs_document, "an event has no document"
    return codes


INDICATORS = load_indicators()


def compute_granted(total: int, rate: Rate) -> int:
    """Return what a year's points come to: whole units only, of at most the yearly cap."""
    return min(total, rate.yearly_cap) * rate.numerator // rate.denominator


def compute_gain(total: int, amount: int, rate: Rate) -> int:
    """Return what the last ``amount`` of a running ``total`` adds."""
    return compute_granted(total, rate) - compute_granted(total - amount, rate)


def judge_rate(rate: Rate) -> str | None:
    """Return which member of a rule is wrong: points may feed only listed indicators, and no flood of records."""
    if rate.indicator not in INDICATORS:
        return "/indicator"
    is_of_cases = CATALOGUE.indicators[rate.indicator].measure == "act"
    granted = compute_granted(rate.yearly_cap, rate)
    return None if 1 <= granted <= (CASES_PER_YEAR_MAX if is_of_cases else QUANTITY_MAX) else "/yearlyCap"


def judge_event(event: PointEvent, source: str, indicator: str, today: date) -> CleanItem | Flaw:
    """Judge an event as the record it may make, before its person is looked up; pointers are the event's own."""
    if not FIRST_DAY.year < event.occurred_at.year < LAST_DAY.year:  # before any zone could overflow it
        return msgspec.structs.replace(FLAWS["date_invalid"], pointer="/occurredAt")
    item = ArrivedItem(
        source=source,
        event_id=event.event_id,
        indicator=indicator,
        id_number=event.id_number,
        name=event.name,
        event_on=str(shanghai_day(event.occurred_at)),
        quantity=1 if CATALOGUE.indicators[indicator].measure == "quantity" else None,
    )
    judged = judge_item(item, today)
    if isinstance(judged, Flaw):
        return msgspec.structs.replace(judged, pointer=POINTERS.get(judged.pointer, judged.pointer))
    return judged


def compute_year(clean: CleanItem) -> int:
    """Return the Shanghai calendar year an event's points are counted in."""
    return clean.record.event_on.year


def compute_event_digest(citizen_id: UUID, event: PointEvent) -> bytes:
    """Return the digest that tells a repeat from another event; of the person it covers our own id alone."""
    facts = (citizen_id, event.kind, event.amount, event.occurred_at.astimezone(UTC))
    return hashlib.sha256(msgspec.json.encode(facts)).digest()


def make_point_records(clean: CleanItem, citizen_id: UUID, gain: int) -> list[NewRecord]:
    """Return what an event adds: one record of a quantity, or as many records as there are cases; none for nothing."""
    record = msgspec.structs.replace(clean.record, citizen_id=citizen_id)
    if gain == 0:
        return []
    if record.quantity is not None:
        return [msgspec.structs.replace(record, quantity=gain)]
    if gain == 1:
        return [record]
    return [msgspec.structs.replace(record, event_id=f"{record.event_id}#{place}") for place in range(1, gain + 1)]

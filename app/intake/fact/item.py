"""What arrives: a body becomes items, each on its own, so that a poisoned one fails alone. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal, get_args
from uuid import UUID

import msgspec

from app.record.catalogue import EVENT_ID_CHARACTERS_MAX, NewRecord
from app.values.fault import Fault

ITEMS_MAX = 500

Day = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date"})]
Outcome = Literal["accepted", "updated", "duplicate", "proposed", "not_a_member", "refused"]


class Flaw(Fault, frozen=True, kw_only=True):
    """Why an item is refused. The pointer begins at the item; empty when it is about the item as a whole.

    ``column`` is what the file calls the member, empty when the item did not come in a file or the file has no such
    column.
    """

    pointer: str = ""
    column: str = ""


class ArrivedItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One fact about one person as its source sends it, nothing checked but the types.

    `idsMeant` says that `eventId` and `actId` are right, though shorter than the source's others (`zeros_lost`).
    """

    source: str
    event_id: str
    indicator: str | None = None
    honour: str | None = None
    id_number: str
    name: str
    event_on: Day
    ends_on: Day | None = None
    grade: str | None = None
    quantity: int | None = None
    document: str | None = None
    act_id: str | None = None
    ids_meant: bool = False


class CleanItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An item that fits the catalogue: whom it concerns, and the record it makes once that person is found."""

    id_number: str
    name: str
    record: NewRecord


class ItemOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one item; ``proposal_id`` where it waits for a second official."""

    event_id: str | None
    outcome: Outcome
    flaw: Flaw | None = None
    proposal_id: UUID | None = None


def make_flaws(*rows: tuple[str, str, str, str]) -> dict[str, Flaw]:
    """Return flaws by their code; each is given as (code, pointer, zh, en)."""
    return {code: Flaw.at(pointer, code, zh, en) for code, pointer, zh, en in rows}


class _SourceOnly(msgspec.Struct):
    source: str


class _EventIdOnly(msgspec.Struct, rename="camel"):
    event_id: str


def parse_batch(body: bytes) -> list[msgspec.Raw] | None:
    """Split a body, one object or an array, into raw items; None when it is not JSON of that kind."""
    try:
        if is_array(body):
            return msgspec.json.decode(body, type=list[msgspec.Raw])
        msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return [msgspec.Raw(body)]


def is_array(body: bytes) -> bool:
    """Whether a body is an array of items, not one object."""
    return body.lstrip()[:1] == b"["


def parse_event_id(raw: msgspec.Raw) -> str | None:
    """Read the event id of an item that is otherwise unreadable, to name it in the answer."""
    try:
        event_id = msgspec.json.decode(raw, type=_EventIdOnly).event_id
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return event_id if len(event_id) <= EVENT_ID_CHARACTERS_MAX else None


def parse_source(raw: msgspec.Raw) -> str | None:
    """Read the source of an item that is otherwise unreadable, to count it there."""
    try:
        return msgspec.json.decode(raw, type=_SourceOnly).source
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def compute_counts(outcomes: Iterable[ItemOutcome]) -> dict[Outcome, int]:
    """Count the items by outcome; every outcome is named, and together they are all items."""
    counted = Counter(outcome.outcome for outcome in outcomes)
    return {outcome: counted[outcome] for outcome in get_args(Outcome)}

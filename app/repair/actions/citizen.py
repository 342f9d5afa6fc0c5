"""What a citizen does with objections: report, read, take back."""

from __future__ import annotations

import secrets
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from app.citizen.actions import identity as identity_actions
from app.event.actions import insert_events
from app.event.feed import NewEvent
from app.kit.check import Check
from app.kit.clock import now, uuid7
from app.kit.db.database import is_in_transaction, transaction
from app.kit.errors import IdempotencyKeyReused, InvalidRequest, NotFound
from app.kit.outside.rate_limit import LocalLimit
from app.kit.security.crypto import decrypt_field, encrypt_field
from app.record.actions.read import find_record
from app.record.fault import find_kind
from app.repair.objection import (
    ANSWER_WORKING_DAYS,
    EVENTS,
    NUMBER_RANDOM_BYTES,
    OBJECTION_MOVES,
    OPEN_OBJECTIONS_MAX,
    RECEIVED,
    ObjectionAction,
    ObjectionKind,
    compute_number,
    parse_text,
)
from app.repair.queries import objections as objections_queries
from app.repair.refusals import ObjectionOpen, ObjectionStateUnsuitable, TooManyObjections
from app.repair.ticket import Ticket
from app.settings import read_settings
from app.values.days import shanghai_day
from app.values.fault import Fault
from app.values.reason import Reason
from app.values.working_days import SHIPPED_CALENDAR, compute_due_day, knows_year, parse_calendar

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

    from app.event.feed import EventType
    from app.kit.security.auth import CitizenCaller
    from app.record.stored import StoredRecord

TEXT_COLUMN, ANSWER_COLUMN = "objection.text", "objection.answer"
# The number of open tickets alone limits nothing: a ticket that is withdrawn at once stays as a row.
OBJECTION_LIMIT = LocalLimit("objection", 30, 3600)
CALENDAR_DAYS_AHEAD = 60


class NewObjection(msgspec.Struct, frozen=True, kw_only=True):
    """What a citizen reports, under an idempotency key of their own."""

    key: str
    digest: bytes
    kind: ObjectionKind
    record_id: UUID | None
    indicator: str | None
    honour: str | None
    source: str | None
    text: str
    is_contact_ok: bool


class Received(msgspec.Struct, frozen=True):
    """The ticket as it was received, also when the same key asks again later."""

    ticket: Ticket
    is_replayed: bool


async def receive_objection(citizen: CitizenCaller, new: NewObjection, *, at: datetime) -> Received:
    """Open a ticket with a number and a day by which it is answered; the same key gets the same ticket."""
    citizen.need_active()
    _check(new)
    text = read_text(new.text)
    OBJECTION_LIMIT.need(citizen.id)
    async with transaction():
        # A citizen's requests come one at a time: the key and the open tickets are looked up under this lock.
        await identity_actions.lock_caller(citizen.id)
        stored = await objections_queries.find_objection_by_key(citizen.id, new.key)
        if stored is not None:
            return _replay(stored, new.digest)
        ticket = _make_ticket(citizen.id, new, await _find_subject(citizen.id, new), text, at)
        await _need_room(ticket)
        while not await objections_queries.insert_objection(ticket):
            ticket = msgspec.structs.replace(ticket, number=_draw_number())
        await insert_events([make_event(RECEIVED, ticket, at)])
    return Received(ticket, is_replayed=False)


async def withdraw_objection(citizen: CitizenCaller, objection_id: UUID, *, at: datetime) -> Ticket:
    """Take an open ticket back; there is nothing to be answered or decided any more."""
    async with transaction():
        ticket = await objections_queries.find_own_objection_for_update(citizen.id, objection_id)
        if ticket is None:
            raise NotFound
        need_move(ticket, "withdraw")
        await objections_queries.mark_withdrawn(ticket.id, at)
        moved = msgspec.structs.replace(ticket, state="withdrawn", withdrawn_at=at)
        await insert_events([make_event(EVENTS["withdraw"], moved, at)])
    return moved


async def find_own_objection(citizen: CitizenCaller, objection_id: UUID) -> Ticket:
    """Find a ticket of the caller."""
    ticket = await objections_queries.find_own_objection(citizen.id, objection_id)
    if ticket is None:
        raise NotFound
    return ticket


async def delete_objections(citizen_id: UUID) -> None:
    """Delete the tickets of a citizen who leaves, inside the caller's transaction."""
    assert is_in_transaction(), "leaving is one transaction"
    await objections_queries.delete_objections(citizen_id)


def open_text(ticket: Ticket) -> str:
    """Return what the citizen wrote."""
    return decrypt_field(ticket.text_cipher, column=TEXT_COLUMN, row_id=ticket.id)


def open_answer(ticket: Ticket) -> str | None:
    """Return what the source answered."""
    if ticket.answer_cipher is None:
        return None
    return decrypt_field(ticket.answer_cipher, column=ANSWER_COLUMN, row_id=ticket.id)


def read_text(text: str) -> str:
    """Return usable text, or refuse with a pointer."""
    plain = parse_text(text)
    if plain is None:
        zh, en = "请填写普通文字，不含控制字符", "Plain text is needed, without control characters"
        raise InvalidRequest(errors=[Fault.at("/text", "text_invalid", zh, en)])
    return plain


def need_move(ticket: Ticket, action: ObjectionAction) -> None:
    """Refuse what a ticket's state does not allow."""
    if not OBJECTION_MOVES.allows(ticket.state, action):
        raise ObjectionStateUnsuitable(ticket.state)


def make_event(event_type: EventType, ticket: Ticket, at: datetime) -> NewEvent:
    """Return what happened to a ticket; nothing of what it says."""
    data: dict[str, object] = {"kind": ticket.kind, "state": ticket.state}
    return NewEvent(type=event_type, subject_id=ticket.id, citizen_id=ticket.citizen_id, at=at, data=data)


async def check_working_days() -> str | None:
    """Look whether the calendar of working days knows the holidays of the next months."""
    day = shanghai_day(now()) + timedelta(days=CALENDAR_DAYS_AHEAD)
    return None if knows_year(day.year, load_calendar()) else f"{day.year} is not in it: give WORKING_DAYS_FILE"


@cache
def load_calendar() -> dict[date, bool]:
    """Read the calendar of working days: the shipped one, and over it the centre's own."""
    files = [
        SHIPPED_CALENDAR,
        *([Path(read_settings().working_days_file)] if read_settings().working_days_file else []),
    ]
    calendar: dict[date, bool] = {}
    for file in files:
        calendar |= parse_calendar(file.read_text(encoding="utf-8-sig"))
    return calendar


def _check(new: NewObjection) -> None:
    """Refuse a body whose members do not belong together, or that names what can never be recorded."""
    if new.kind == "wrong":
        if new.record_id is None:
            raise _wrong("/recordId", "missing", "请指明有误的记录", "Name the record that is wrong")
        for pointer, value in (("/indicator", new.indicator), ("/honour", new.honour), ("/source", new.source)):
            if value is not None:
                raise _wrong(pointer, "needless", "记录本身已说明", "The record says so itself")
        return
    if new.record_id is not None:
        raise _wrong("/recordId", "needless", "缺失的记录没有编号", "A missing record has no id")
    if new.indicator is None and new.honour is None:
        return
    kind = find_kind(new.indicator, new.honour)
    if isinstance(kind, Reason):
        raise InvalidRequest(errors=[Fault.of(kind, "/honour" if new.honour else "/indicator")])


def _wrong(pointer: str, code: str, zh: str, en: str) -> InvalidRequest:
    return InvalidRequest(errors=[Fault.at(pointer, code, zh, en)])


def _replay(stored: Ticket, digest: bytes) -> Received:
    """Return a ticket as it was when it came in: what it was then never changes, so nothing more need be stored."""
    if stored.request_digest != digest:
        raise IdempotencyKeyReused
    first = msgspec.structs.replace(
        stored, state="received", asked_at=None, finding=None, answer_cipher=None, answered_at=None, answered_by=None,
        withdrawn_at=None,
    )  # fmt: skip
    return Received(first, is_replayed=True)


async def _need_room(ticket: Ticket) -> None:
    """Refuse a second open ticket on a record, and more open tickets than a citizen may have."""
    number = None if ticket.record_id is None else await objections_queries.find_open_number(ticket.record_id)
    if number is not None:
        raise ObjectionOpen(number)
    if await objections_queries.count_open(ticket.citizen_id) >= OPEN_OBJECTIONS_MAX:
        raise TooManyObjections


async def _find_subject(citizen_id: UUID, new: NewObjection) -> NewObjection | StoredRecord:
    """Return what says whose register is asked about what: the record that is wrong, or what the citizen names."""
    if new.record_id is None:
        return new
    record = await find_record(citizen_id, new.record_id)
    if record is None:
        raise NotFound
    return record


def _make_ticket(
    citizen_id: UUID, new: NewObjection, subject: NewObjection | StoredRecord, text: str, at: datetime
) -> Ticket:
    objection_id = uuid7(at)
    return Ticket(
        id=objection_id,
        number=_draw_number(),
        citizen_id=citizen_id,
        idempotency_key=new.key,
        request_digest=new.digest,
        kind=new.kind,
        record_id=new.record_id,
        indicator=subject.indicator,
        honour=subject.honour,
        source=subject.source,
        text_cipher=encrypt_field(text, column=TEXT_COLUMN, row_id=objection_id),
        is_contact_ok=new.is_contact_ok,
        state="received",
        received_at=at,
        answer_due_on=compute_due_day(shanghai_day(at), ANSWER_WORKING_DAYS, load_calendar()),
    )


def _draw_number() -> str:
    return compute_number(secrets.randbits(8 * NUMBER_RANDOM_BYTES))


CHECKS = (Check("working days known ahead", check_working_days),)

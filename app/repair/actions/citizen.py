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
from app.repair.queries.objections import ObjectionRow, SubjectRow
from app.repair.refusals import ObjectionOpen, ObjectionStateUnsuitable, TooManyObjections
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

TEXT_COLUMN, ANSWER_COLUMN = "objection.text", "objection.answer"
# Tickets that are made and withdrawn again are rows too.
OBJECTION_LIMIT = LocalLimit("objection", 30, 3600)
CALENDAR_DAYS_AHEAD = 60


class NewObjection(msgspec.Struct, frozen=True, kw_only=True):
    """What a citizen reports, under their own key."""

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

    row: ObjectionRow
    is_replayed: bool


async def receive_objection(citizen: CitizenCaller, new: NewObjection, *, at: datetime) -> Received:
    """Open a ticket with a number and a day by which it is answered; the same key gets the same ticket."""
    citizen.need_active()
    _check(new)
    text = read_text(new.text)
    OBJECTION_LIMIT.need(citizen.id)
    async with transaction():
        await identity_actions.lock_caller(
            citizen.id
        )  # one at a time: keys and open tickets are counted under this lock
        known = await objections_queries.find_objection_by_key(citizen.id, new.key)
        if known is not None:
            return _replay(known, new.digest)
        row = _make_row(citizen.id, new, await _find_subject(citizen.id, new), text, at)
        if (
            new.record_id is not None
            and (number := await objections_queries.find_open_number(new.record_id)) is not None
        ):
            raise ObjectionOpen(number)
        if await objections_queries.count_open(citizen.id) >= OPEN_OBJECTIONS_MAX:
            raise TooManyObjections
        while not await objections_queries.insert_objection(row):
            row = msgspec.structs.replace(row, number=_draw_number())
        await insert_events([make_event(RECEIVED, row, at)])
    return Received(row, is_replayed=False)


async def withdraw_objection(citizen: CitizenCaller, objection_id: UUID, *, at: datetime) -> ObjectionRow:
    """Take an open ticket back; there is nothing to be answered or decided any more."""
    async with transaction():
        row = await objections_queries.find_own_objection_for_update(citizen.id, objection_id)
        if row is None:
            raise NotFound
        need_move(row, "withdraw")
        await objections_queries.mark_withdrawn(row.id, at)
        moved = msgspec.structs.replace(row, state="withdrawn", withdrawn_at=at)
        await insert_events([make_event(EVENTS["withdraw"], moved, at)])
    return moved


async def find_own_objection(citizen: CitizenCaller, objection_id: UUID) -> ObjectionRow:
    """Find a ticket of the caller."""
    row = await objections_queries.find_own_objection(citizen.id, objection_id)
    if row is None:
        raise NotFound
    return row


async def delete_objections(citizen_id: UUID) -> None:
    """Delete the tickets of a citizen who leaves, inside the caller's transaction."""
    assert is_in_transaction(), "leaving is one transaction"
    await objections_queries.delete_objections(citizen_id)


def open_text(row: ObjectionRow) -> str:
    """Return what the citizen wrote."""
    return decrypt_field(row.text_cipher, column=TEXT_COLUMN, row_id=row.id)


def open_answer(row: ObjectionRow) -> str | None:
    """Return what the source answered."""
    if row.answer_cipher is None:
        return None
    return decrypt_field(row.answer_cipher, column=ANSWER_COLUMN, row_id=row.id)


def read_text(text: str) -> str:
    """Return usable text, or refuse with a pointer."""
    plain = parse_text(text)
    if plain is None:
        zh, en = "请填写普通文字，不含控制字符", "Plain text is needed, without control characters"
        raise InvalidRequest(errors=[Fault.at("/text", "text_invalid", zh, en)])
    return plain


def need_move(row: ObjectionRow, action: ObjectionAction) -> None:
    """Refuse what a ticket's state does not allow."""
    if not OBJECTION_MOVES.allows(row.state, action):
        raise ObjectionStateUnsuitable(row.state)


def make_event(event_type: EventType, row: ObjectionRow, at: datetime) -> NewEvent:
    """Return what happened to a ticket; nothing of what it says."""
    data: dict[str, object] = {"kind": row.kind, "state": row.state}
    return NewEvent(type=event_type, subject_id=row.id, citizen_id=row.citizen_id, at=at, data=data)


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


def _replay(known: ObjectionRow, digest: bytes) -> Received:
    """Return a ticket as it was when it came in: what it was then never changes, so nothing more need be stored."""
    if known.request_digest != digest:
        raise IdempotencyKeyReused
    first = msgspec.structs.replace(
        known, state="received", asked_at=None, finding=None, answer_cipher=None, answered_at=None, answered_by=None,
        withdrawn_at=None,
    )  # fmt: skip
    return Received(first, is_replayed=True)


async def _find_subject(citizen_id: UUID, new: NewObjection) -> SubjectRow | None:
    if new.record_id is None:
        return None
    subject = await objections_queries.find_subject(citizen_id, new.record_id)
    if subject is None:
        raise NotFound
    return subject


def _make_row(citizen_id: UUID, new: NewObjection, subject: SubjectRow | None, text: str, at: datetime) -> ObjectionRow:
    objection_id = uuid7(at)
    return ObjectionRow(
        id=objection_id,
        number=_draw_number(),
        citizen_id=citizen_id,
        idempotency_key=new.key,
        request_digest=new.digest,
        kind=new.kind,
        record_id=new.record_id,
        indicator=subject.indicator if subject else new.indicator,
        honour=subject.honour if subject else new.honour,
        source=subject.source if subject else new.source,
        text_cipher=encrypt_field(text, column=TEXT_COLUMN, row_id=objection_id),
        is_contact_ok=new.is_contact_ok,
        state="received",
        received_at=at,
        answer_due_on=compute_due_day(shanghai_day(at), ANSWER_WORKING_DAYS, load_calendar()),
    )


def _draw_number() -> str:
    return compute_number(secrets.randbits(8 * NUMBER_RANDOM_BYTES))


CHECKS = (Check("working days known ahead", check_working_days),)

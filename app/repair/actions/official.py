"""What officials do with objections: look, ask the source, write down what it answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.citizen.actions import identity as identity_actions
from app.consent.actions import insert_access
from app.consent.purposes import ACCESS_ACTIONS, NewAccess
from app.event.actions import insert_events
from app.kit.db.audit import write_audit
from app.kit.db.database import transaction
from app.kit.errors import Forbidden, NotFound
from app.kit.security.crypto import encrypt_field
from app.notice.actions.notices import insert_notices
from app.notice.message import NewNotice
from app.record.actions.read import find_record
from app.repair.actions.citizen import ANSWER_COLUMN, make_event, need_move, open_answer, open_text, read_text
from app.repair.notice import ANSWERED_KIND, ANSWERED_TITLE_EN, ANSWERED_TITLE_ZH, compute_answered_body
from app.repair.objection import AUDIT_READ, AUDITED, EVENTS, FINDINGS
from app.repair.queries import objections as objections_queries
from app.repair.queries import official as repair_official_queries
from app.repair.refusals import FindingUnsuitable
from app.values.names import mask_name

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.citizen.paper import Person
    from app.kit.security.auth import OfficialCaller
    from app.record.stored import StoredRecord
    from app.repair.objection import Finding, ObjectionAction, ObjectionState
    from app.repair.ticket import Ticket

OBJECTION_READ = ACCESS_ACTIONS.declare("objection.read")


class OpenObjection(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket with what was written and who wrote it, as far as the reader may know."""

    ticket: Ticket
    record: StoredRecord | None
    text: str
    answer: str | None
    name: str
    id_number: str | None
    phone: str | None


async def list_objections(
    official: OfficialCaller, state: ObjectionState | None, after: UUID | None, limit: int
) -> list[Ticket]:
    """Return ``limit`` + 1 tickets after an id that a caller may see; nothing personal is in a list."""
    institution_id = _find_tenant(official)
    if institution_id is None:
        return await repair_official_queries.list_objections(state, after, limit)
    return await repair_official_queries.list_objections_of(institution_id, state, after, limit)


async def read_objection(official: OfficialCaller, objection_id: UUID, *, at: datetime) -> OpenObjection:
    """Open a ticket; the citizen's access log and the audit chain say who did."""
    async with transaction():
        ticket = await _find(official, objection_id)
        person = await identity_actions.read_person(ticket.citizen_id)
        if person is None:  # left this very moment
            raise NotFound
        record = await find_record(ticket.citizen_id, ticket.record_id) if ticket.record_id else None
        opened = _open(ticket, record, person, official)
        seen = [name for name in ("record", "text", "name", "id_number", "phone") if getattr(opened, name) is not None]
        access = NewAccess(
            citizen_id=ticket.citizen_id, at=at, action=OBJECTION_READ, outcome="ok", told=seen,
            official_id=official.id, institution_id=official.institution_id,
        )  # fmt: skip
        await insert_access([access])
        await write_audit(official, action=AUDIT_READ, subject=f"objection:{ticket.id}", detail={})
    return opened


async def ask_source(official: OfficialCaller, objection_id: UUID, *, at: datetime) -> Ticket:
    """Pass a ticket on to the source; only the centre does, and an institution sees it from now on."""
    official.need_centre()
    async with transaction():
        ticket = await _lock(official, objection_id, "ask-source")
        await objections_queries.mark_asked(ticket.id, at)
        moved = msgspec.structs.replace(ticket, state="asked", asked_at=at)
        await _note(official, "ask-source", moved, {}, at)
    return moved


async def answer_objection(
    official: OfficialCaller, objection_id: UUID, *, finding: Finding, text: str, at: datetime
) -> Ticket:
    """Write down what the source found and tell the citizen; no record and no score changes by it.

    The source's own institution answers, or a caseworker of the centre on its behalf.
    """
    plain = read_text(text)
    async with transaction():
        ticket = await _lock(official, objection_id, "answer")
        if finding not in FINDINGS[ticket.kind]:
            raise FindingUnsuitable
        cipher = encrypt_field(plain, column=ANSWER_COLUMN, row_id=ticket.id)
        await objections_queries.mark_answered(ticket.id, finding, cipher, by=official.id, at=at)
        moved = msgspec.structs.replace(
            ticket, state="answered", finding=finding, answer_cipher=cipher, answered_at=at, answered_by=official.id
        )
        await insert_notices([_make_notice(moved, finding)], at=at)
        await _note(official, "answer", moved, {"finding": finding}, at)
    return moved


def _find_tenant(official: OfficialCaller) -> UUID | None:
    """Return whose sources' tickets an official sees: an institution's, or None for the centre's caseworkers: all."""
    if official.for_centre and "caseworker" not in official.roles:
        raise Forbidden
    return official.institution_id


async def _find(official: OfficialCaller, objection_id: UUID) -> Ticket:
    institution_id = _find_tenant(official)
    if institution_id is None:
        ticket = await repair_official_queries.find_objection(objection_id)
    else:
        ticket = await repair_official_queries.find_objection_of(institution_id, objection_id)
    if ticket is None:
        raise NotFound
    return ticket


async def _lock(official: OfficialCaller, objection_id: UUID, action: ObjectionAction) -> Ticket:
    """Lock a ticket for a move, and its citizen first, as leaving and withdrawing do: no two wait for each other."""
    seen = await _find(official, objection_id)
    await identity_actions.lock_accounts([seen.citizen_id])
    ticket = await objections_queries.find_own_objection_for_update(seen.citizen_id, objection_id)
    if ticket is None:
        raise NotFound
    need_move(ticket, action)
    return ticket


def _open(ticket: Ticket, record: StoredRecord | None, person: Person, official: OfficialCaller) -> OpenObjection:
    """Show who wrote as far as is needed: a record is found by its event id, a missing one only by a person's name."""
    is_looked_for = ticket.kind == "missing"
    may_call = ticket.is_contact_ok and official.for_centre
    return OpenObjection(
        ticket=ticket,
        record=record,
        text=open_text(ticket),
        answer=open_answer(ticket),
        name=person.name if is_looked_for else mask_name(person.name),
        id_number=person.id_number.number if is_looked_for else None,
        phone=person.phone if may_call else None,
    )


async def _note(
    official: OfficialCaller, action: ObjectionAction, ticket: Ticket, detail: dict[str, object], at: datetime
) -> None:
    """Write the event and the audit entry, inside the caller's transaction."""
    await insert_events([make_event(EVENTS[action], ticket, at)])
    await write_audit(official, action=AUDITED[action], subject=f"objection:{ticket.id}", detail=detail)


def _make_notice(ticket: Ticket, finding: Finding) -> NewNotice:
    body_zh, body_en = compute_answered_body(ticket.number, finding)
    return NewNotice(
        citizen_id=ticket.citizen_id,
        kind=ANSWERED_KIND,
        subject_id=ticket.id,
        title_zh=ANSWERED_TITLE_ZH,
        title_en=ANSWERED_TITLE_EN,
        body_zh=body_zh,
        body_en=body_en,
    )

"""Staff accounts: invited, confirmed by a second administrator, reset, suspended, resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.event.actions import insert_events
from app.event.feed import NewEvent
from app.kit.clock import now, uuid7
from app.kit.db.audit import write_audit
from app.kit.db.database import transaction
from app.kit.errors import ETagStale, Forbidden, InvalidRequest, NotFound
from app.kit.request.etag import need_etag
from app.official.account import ENROLMENT_LIFETIME, compute_enrolment_hash, is_username, may_hold_roles
from app.official.actions import secret as secret_actions
from app.official.moves import (
    AUDIT_CREATE,
    AUDITED,
    CREATED,
    EVENTS,
    OFFICIAL_MOVES,
    AdministratorsMove,
    compute_allowed_actions,
    may_confirm,
    needs_second,
)
from app.official.queries import accounts as accounts_queries
from app.official.queries import sessions as sessions_queries
from app.official.queries.accounts import Official
from app.official.refusals import (
    OfficialStateUnsuitable,
    OfficialSuspendedByCentre,
    OwnAccount,
    RoleOfCentre,
    SecondAdministratorNeeded,
    UsernameTaken,
)
from app.values.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal
    from uuid import UUID

    from app.event.feed import EventType
    from app.kit.security.auth import OfficialCaller
    from app.values.roles import Role
    from app.values.words import AuditAction


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """A staff member who is to enrol, and the code for it, which is shown this once."""

    official: Official
    enrolment_code: str


async def create_official(
    caller: OfficialCaller, *, username: str, roles: Sequence[Role], institution_id: UUID | None
) -> Invitation:
    """Invite a staff member of an institution, or with None of the centre."""
    if not caller.for_centre and institution_id is None:
        raise Forbidden
    if institution_id is not None and not caller.may_act_for(institution_id):
        raise NotFound
    return await _create(caller, username=username, roles=roles, institution_id=institution_id)


async def create_administrator(username: str) -> Invitation:
    """Invite an administrator of the centre from the command line, where nobody needs to confirm.

    Who has the server's command line is trusted beyond the API; the audit chain says so each time.
    """
    return await _create(None, username=username, roles=("administrator",), institution_id=None)


async def _create(
    caller: OfficialCaller | None, *, username: str, roles: Sequence[Role], institution_id: UUID | None
) -> Invitation:
    if not is_username(username):
        zh = "须为 3 至 64 个字符，限 a-z 0-9 . _ -，以字母或数字开头"
        en = "3 to 64 of a-z 0-9 . _ -, beginning with a letter or digit"
        raise InvalidRequest(errors=[Fault.at("/username", "username_invalid", zh, en)])
    if not may_hold_roles(institution_id, roles):
        raise RoleOfCentre
    at, code = now(), secret_actions.make_enrolment_code()
    row = Official(
        id=uuid7(at), username=username, institution_id=institution_id, roles=sorted(set(roles)), state="invited",
        created_at=at, enrolment_expires_at=at + ENROLMENT_LIFETIME, asked_by=caller.id if caller else None,
        needs_second=_needs_second(caller, roles, institution_id, is_reset=False),
    )  # fmt: skip
    async with transaction():
        if institution_id is not None and await accounts_queries.find_institution(institution_id) is None:
            raise NotFound
        if not await accounts_queries.insert_official(row, compute_enrolment_hash(code)):
            raise UsernameTaken
        given: dict[str, object] = {"username": username, "roles": row.roles, "institutionId": institution_id}
        await _note(caller, AUDIT_CREATE, CREATED, row, given)
    return Invitation(official=row, enrolment_code=code)


async def find_official(caller: OfficialCaller, official_id: UUID) -> Official:
    """Find a staff member of the caller's tenant."""
    return _need_own_tenant(caller, await accounts_queries.find_official(official_id))


async def confirm_official(caller: OfficialCaller, official_id: UUID, *, if_match: str | None) -> Official:
    """Let the enrolment that was read count: as a second administrator, who has checked the person."""
    async with transaction():
        row = await _lock(caller, official_id, "confirm", if_match)
        if not await accounts_queries.mark_confirmed(row.id, revision=row.revision, by=caller.id):
            raise ETagStale
        detail: dict[str, object] = {"askedBy": row.asked_by, "enrolledAt": row.enrolled_at}
        return await _finish(caller, "confirm", row, detail)


async def move_official(
    caller: OfficialCaller, official_id: UUID, move: Literal["suspend", "resume"], *, if_match: str | None
) -> Official:
    """Suspend or resume a staff member of the caller's tenant, never oneself; their tokens die."""
    async with transaction():
        row = await _lock(caller, official_id, move, if_match)
        state, by_centre = OFFICIAL_MOVES.to(row.state, move), caller.for_centre
        if not await accounts_queries.mark_moved(row.id, state, revision=row.revision, by_centre=by_centre):
            raise ETagStale
        return await _finish(caller, move, row, {})


async def reset_official(caller: OfficialCaller, official_id: UUID, *, if_match: str | None) -> Invitation:
    """Have a staff member of the caller's tenant enrol anew, never oneself; tokens and credentials die at once."""
    async with transaction():
        row = await _lock(caller, official_id, "reset", if_match)
        return await _reset(caller, row)


async def reset_administrator(username: str) -> Invitation:
    """Have an administrator of the centre enrol anew from the command line, where nobody needs to confirm."""
    async with transaction():
        found = await accounts_queries.find_official_by_name(username)
        row = await accounts_queries.find_official_for_update(found.id) if found else None
        if row is None or row.institution_id is not None or "administrator" not in row.roles:
            raise NotFound
        if row.state == "suspended":
            raise OfficialStateUnsuitable(row.state)
        return await _reset(None, row)


async def _reset(caller: OfficialCaller | None, row: Official) -> Invitation:
    code, expires_at = secret_actions.make_enrolment_code(), now() + ENROLMENT_LIFETIME
    if not await accounts_queries.mark_reset(
        row.id, revision=row.revision, enrolment_hash=compute_enrolment_hash(code), expires_at=expires_at,
        asked_by=caller.id if caller else None,
        needs_second=_needs_second(caller, row.roles, row.institution_id, is_reset=True),
    ):  # fmt: skip
        raise ETagStale
    await sessions_queries.delete_addresses(row.id)
    return Invitation(official=await _finish(caller, "reset", row, {}), enrolment_code=code)


def list_allowed_actions(caller: OfficialCaller, row: Official) -> list[AdministratorsMove]:
    """Return what the caller, an administrator, may do with an account as it is now."""
    return compute_allowed_actions(
        row.state,
        is_own=row.id == caller.id,
        is_second=may_confirm(caller.id, official_id=row.id, asked_by=row.asked_by),
        is_centres=row.suspended_by_centre,
        for_centre=caller.for_centre,
    )


async def _lock(caller: OfficialCaller, official_id: UUID, move: AdministratorsMove, if_match: str | None) -> Official:
    """Lock an account for a move: refuse one's own, another version than was read, and what its state forbids."""
    row = _need_own_tenant(caller, await accounts_queries.find_official_for_update(official_id))
    if row.id == caller.id:
        raise OwnAccount
    need_etag(if_match, row.revision)
    if move in list_allowed_actions(caller, row):
        return row
    if move == "confirm" and row.state == "enrolled":
        raise SecondAdministratorNeeded
    if move == "resume" and row.state == "suspended":
        raise OfficialSuspendedByCentre
    raise OfficialStateUnsuitable(row.state)


def _need_own_tenant(caller: OfficialCaller, row: Official | None) -> Official:
    if row is None or (not caller.for_centre and row.institution_id != caller.institution_id):
        raise NotFound
    return row


def _needs_second(
    caller: OfficialCaller | None, roles: Sequence[Role], institution_id: UUID | None, *, is_reset: bool
) -> bool:
    if caller is None:
        return False
    return needs_second(roles, institution_id, for_centre=caller.for_centre, is_reset=is_reset)


async def _finish(
    caller: OfficialCaller | None, move: AdministratorsMove, row: Official, detail: dict[str, object]
) -> Official:
    """Write down a move and return the account as it now is."""
    moved = await accounts_queries.find_official(row.id)
    assert moved is not None
    await _note(caller, AUDITED[move], EVENTS[move], moved, detail)
    return moved


async def _note(
    caller: OfficialCaller | None,
    action: AuditAction,
    event_type: EventType,
    row: Official,
    detail: dict[str, object],
) -> None:
    """Audit a change of staff and write its event; the event names no institution, so no partner's feed shows it."""
    await insert_events([NewEvent(type=event_type, subject_id=row.id, at=now())])
    await write_audit(caller, action=action, subject=f"official:{row.id}", detail=detail)

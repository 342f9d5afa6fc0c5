"""Staff accounts: created, suspended, resumed, reset by another administrator."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

import msgspec

from app.event.actions import NewEvent, insert_events
from app.kit.audit import write_audit
from app.kit.clock import now, uuid7
from app.kit.database import transaction
from app.kit.errors import FieldError, Forbidden, InvalidRequest, NotFound, Reason, Refusal
from app.official import actions_secret, queries
from app.official.queries import OfficialRow
from app.official.rules import MOVED, STATES_ZH, Move, State, is_username, may_hold_roles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from app.kit.auth import OfficialCaller, Role

MOVE_EVENTS: dict[Move, str] = {"suspend": "official.suspended.v1", "resume": "official.resumed.v1"}


class UsernameTaken(Refusal):
    """This username is taken."""

    code: ClassVar[str] = "username_taken"
    zh: ClassVar[str] = "用户名已被占用"


class RoleOfCentre(Refusal):
    """Reviewers, caseworkers, importers and auditors belong to the credit centre, not to an institution."""

    code: ClassVar[str] = "role_of_centre"
    status_code: ClassVar[int] = 422
    zh: ClassVar[str] = "审核、办理、导入、审计角色仅限信用中心"


class OwnAccount(Refusal):
    """This takes a second administrator: nobody suspends, resumes or resets their own account."""

    code: ClassVar[str] = "own_account"
    status_code: ClassVar[int] = 403
    zh: ClassVar[str] = "须由另一名管理员操作，不能对自己的账号执行"


class OfficialStateUnsuitable(Refusal):
    """The account is in that state already."""

    code: ClassVar[str] = "official_state_unsuitable"
    zh: ClassVar[str] = "账号已处于该状态"

    def __init__(self, state: State) -> None:
        zh, en = f"当前状态：{STATES_ZH[state]}", f"the state is {state}"
        super().__init__(reasons=[Reason(code=f"state_{state}", zh=zh, en=en)])


class NewOfficial(msgspec.Struct, frozen=True, kw_only=True):
    """A staff member with the credentials that are shown this once."""

    official: OfficialRow
    password: str
    totp_secret: str
    provisioning_uri: str


async def create_official(
    caller: OfficialCaller, *, username: str, roles: Sequence[Role], institution_id: UUID | None
) -> NewOfficial:
    """Create a staff member of an institution, or with None of the centre."""
    if caller.institution_id is not None and institution_id is None:
        raise Forbidden
    if institution_id is not None and not caller.may_act_for(institution_id):
        raise NotFound
    return await _create(caller, username=username, roles=roles, institution_id=institution_id)


async def create_administrator(username: str) -> NewOfficial:
    """Create an administrator of the centre from the command line: the first one has nobody to ask."""
    return await _create(None, username=username, roles=("administrator",), institution_id=None)


async def _create(
    caller: OfficialCaller | None, *, username: str, roles: Sequence[Role], institution_id: UUID | None
) -> NewOfficial:
    if not is_username(username):
        detail = "3 to 64 of a-z 0-9 . _ -, beginning with a letter or digit"
        raise InvalidRequest(errors=[FieldError(pointer="/username", code="username_invalid", detail=detail)])
    if not may_hold_roles(institution_id, roles):
        raise RoleOfCentre
    at = now()
    row = OfficialRow(
        id=uuid7(at), username=username, institution_id=institution_id, roles=sorted(set(roles)), state="active",
        locked_until=None, created_at=at,
    )  # fmt: skip
    made = await asyncio.to_thread(actions_secret.make_secrets, row.id)
    async with transaction():
        if institution_id is not None and await queries.count_institutions(institution_id) == 0:
            raise NotFound
        if not await queries.insert_official(row, made.password_hash, made.totp_cipher):
            raise UsernameTaken
        given: dict[str, object] = {"username": username, "roles": row.roles, "institutionId": institution_id}
        await _note(caller, "official.create", "official.created.v1", row, given)
    return _show_once(row, made)


async def move_official(caller: OfficialCaller, official_id: UUID, move: Move) -> OfficialRow:
    """Suspend or resume a staff member of the caller's tenant, never oneself; their tokens die."""
    async with transaction():
        row = await _find_other_for_update(caller, official_id)
        if row.state == MOVED[move]:
            raise OfficialStateUnsuitable(row.state)
        await queries.mark_state(row.id, MOVED[move])
        await _note(caller, f"official.{move}", MOVE_EVENTS[move], row, {})
    return msgspec.structs.replace(row, state=MOVED[move])


async def reset_official(caller: OfficialCaller, official_id: UUID) -> NewOfficial:
    """Give a staff member of the caller's tenant new credentials, never oneself; their tokens and the old ones die."""
    made = await asyncio.to_thread(actions_secret.make_secrets, official_id)
    async with transaction():
        row = await _find_other_for_update(caller, official_id)
        await queries.mark_reset(row.id, made.password_hash, made.totp_cipher)
        await _note(caller, "official.reset", "official.reset.v1", row, {})
    return _show_once(msgspec.structs.replace(row, locked_until=None), made)


async def _find_other_for_update(caller: OfficialCaller, official_id: UUID) -> OfficialRow:
    row = await queries.find_official_for_update(official_id)
    if row is None or (caller.institution_id is not None and row.institution_id != caller.institution_id):
        raise NotFound
    if row.id == caller.id:
        raise OwnAccount
    return row


async def _note(
    caller: OfficialCaller | None, action: str, event_type: str, row: OfficialRow, detail: dict[str, object]
) -> None:
    """Audit a change of staff and write its event; no institution stands in it, so no partner's feed shows it."""
    await insert_events([NewEvent(type=event_type, subject_id=row.id, at=now())])
    await write_audit(caller, action=action, subject=f"official:{row.id}", detail=detail)


def _show_once(row: OfficialRow, made: actions_secret.NewSecrets) -> NewOfficial:
    return NewOfficial(
        official=row,
        password=made.password,
        totp_secret=made.totp_secret,
        provisioning_uri=made.provisioning_uri(row.username),
    )

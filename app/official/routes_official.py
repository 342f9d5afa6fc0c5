"""Staff sign in and out; administrators manage accounts; auditors read the chain."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Router, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.kit.address import address_of
from app.kit.auth import OfficialCaller
from app.kit.errors import Forbidden, InvalidRequest, NotFound, RateLimited, StaleCursor, Unauthenticated
from app.kit.http import refusals
from app.kit.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page
from app.official import actions, actions_manage, queries
from app.official.queries import AuditEntryRow, OfficialRow
from app.official.schemas import (
    AuditEntryView,
    InstitutionRef,
    LoginAnswer,
    LoginRequest,
    OfficialRequest,
    OfficialSecrets,
    OfficialView,
    SignedInOfficial,
)

ADMINISTRATOR = {"roles": ["administrator"]}
EVERY_ROLE = {"roles": ["editor", "reviewer", "caseworker", "auditor", "importer", "administrator"]}
AuditNumber = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


@post(
    "/login",
    operation_id="loginOfficial",
    status_code=200,
    responses=refusals(InvalidRequest, actions.LoginFailed, RateLimited),
)
async def log_in(request: Request[Any, Any, State], data: JSONBody[LoginRequest]) -> LoginAnswer:
    """Sign in with password and TOTP code; five failed tries lock the account for 15 minutes."""
    signed_in = await actions.log_in(data.username, data.password, data.totp, address=address_of(request))
    account = signed_in.account
    institution = None
    if account.institution_id is not None and account.institution_name is not None:
        institution = InstitutionRef(id=account.institution_id, name=account.institution_name)
    who = SignedInOfficial(id=account.id, username=account.username, roles=account.roles, institution=institution)
    return LoginAnswer(
        access_token=signed_in.token, expires_in=signed_in.expires_in, expires_at=signed_in.expires_at, official=who
    )


@post("/logout", operation_id="logoutOfficial", status_code=204, opt=EVERY_ROLE, responses=refusals(Unauthenticated))
async def log_out(official: NamedDependency[OfficialCaller]) -> None:
    """Let every token of the caller die."""
    await actions.log_out(official)


@post(
    "/officials",
    operation_id="createOfficial",
    status_code=201,
    opt=ADMINISTRATOR,
    responses=refusals(
        InvalidRequest,
        Unauthenticated,
        Forbidden,
        NotFound,
        actions_manage.UsernameTaken,
        actions_manage.RoleOfCentre,
    ),
)
async def create_official(
    official: NamedDependency[OfficialCaller], data: JSONBody[OfficialRequest]
) -> OfficialSecrets:
    """Create a staff member; the password and TOTP secret are shown this once."""
    made = await actions_manage.create_official(
        official, username=data.username, roles=data.roles, institution_id=data.institution_id
    )
    return _show_secrets(made)


@get(
    "/officials",
    operation_id="listOfficials",
    status_code=200,
    opt=ADMINISTRATOR,
    responses=refusals(InvalidRequest, StaleCursor, Unauthenticated, Forbidden),
)
async def list_officials(
    official: NamedDependency[OfficialCaller], cursor: Cursor = None, limit: Limit = PAGE_SIZE_DEFAULT
) -> Page[OfficialView]:
    """List staff: an institution's administrator sees its own, the centre's sees all."""
    rows = await queries.list_officials(official.institution_id, decode_cursor(cursor, UUID), limit)
    return make_page(rows, limit, _show, lambda row: row.id)


CHANGING = refusals(
    Unauthenticated,
    Forbidden,
    actions_manage.OwnAccount,
    NotFound,
    actions_manage.OfficialStateUnsuitable,
)


@post(
    "/officials/{official_id:uuid}/suspend",
    operation_id="suspendOfficial",
    status_code=200,
    opt=ADMINISTRATOR,
    responses=CHANGING,
)
async def suspend_official(official: NamedDependency[OfficialCaller], official_id: FromPath[UUID]) -> OfficialView:
    """Suspend a staff member; their tokens die at once."""
    return _show(await actions_manage.move_official(official, official_id, "suspend"))


@post(
    "/officials/{official_id:uuid}/resume",
    operation_id="resumeOfficial",
    status_code=200,
    opt=ADMINISTRATOR,
    responses=CHANGING,
)
async def resume_official(official: NamedDependency[OfficialCaller], official_id: FromPath[UUID]) -> OfficialView:
    """Let a suspended staff member sign in again."""
    return _show(await actions_manage.move_official(official, official_id, "resume"))


@post(
    "/officials/{official_id:uuid}/reset",
    operation_id="resetOfficial",
    status_code=200,
    opt=ADMINISTRATOR,
    responses=refusals(Unauthenticated, Forbidden, actions_manage.OwnAccount, NotFound),
)
async def reset_official(official: NamedDependency[OfficialCaller], official_id: FromPath[UUID]) -> OfficialSecrets:
    """Give another staff member a new password and TOTP secret, shown this once; their tokens die at once."""
    return _show_secrets(await actions_manage.reset_official(official, official_id))


@get(
    "/audit",
    operation_id="listAuditEntries",
    status_code=200,
    opt={"roles": ["auditor"]},
    responses=refusals(InvalidRequest, StaleCursor, Unauthenticated, Forbidden),
)
async def list_audit_entries(
    official: NamedDependency[OfficialCaller], cursor: Cursor = None, limit: Limit = PAGE_SIZE_DEFAULT
) -> Page[AuditEntryView]:
    """Read the audit chain, the newest entry first; auditors are the centre's."""
    if official.institution_id is not None:
        raise Forbidden
    rows = await queries.list_audit_entries(decode_cursor(cursor, AuditNumber), limit)
    return make_page(rows, limit, _show_entry, lambda row: row.number)


def _show(row: OfficialRow) -> OfficialView:
    return OfficialView(
        id=row.id,
        username=row.username,
        roles=row.roles,
        institution_id=row.institution_id,
        state=row.state,
        locked_until=row.locked_until,
        created_at=row.created_at,
        allowed_actions=row.allowed_actions,
    )


def _show_secrets(made: actions.NewOfficial) -> OfficialSecrets:
    return OfficialSecrets(
        official=_show(made.official),
        password=made.password,
        totp_secret=made.totp_secret,
        provisioning_uri=made.provisioning_uri,
    )


def _show_entry(row: AuditEntryRow) -> AuditEntryView:
    return AuditEntryView(
        number=row.number,
        at=row.at,
        actor_id=row.actor_id,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        detail=msgspec.json.decode(row.detail),
        hash=row.hash.hex(),
    )


router = Router(
    "/v1/official",
    route_handlers=[
        log_in,
        log_out,
        create_official,
        list_officials,
        suspend_official,
        resume_official,
        reset_official,
        list_audit_entries,
    ],
    tags=["official"],
)

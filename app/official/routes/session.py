"""Staff enrol, sign in and out; auditors read the chain; administrators manage accounts beside."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.kit.db.audit import AuditEntry, list_entries
from app.kit.errors import Forbidden, InvalidRequest, Overloaded, RateLimited, StaleCursor, Unauthenticated
from app.kit.request.address import address_of
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import AnyRequest, refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page
from app.kit.web.show import show
from app.official.actions import enrol as enrol_actions
from app.official.actions import session as session_actions
from app.official.refusals import EnrolmentCodeInvalid, EnrolmentProofWrong, LoginFailed
from app.official.routes.accounts import MOVES, NO_STORE
from app.official.schemas import (
    AuditEntryView,
    CompletedEnrolment,
    EnrolmentCompletion,
    EnrolmentRequest,
    InstitutionRef,
    LoginAnswer,
    LoginRequest,
    OpenedEnrolment,
    SignedInOfficial,
)

EVERY_ROLE = {"roles": ["editor", "reviewer", "caseworker", "auditor", "importer", "administrator"]}
AuditNumber = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


@post(
    "/login",
    operation_id="loginOfficial",
    status_code=200,
    responses=refusals(InvalidRequest, LoginFailed, RateLimited, Overloaded),
)
async def log_in(request: AnyRequest, data: JSONBody[LoginRequest]) -> LoginAnswer:
    """Sign in with password and TOTP code; wrong tries slow down where they come from and lock nobody out."""
    signed_in = await session_actions.log_in(data.username, data.password, data.totp, address=address_of(request))
    account = signed_in.account
    institution = None
    if account.institution_id is not None and account.institution_name is not None:
        institution = InstitutionRef(id=account.institution_id, name=account.institution_name)
    official = show(SignedInOfficial, account, institution=institution)
    return show(LoginAnswer, signed_in, access_token=signed_in.token, official=official)


@post("/logout", operation_id="logoutOfficial", status_code=204, opt=EVERY_ROLE, responses=refusals(Unauthenticated))
async def log_out(official: NamedDependency[OfficialCaller]) -> None:
    """Let every token of the caller die."""
    await session_actions.log_out(official)


@post(
    "/enrolments",
    operation_id="openEnrolment",
    status_code=200,
    responses=refusals(InvalidRequest, EnrolmentCodeInvalid, RateLimited),
)
async def open_enrolment(request: AnyRequest, data: JSONBody[EnrolmentRequest]) -> Response[OpenedEnrolment]:
    """Begin to enrol with the one-time code: a new TOTP secret, which nobody else is shown."""
    opened = await enrol_actions.open_enrolment(data.code, address=address_of(request))
    return Response(show(OpenedEnrolment, opened), headers=NO_STORE)


@post(
    "/enrolments/complete",
    operation_id="completeEnrolment",
    status_code=200,
    responses=refusals(InvalidRequest, EnrolmentCodeInvalid, EnrolmentProofWrong, RateLimited),
)
async def complete_enrolment(request: AnyRequest, data: JSONBody[EnrolmentCompletion]) -> CompletedEnrolment:
    """Choose a password and prove the TOTP secret; the code is used up, and a second administrator may be needed."""
    enrolled = await enrol_actions.complete_enrolment(data.code, data.password, data.totp, address=address_of(request))
    return show(CompletedEnrolment, enrolled)


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
    official.need_centre()
    entries = await list_entries(decode_cursor(cursor, AuditNumber), limit)
    return make_page(entries, limit, _show_entry, lambda entry: entry.number)


def _show_entry(entry: AuditEntry) -> AuditEntryView:
    return show(AuditEntryView, entry, detail=msgspec.json.decode(entry.detail), hash=entry.hash.hex())


router = Router(
    "/v1/official",
    route_handlers=[
        log_in,
        log_out,
        open_enrolment,
        complete_enrolment,
        *MOVES,
        list_audit_entries,
    ],
    tags=["official"],
)

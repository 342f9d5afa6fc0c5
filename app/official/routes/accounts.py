"""Administrators manage accounts: invite, confirm, reset, suspend, resume."""

from __future__ import annotations

from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.kit.errors import Forbidden, InvalidRequest, NotFound, StaleCursor, Unauthenticated
from app.kit.request.etag import ETAG, IfMatch, answer_with_etag, compute_etag
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page
from app.kit.web.routing import move
from app.kit.web.show import show
from app.official.actions import manage as manage_actions
from app.official.queries import accounts as accounts_queries
from app.official.queries.accounts import Official
from app.official.refusals import (
    OfficialStateUnsuitable,
    OfficialSuspendedByCentre,
    OwnAccount,
    RoleOfCentre,
    SecondAdministratorNeeded,
    UsernameTaken,
)
from app.official.schemas import OfficialInvitation, OfficialRequest, OfficialView

ADMINISTRATOR = {"roles": ["administrator"]}
NO_STORE = {"Cache-Control": "no-store"}
REFUSED = (OwnAccount, OfficialStateUnsuitable)


@post(
    "/officials",
    operation_id="createOfficial",
    status_code=201,
    opt=ADMINISTRATOR,
    response_headers=ETAG,
    responses=refusals(
        InvalidRequest,
        Unauthenticated,
        Forbidden,
        NotFound,
        UsernameTaken,
        RoleOfCentre,
    ),
)
async def create_official(
    official: NamedDependency[OfficialCaller], data: JSONBody[OfficialRequest]
) -> Response[OfficialInvitation]:
    """Invite a staff member; the person enrols with the code, which is shown this once."""
    made = await manage_actions.create_official(
        official, username=data.username, roles=data.roles, institution_id=data.institution_id
    )
    return _answer_invitation(made, official, 201)


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
    accounts = await accounts_queries.list_officials(official.institution_id, decode_cursor(cursor, UUID), limit)
    return make_page(accounts, limit, lambda account: _show(account, official), lambda account: account.id)


@get(
    "/officials/{official_id:uuid}",
    operation_id="getOfficial",
    status_code=200,
    opt=ADMINISTRATOR,
    response_headers=ETAG,
    responses=refusals(Unauthenticated, Forbidden, NotFound),
)
async def get_official(
    official: NamedDependency[OfficialCaller], official_id: FromPath[UUID]
) -> Response[OfficialView]:
    """Show a staff member with the `ETag` of the account as it stands, its enrolment included."""
    return _answer(await manage_actions.find_official(official, official_id), official)


@move(
    "/officials/{official_id:uuid}/confirm",
    "confirmOfficial",
    ADMINISTRATOR,
    *REFUSED,
    SecondAdministratorNeeded,
)
async def confirm_official(
    official: NamedDependency[OfficialCaller], official_id: FromPath[UUID], if_match: IfMatch = None
) -> Response[OfficialView]:
    """Let the enrolment that was read count, having checked that it was the person; not for who asked for it."""
    return _answer(await manage_actions.confirm_official(official, official_id, if_match=if_match), official)


@move("/officials/{official_id:uuid}/suspend", "suspendOfficial", ADMINISTRATOR, *REFUSED)
async def suspend_official(
    official: NamedDependency[OfficialCaller], official_id: FromPath[UUID], if_match: IfMatch = None
) -> Response[OfficialView]:
    """Suspend a staff member; their tokens die at once."""
    return _answer(await manage_actions.move_official(official, official_id, "suspend", if_match=if_match), official)


@move(
    "/officials/{official_id:uuid}/resume",
    "resumeOfficial",
    ADMINISTRATOR,
    *REFUSED,
    OfficialSuspendedByCentre,
)
async def resume_official(
    official: NamedDependency[OfficialCaller], official_id: FromPath[UUID], if_match: IfMatch = None
) -> Response[OfficialView]:
    """Let a suspended staff member sign in again; whom the centre suspended, only the centre resumes."""
    return _answer(await manage_actions.move_official(official, official_id, "resume", if_match=if_match), official)


@move("/officials/{official_id:uuid}/reset", "resetOfficial", ADMINISTRATOR, *REFUSED)
async def reset_official(
    official: NamedDependency[OfficialCaller], official_id: FromPath[UUID], if_match: IfMatch = None
) -> Response[OfficialInvitation]:
    """Have another staff member enrol anew, by a code shown this once; tokens and credentials die at once."""
    made = await manage_actions.reset_official(official, official_id, if_match=if_match)
    return _answer_invitation(made, official, 200)


def _answer(account: Official, official: OfficialCaller) -> Response[OfficialView]:
    return answer_with_etag(_show(account, official), account.revision)


def _answer_invitation(
    made: manage_actions.Invitation, official: OfficialCaller, status_code: int
) -> Response[OfficialInvitation]:
    account = made.official
    assert account.enrolment_expires_at is not None, "a code is out"
    shown = show(OfficialInvitation, made, official=_show(account, official), expires_at=account.enrolment_expires_at)
    return Response(shown, status_code=status_code, headers={"ETag": compute_etag(account.revision)} | NO_STORE)


def _show(account: Official, official: OfficialCaller) -> OfficialView:
    allowed = manage_actions.list_allowed_actions(official, account)
    return show(OfficialView, account, needs_second_administrator=account.needs_second, allowed_actions=allowed)


MOVES = [
    create_official,
    list_officials,
    get_official,
    confirm_official,
    suspend_official,
    resume_official,
    reset_official,
]

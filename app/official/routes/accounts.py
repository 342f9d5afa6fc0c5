"""Administrators manage accounts: invite, confirm, reset, suspend, resume."""

from __future__ import annotations

from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.kit.errors import ETagMissing, ETagStale, Forbidden, InvalidRequest, NotFound, StaleCursor, Unauthenticated
from app.kit.request.etag import ETAG, IfMatch, answer_with_etag, compute_etag
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page
from app.official.actions import manage as manage_actions
from app.official.queries import accounts as accounts_queries
from app.official.queries.accounts import OfficialRow
from app.official.schemas import OfficialInvitation, OfficialRequest, OfficialView

ADMINISTRATOR = {"roles": ["administrator"]}
NO_STORE = {"Cache-Control": "no-store"}
MOVING = (
    InvalidRequest, Unauthenticated, Forbidden, manage_actions.OwnAccount, NotFound, ETagMissing, ETagStale,
    manage_actions.OfficialStateUnsuitable,
)  # fmt: skip


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
        manage_actions.UsernameTaken,
        manage_actions.RoleOfCentre,
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
    rows = await accounts_queries.list_officials(official.institution_id, decode_cursor(cursor, UUID), limit)
    return make_page(rows, limit, lambda row: _show(row, official), lambda row: row.id)


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


@post(
    "/officials/{official_id:uuid}/confirm",
    operation_id="confirmOfficial",
    status_code=200,
    opt=ADMINISTRATOR,
    response_headers=ETAG,
    responses=refusals(*MOVING, manage_actions.SecondAdministratorNeeded),
)
async def confirm_official(
    official: NamedDependency[OfficialCaller], official_id: FromPath[UUID], if_match: IfMatch = None
) -> Response[OfficialView]:
    """Let the enrolment that was read count, having checked that it was the person; not for who asked for it."""
    return _answer(await manage_actions.confirm_official(official, official_id, if_match=if_match), official)


@post(
    "/officials/{official_id:uuid}/suspend",
    operation_id="suspendOfficial",
    status_code=200,
    opt=ADMINISTRATOR,
    response_headers=ETAG,
    responses=refusals(*MOVING),
)
async def suspend_official(
    official: NamedDependency[OfficialCaller], official_id: FromPath[UUID], if_match: IfMatch = None
) -> Response[OfficialView]:
    """Suspend a staff member; their tokens die at once."""
    return _answer(await manage_actions.move_official(official, official_id, "suspend", if_match=if_match), official)


@post(
    "/officials/{official_id:uuid}/resume",
    operation_id="resumeOfficial",
    status_code=200,
    opt=ADMINISTRATOR,
    response_headers=ETAG,
    responses=refusals(*MOVING, manage_actions.OfficialSuspendedByCentre),
)
async def resume_official(
    official: NamedDependency[OfficialCaller], official_id: FromPath[UUID], if_match: IfMatch = None
) -> Response[OfficialView]:
    """Let a suspended staff member sign in again; whom the centre suspended, only the centre resumes."""
    return _answer(await manage_actions.move_official(official, official_id, "resume", if_match=if_match), official)


@post(
    "/officials/{official_id:uuid}/reset",
    operation_id="resetOfficial",
    status_code=200,
    opt=ADMINISTRATOR,
    response_headers=ETAG,
    responses=refusals(*MOVING),
)
async def reset_official(
    official: NamedDependency[OfficialCaller], official_id: FromPath[UUID], if_match: IfMatch = None
) -> Response[OfficialInvitation]:
    """Have another staff member enrol anew, by a code shown this once; tokens and credentials die at once."""
    made = await manage_actions.reset_official(official, official_id, if_match=if_match)
    return _answer_invitation(made, official, 200)


def _answer(row: OfficialRow, official: OfficialCaller) -> Response[OfficialView]:
    return answer_with_etag(_show(row, official), row.revision)


def _answer_invitation(
    made: manage_actions.Invitation, official: OfficialCaller, status_code: int
) -> Response[OfficialInvitation]:
    row = made.official
    assert row.enrolment_expires_at is not None, "a code is out"
    shown = OfficialInvitation(
        official=_show(row, official), enrolment_code=made.enrolment_code, expires_at=row.enrolment_expires_at
    )
    return Response(shown, status_code=status_code, headers={"ETag": compute_etag(row.revision)} | NO_STORE)


def _show(row: OfficialRow, official: OfficialCaller) -> OfficialView:
    return OfficialView(
        id=row.id,
        username=row.username,
        roles=row.roles,
        institution_id=row.institution_id,
        state=row.state,
        suspended_by_centre=row.suspended_by_centre,
        needs_second_administrator=row.needs_second,
        asked_by=row.asked_by,
        enrolment_expires_at=row.enrolment_expires_at,
        enrolled_at=row.enrolled_at,
        confirmed_by=row.confirmed_by,
        created_at=row.created_at,
        allowed_actions=manage_actions.list_allowed_actions(official, row),
    )


MOVES = [
    create_official,
    list_officials,
    get_official,
    confirm_official,
    suspend_official,
    resume_official,
    reset_official,
]

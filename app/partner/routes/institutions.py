"""What officials do with the directory: institutions here; their stores, terminals and keys beside."""

from __future__ import annotations

from uuid import UUID

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.kit.errors import Forbidden, InvalidRequest, NotFound, StaleCursor, Unauthenticated
from app.kit.request.etag import ETAG, IfMatch, answer_with_etag
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page
from app.kit.web.routing import move
from app.kit.web.show import show
from app.partner.actions import places as places_actions
from app.partner.queries import places as places_queries
from app.partner.queries.places import Institution
from app.partner.refusals import NameTaken, StateUnsuitable, SuspendedByCentre
from app.partner.routes.keys import KEY_ROUTES
from app.partner.routes.places import PLACE_ROUTES
from app.partner.schemas import InstitutionRequest, InstitutionView

ADMINISTRATOR = {"roles": ["administrator"]}
REFUSED = (StateUnsuitable, SuspendedByCentre)


@post(
    "",
    operation_id="createInstitution",
    status_code=201,
    opt=ADMINISTRATOR,
    response_headers=ETAG,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, NameTaken),
)
async def create_institution(
    official: NamedDependency[OfficialCaller], data: JSONBody[InstitutionRequest]
) -> Response[InstitutionView]:
    """Create an institution; for the centre's administrators."""
    return _answer(await places_actions.create_institution(official, name=data.name, kind=data.kind), official, 201)


@get(
    "",
    operation_id="listInstitutions",
    status_code=200,
    opt=ADMINISTRATOR,
    responses=refusals(InvalidRequest, StaleCursor, Unauthenticated, Forbidden),
)
async def list_institutions(
    official: NamedDependency[OfficialCaller], cursor: Cursor = None, limit: Limit = PAGE_SIZE_DEFAULT
) -> Page[InstitutionView]:
    """List institutions: the centre sees all, an institution's administrator its own."""
    rows = await places_queries.list_institutions(official.institution_id, decode_cursor(cursor, UUID), limit)
    return make_page(rows, limit, lambda row: _show(row, official), lambda row: row.id)


@get(
    "/{institution_id:uuid}",
    operation_id="getInstitution",
    status_code=200,
    opt=ADMINISTRATOR,
    response_headers=ETAG,
    responses=refusals(Unauthenticated, Forbidden, NotFound),
)
async def get_institution(
    official: NamedDependency[OfficialCaller], institution_id: FromPath[UUID]
) -> Response[InstitutionView]:
    """Show an institution with its `ETag`."""
    return _answer(await places_actions.find_institution(official, institution_id), official)


@move("/{institution_id:uuid}/suspend", "suspendInstitution", ADMINISTRATOR, *REFUSED)
async def suspend_institution(
    official: NamedDependency[OfficialCaller], institution_id: FromPath[UUID], if_match: IfMatch = None
) -> Response[InstitutionView]:
    """Suspend an institution: its keys, terminals and officials stop within a second; for the centre."""
    row = await places_actions.move_institution(official, institution_id, "suspend", if_match=if_match)
    return _answer(row, official)


@move("/{institution_id:uuid}/resume", "resumeInstitution", ADMINISTRATOR, *REFUSED)
async def resume_institution(
    official: NamedDependency[OfficialCaller], institution_id: FromPath[UUID], if_match: IfMatch = None
) -> Response[InstitutionView]:
    """Let a suspended institution go on; for the centre."""
    row = await places_actions.move_institution(official, institution_id, "resume", if_match=if_match)
    return _answer(row, official)


def _answer(institution: Institution, official: OfficialCaller, status_code: int = 200) -> Response[InstitutionView]:
    return answer_with_etag(_show(institution, official), institution.revision, status_code)


def _show(institution: Institution, official: OfficialCaller) -> InstitutionView:
    allowed = [] if official.institution_id else places_actions.list_allowed_actions(official, institution)
    return show(InstitutionView, institution, allowed_actions=allowed)


router = Router(
    "/v1/official/institutions",
    route_handlers=[
        create_institution,
        list_institutions,
        get_institution,
        suspend_institution,
        resume_institution,
        *PLACE_ROUTES,
        *KEY_ROUTES,
    ],
    tags=["partner"],
)

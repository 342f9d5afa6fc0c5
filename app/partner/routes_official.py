"""What officials do with the directory: institutions here; their stores, terminals and keys beside."""

from __future__ import annotations

from uuid import UUID

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.kit.auth import OfficialCaller
from app.kit.errors import Forbidden, InvalidRequest, NotFound, StaleCursor, Unauthenticated
from app.kit.http import refusals
from app.kit.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page
from app.partner import actions_official, queries
from app.partner.queries import InstitutionRow
from app.partner.routes_official_key import KEY_ROUTES
from app.partner.routes_official_place import PLACE_ROUTES
from app.partner.schemas import InstitutionRequest, InstitutionView

ADMINISTRATOR = {"roles": ["administrator"]}
MOVING = refusals(Unauthenticated, Forbidden, NotFound, actions_official.StateUnsuitable)


@post(
    "",
    operation_id="createInstitution",
    status_code=201,
    opt=ADMINISTRATOR,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, actions_official.NameTaken),
)
async def create_institution(
    official: NamedDependency[OfficialCaller], data: JSONBody[InstitutionRequest]
) -> InstitutionView:
    """Create an institution; for the centre's administrators."""
    return _show(await actions_official.create_institution(official, name=data.name, kind=data.kind))


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
    rows = await queries.list_institutions(official.institution_id, decode_cursor(cursor, UUID), limit)
    return make_page(rows, limit, _show, lambda row: row.id)


@get(
    "/{institution_id:uuid}",
    operation_id="getInstitution",
    status_code=200,
    opt=ADMINISTRATOR,
    responses=refusals(Unauthenticated, Forbidden, NotFound),
)
async def get_institution(official: NamedDependency[OfficialCaller], institution_id: FromPath[UUID]) -> InstitutionView:
    """Show an institution."""
    return _show(await actions_official.find_institution(official, institution_id))


@post(
    "/{institution_id:uuid}/suspend",
    operation_id="suspendInstitution",
    status_code=200,
    opt=ADMINISTRATOR,
    responses=MOVING,
)
async def suspend_institution(
    official: NamedDependency[OfficialCaller], institution_id: FromPath[UUID]
) -> InstitutionView:
    """Suspend an institution: its keys, terminals and officials stop within a second; for the centre."""
    return _show(await actions_official.move_institution(official, institution_id, "suspend"))


@post(
    "/{institution_id:uuid}/resume",
    operation_id="resumeInstitution",
    status_code=200,
    opt=ADMINISTRATOR,
    responses=MOVING,
)
async def resume_institution(
    official: NamedDependency[OfficialCaller], institution_id: FromPath[UUID]
) -> InstitutionView:
    """Let a suspended institution go on; for the centre."""
    return _show(await actions_official.move_institution(official, institution_id, "resume"))


def _show(row: InstitutionRow) -> InstitutionView:
    return InstitutionView(
        id=row.id,
        name=row.name,
        kind=row.kind,
        state=row.state,
        created_at=row.created_at,
        allowed_actions=row.allowed_actions,
    )


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

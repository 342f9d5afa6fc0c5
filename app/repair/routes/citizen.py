"""A citizen says what is wrong or missing, and follows it."""

from __future__ import annotations

from uuid import UUID

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.kit.clock import now
from app.kit.errors import (
    IdempotencyKeyInvalid,
    IdempotencyKeyReused,
    InvalidRequest,
    NotFound,
    NotJoined,
    OutcomeUnknown,
    RateLimited,
    StaleCursor,
    Unauthenticated,
)
from app.kit.request.idempotency import REPLAYED_HEADER, IdempotencyKey, check_key, digest_request
from app.kit.security.auth import CitizenCaller
from app.kit.web.http import AnyRequest, Language, language_of, refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page
from app.repair.actions import citizen as repair_citizen_actions
from app.repair.actions.citizen import NewObjection
from app.repair.queries import objections as objections_queries
from app.repair.refusals import ObjectionOpen, ObjectionStateUnsuitable, TooManyObjections
from app.repair.schemas import Objection, ObjectionRequest
from app.repair.ticket import Ticket
from app.repair.views import show_own

PATH = "/v1/me/objections"


@post(
    "/",
    operation_id="createObjection",
    status_code=201,
    responses=refusals(
        InvalidRequest, IdempotencyKeyInvalid, Unauthenticated, NotJoined, NotFound, ObjectionOpen, TooManyObjections,
        IdempotencyKeyReused, RateLimited, OutcomeUnknown,
    ),
)  # fmt: skip
async def create_objection(
    request: AnyRequest,
    data: JSONBody[ObjectionRequest],
    citizen: NamedDependency[CitizenCaller],
    idempotency_key: IdempotencyKey = None,
) -> Response[Objection]:
    """Report a record that is wrong or missing; the ticket says by which day its source has answered."""
    new = NewObjection(
        key=check_key(idempotency_key),
        digest=digest_request("POST", PATH, data),
        kind=data.kind,
        record_id=data.record_id,
        indicator=data.indicator,
        honour=data.honour,
        source=data.source,
        text=data.text,
        is_contact_ok=data.contact_ok,
    )
    received = await repair_citizen_actions.receive_objection(citizen, new, at=now())
    headers = {REPLAYED_HEADER: "true"} if received.is_replayed else {}
    return Response(_show(received.ticket, language_of(request)), headers=headers)


@get(
    "/",
    operation_id="listMyObjections",
    status_code=200,
    responses=refusals(InvalidRequest, StaleCursor, Unauthenticated),
)
async def list_my_objections(
    request: AnyRequest,
    citizen: NamedDependency[CitizenCaller],
    cursor: Cursor = None,
    limit: Limit = PAGE_SIZE_DEFAULT,
) -> Page[Objection]:
    """List your tickets, newest first."""
    rows = await objections_queries.list_own_objections(citizen.id, decode_cursor(cursor, UUID), limit)
    language = language_of(request)
    return make_page(rows, limit, lambda row: _show(row, language), lambda row: row.id)


@get(
    "/{objection_id:uuid}",
    operation_id="getMyObjection",
    status_code=200,
    responses=refusals(Unauthenticated, NotJoined, NotFound),
)
async def get_my_objection(
    request: AnyRequest, citizen: NamedDependency[CitizenCaller], objection_id: FromPath[UUID]
) -> Objection:
    """Read a ticket of yours."""
    citizen.need_active()
    return _show(await repair_citizen_actions.find_own_objection(citizen, objection_id), language_of(request))


@post(
    "/{objection_id:uuid}/withdraw",
    operation_id="withdrawObjection",
    status_code=200,
    responses=refusals(Unauthenticated, NotJoined, NotFound, ObjectionStateUnsuitable),
)
async def withdraw_objection(
    request: AnyRequest, citizen: NamedDependency[CitizenCaller], objection_id: FromPath[UUID]
) -> Objection:
    """Take a ticket back, also one that is answered."""
    citizen.need_active()
    return _show(await repair_citizen_actions.withdraw_objection(citizen, objection_id, at=now()), language_of(request))


def _show(ticket: Ticket, language: Language) -> Objection:
    text, answer = repair_citizen_actions.open_text(ticket), repair_citizen_actions.open_answer(ticket)
    return show_own(ticket, text, answer, language)


router = Router(
    PATH,
    route_handlers=[create_objection, list_my_objections, get_my_objection, withdraw_objection],
    tags=["repair"],
)

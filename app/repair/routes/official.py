"""Officials work on objections: the centre's caseworkers, and for their own sources the institutions."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from app.kit.clock import now
from app.kit.errors import Forbidden, InvalidRequest, NotFound, StaleCursor, Unauthenticated
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page
from app.kit.web.show import show
from app.repair.actions import official as repair_official_actions
from app.repair.objection import ObjectionState
from app.repair.refusals import FindingUnsuitable, ObjectionStateUnsuitable
from app.repair.schemas import AnswerRequest, ObjectedRecord, ObjectionDetail, ObjectionLine, Objector
from app.repair.ticket import Ticket
from app.repair.views import show_line
from app.values.days import shanghai_day

# An institution has no caseworkers; for its own sources its administrators answer. The centre's administrators hold
# this role too and are refused by the action.
ANSWERING = {"roles": ["caseworker", "administrator"]}


@get(
    "/",
    operation_id="listObjections",
    status_code=200,
    opt=ANSWERING,
    responses=refusals(InvalidRequest, StaleCursor, Unauthenticated, Forbidden),
)
async def list_objections(
    official: NamedDependency[OfficialCaller],
    in_state: Annotated[ObjectionState | None, QueryParameter(name="state")] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE_SIZE_DEFAULT,
) -> Page[ObjectionLine]:
    """List tickets, the one due first first: the centre all, an institution what its own sources were asked."""
    rows = await repair_official_actions.list_objections(official, in_state, decode_cursor(cursor, UUID), limit)
    today = shanghai_day(now())
    return make_page(rows, limit, lambda row: _show(row, official, today), lambda row: row.id)


@get(
    "/{objection_id:uuid}",
    operation_id="getObjection",
    status_code=200,
    opt=ANSWERING,
    responses=refusals(Unauthenticated, Forbidden, NotFound),
)
async def get_objection(official: NamedDependency[OfficialCaller], objection_id: FromPath[UUID]) -> ObjectionDetail:
    """Read a ticket with its record and what was written; its citizen sees that in the access log."""
    at = now()
    opened = await repair_official_actions.read_objection(official, objection_id, at=at)
    return show(
        ObjectionDetail,
        _show(opened.ticket, official, shanghai_day(at)),
        objector=show(Objector, opened),
        record=None if opened.record is None else show(ObjectedRecord, opened.record),
        text=opened.text,
        answer_text=opened.answer,
    )


@post(
    "/{objection_id:uuid}/ask-source",
    operation_id="askSource",
    status_code=200,
    opt={"roles": ["caseworker"]},
    responses=refusals(Unauthenticated, Forbidden, NotFound, ObjectionStateUnsuitable),
)
async def ask_source(official: NamedDependency[OfficialCaller], objection_id: FromPath[UUID]) -> ObjectionLine:
    """Ask the source to look into its register."""
    at = now()
    ticket = await repair_official_actions.ask_source(official, objection_id, at=at)
    return _show(ticket, official, shanghai_day(at))


@post(
    "/{objection_id:uuid}/answer",
    operation_id="answerObjection",
    status_code=200,
    opt=ANSWERING,
    responses=refusals(
        InvalidRequest, Unauthenticated, Forbidden, NotFound, ObjectionStateUnsuitable, FindingUnsuitable
    ),
)
async def answer_objection(
    official: NamedDependency[OfficialCaller], objection_id: FromPath[UUID], data: JSONBody[AnswerRequest]
) -> ObjectionLine:
    """Answer for the source: its own institution does, or the centre on its behalf; the citizen is told."""
    at = now()
    ticket = await repair_official_actions.answer_objection(
        official, objection_id, finding=data.finding, text=data.text, at=at
    )
    return _show(ticket, official, shanghai_day(at))


def _show(ticket: Ticket, official: OfficialCaller, today: date) -> ObjectionLine:
    return show_line(ticket, today, is_of_centre=official.for_centre)


router = Router(
    "/v1/official/objections",
    route_handlers=[list_objections, get_objection, ask_source, answer_objection],
    tags=["repair"],
)

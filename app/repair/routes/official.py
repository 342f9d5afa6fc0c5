"""Officials work on objections: the centre's caseworkers, and for their own sources the institutions."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from app.kit.clock import now
from app.kit.errors import Forbidden, InvalidRequest, NotFound, StaleCursor, Unauthenticated
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page
from app.repair.actions import official as repair_official_actions
from app.repair.objection import (
    CENTRES_ACTIONS,
    OBJECTION_MOVES,
    SOURCES_ACTIONS,
    UNANSWERED_STATES,
    ObjectionState,
    is_overdue,
)
from app.repair.queries.objections import ObjectionRow
from app.repair.refusals import FindingUnsuitable, ObjectionStateUnsuitable
from app.repair.schemas import AnswerRequest, ObjectedRecord, ObjectionDetail, ObjectionLine, Objector
from app.values.days import shanghai_day

# An institution has no caseworkers; for its own sources its administrators answer. The centre's own administrators
# are not let in by this: the action looks.
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
    record = opened.record
    return ObjectionDetail(
        **msgspec.structs.asdict(_show(opened.row, official, shanghai_day(at))),
        objector=Objector(name=opened.name, id_number=opened.id_number, phone=opened.phone),
        record=ObjectedRecord(**msgspec.structs.asdict(record)) if record else None,
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
    row = await repair_official_actions.ask_source(official, objection_id, at=at)
    return _show(row, official, shanghai_day(at))


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
    row = await repair_official_actions.answer_objection(
        official, objection_id, finding=data.finding, text=data.text, at=at
    )
    return _show(row, official, shanghai_day(at))


def _show(row: ObjectionRow, official: OfficialCaller, today: date) -> ObjectionLine:
    mine = CENTRES_ACTIONS if official.for_centre else SOURCES_ACTIONS
    return ObjectionLine(
        id=row.id,
        number=row.number,
        kind=row.kind,
        state=row.state,
        allowed_actions=OBJECTION_MOVES.allowed(row.state, mine),
        indicator=row.indicator,
        honour=row.honour,
        source=row.source,
        received_at=row.received_at,
        answer_due_on=row.answer_due_on,
        is_overdue=row.state in UNANSWERED_STATES and is_overdue(row.answer_due_on, today),
        asked_at=row.asked_at,
        answered_at=row.answered_at,
        finding=row.finding,
    )


router = Router(
    "/v1/official/objections",
    route_handlers=[list_objections, get_objection, ask_source, answer_objection],
    tags=["repair"],
)

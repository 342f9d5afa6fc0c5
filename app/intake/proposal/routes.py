"""Records that wait for a second official, over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from app.intake.proposal import actions, queries
from app.intake.proposal.moves import Decision, ProposalState, compute_allowed_actions, compute_state
from app.intake.proposal.queries import Proposal
from app.intake.proposal.refusals import (
    PersonMismatch,
    ProposalMakerIsChecker,
    ProposalStateUnsuitable,
    ProposalUnfit,
    ProposerSuspended,
)
from app.intake.proposal.schemas import ApproveProposal, RecordProposal, RejectProposal
from app.kit.clock import now
from app.kit.errors import (
    ETagMissing,
    ETagStale,
    Forbidden,
    InvalidRequest,
    NotFound,
    Refusal,
    StaleCursor,
    Unauthenticated,
)  # fmt: skip
from app.kit.request.etag import ETAG, IfMatch, answer_with_etag
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page
from app.kit.web.show import show

DECIDERS = {"roles": ["importer", "reviewer"]}
READERS = {"roles": ["importer", "reviewer", "auditor"]}
DECIDING = (
    InvalidRequest, Unauthenticated, Forbidden, NotFound, ETagMissing, ETagStale,
    ProposalStateUnsuitable, ProposalMakerIsChecker,
)  # fmt: skip


def move(verb: Decision, operation_id: str, *more: type[Refusal]) -> post:
    """Declare a decision on a proposal, which answers the proposal; it may refuse ``DECIDING`` and ``more``."""
    return post(
        f"/{{proposal_id:uuid}}/{verb}",
        operation_id=operation_id,
        status_code=200,
        opt=DECIDERS,
        response_headers=ETAG,
        responses=refusals(*DECIDING, *more),
    )


@get(
    "/",
    operation_id="listRecordProposals",
    status_code=200,
    opt=READERS,
    responses=refusals(InvalidRequest, StaleCursor, Unauthenticated, Forbidden),
)
async def list_proposals(
    official: NamedDependency[OfficialCaller],
    in_state: Annotated[ProposalState | None, QueryParameter(name="state")] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE_SIZE_DEFAULT,
) -> Page[RecordProposal]:
    """List the records that were typed in and need a second official, the oldest first; never whom they are about."""
    official.need_centre()
    rows = await queries.list_proposals(in_state, decode_cursor(cursor, UUID), limit)
    return make_page(rows, limit, lambda row: _show(row, official), lambda row: row.id)


@get(
    "/{proposal_id:uuid}",
    operation_id="getRecordProposal",
    status_code=200,
    opt=READERS,
    response_headers=ETAG,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound),
)
async def get_proposal(
    official: NamedDependency[OfficialCaller], proposal_id: FromPath[UUID]
) -> Response[RecordProposal]:
    """Show one with its `ETag`."""
    official.need_centre()
    return _answer(await actions.find_proposal(proposal_id), official)


@move("approve", "approveRecordProposal", ProposerSuspended, PersonMismatch, ProposalUnfit)
async def approve_proposal(
    official: NamedDependency[OfficialCaller],
    proposal_id: FromPath[UUID],
    data: JSONBody[ApproveProposal],
    if_match: IfMatch = None,
) -> Response[RecordProposal]:
    """Keep it, naming the person as the document does: it counts and its citizen is told from now on."""
    official.need_centre()
    row = await actions.approve_proposal(
        official, proposal_id, id_number=data.id_number, name=data.name, if_match=if_match, at=now()
    )
    return _answer(row, official)


@move("reject", "rejectRecordProposal")
async def reject_proposal(
    official: NamedDependency[OfficialCaller],
    proposal_id: FromPath[UUID],
    data: JSONBody[RejectProposal],
    if_match: IfMatch = None,
) -> Response[RecordProposal]:
    """Turn it down: nothing of it is left, and nobody else hears of it."""
    official.need_centre()
    row = await actions.reject_proposal(official, proposal_id, reason=data.reason, if_match=if_match, at=now())
    return _answer(row, official)


def _answer(row: Proposal, official: OfficialCaller) -> Response[RecordProposal]:
    return answer_with_etag(_show(row, official), row.revision)


def _show(row: Proposal, official: OfficialCaller) -> RecordProposal:
    state = compute_state(row.state, row.expires_at, now())
    return show(
        RecordProposal,
        row,
        state=state,
        allowed_actions=compute_allowed_actions(state, is_own=row.proposed_by == official.id),
        proposed_by=row.proposer,
        decided_by=row.decider,
    )


router = Router(
    "/v1/official/records/proposals",
    route_handlers=[list_proposals, get_proposal, approve_proposal, reject_proposal],
    tags=["intake"],
)

"""Where benefits may be used, and the two officials of the centre it takes to say so."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from app.campaign.review import refusals as review_refusals
from app.campaign.review.schemas import AcknowledgeRequest, RejectRequest
from app.campaign.review.views import show_flags
from app.campaign.scenario import actions, queries
from app.campaign.scenario import refusals as no
from app.campaign.scenario.moves import ProposalState
from app.campaign.scenario.queries import StoredProposal
from app.campaign.scenario.schemas import (
    ScenarioChangeRequest,
    ScenarioProposalView,
    ScenarioRequest,
    ScenarioView,
    UseView,
)
from app.campaign.terms.flags import find_scenario_flags
from app.campaign.terms.limits import Scenario
from app.kit.errors import ETagMissing, ETagStale, Forbidden, InvalidRequest, NotFound, StaleCursor, Unauthenticated
from app.kit.request.etag import ETAG, IfMatch, compute_etag
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page, whole_page
from app.kit.web.show import show

EVERY_ROLE = {"roles": ["editor", "reviewer", "caseworker", "auditor", "importer", "administrator"]}
ADMINISTRATOR = {"roles": ["administrator"]}
SAYING = (no.UseDenied, no.UseUnknown, no.ScenarioInvalid, no.ScenarioTaken)
DECIDING = (NotFound, ETagMissing, ETagStale, no.ProposalDecided)


@get(
    "/scenarios",
    operation_id="listScenarios",
    status_code=200,
    opt=EVERY_ROLE,
    responses=refusals(Unauthenticated, Forbidden),
)
async def list_scenarios(official: NamedDependency[OfficialCaller]) -> Page[ScenarioView]:  # noqa: ARG001 - who asks
    """List every scenario."""
    return whole_page([show(ScenarioView, scenario) for scenario in await queries.list_scenarios()])


@get(
    "/scenarios/{code:str}",
    operation_id="getScenario",
    status_code=200,
    opt=EVERY_ROLE,
    response_headers=ETAG,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound),
)
async def get_scenario(
    official: NamedDependency[OfficialCaller],  # noqa: ARG001 - who asks
    code: FromPath[str],
) -> Response[ScenarioView]:
    """Show a scenario; the answer's `ETag` is what a change must send as `If-Match`."""
    scenario = await queries.find_scenario(code)
    if scenario is None:
        raise NotFound
    return Response(show(ScenarioView, scenario), headers={"ETag": compute_etag(scenario.revision)})


@get(
    "/scenario-uses",
    operation_id="listScenarioUses",
    status_code=200,
    opt=EVERY_ROLE,
    responses=refusals(Unauthenticated, Forbidden),
)
async def list_uses(official: NamedDependency[OfficialCaller]) -> Page[UseView]:  # noqa: ARG001 - who asks
    """List the closed list of uses; no scenario may be put to a denied one."""
    return whole_page([show(UseView, use) for use in await queries.list_uses()])


@post(
    "/scenarios",
    operation_id="proposeScenario",
    status_code=202,
    opt=ADMINISTRATOR,
    response_headers=ETAG,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, *SAYING),
)
async def propose_scenario(
    official: NamedDependency[OfficialCaller], data: JSONBody[ScenarioRequest]
) -> Response[ScenarioProposalView]:
    """Propose a scenario for the whole city; it is there once another administrator of the centre confirms it."""
    return _answer(await actions.propose_scenario(official, show(Scenario, data)), 202)


@put(
    "/scenarios/{code:str}",
    operation_id="proposeScenarioChange",
    status_code=202,
    opt=ADMINISTRATOR,
    response_headers=ETAG,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound, ETagMissing, ETagStale, *SAYING),
)
async def propose_scenario_change(
    official: NamedDependency[OfficialCaller],
    code: FromPath[str],
    data: JSONBody[ScenarioChangeRequest],
    if_match: IfMatch = None,
) -> Response[ScenarioProposalView]:
    """Propose what a scenario shall be; it goes on as it is until another administrator confirms it."""
    scenario = show(Scenario, data, code=code)
    return _answer(await actions.propose_change(official, scenario, if_match=if_match), 202)


@get(
    "/scenario-proposals",
    operation_id="listScenarioProposals",
    status_code=200,
    opt=ADMINISTRATOR,
    responses=refusals(InvalidRequest, StaleCursor, Unauthenticated, Forbidden),
)
async def list_proposals(
    official: NamedDependency[OfficialCaller],
    proposal_state: Annotated[ProposalState | None, QueryParameter(name="state", description="Only these.")] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE_SIZE_DEFAULT,
) -> Page[ScenarioProposalView]:
    """List what scenarios were proposed, newest first."""
    official.need_centre()
    rows = await queries.list_proposals(proposal_state, decode_cursor(cursor, UUID), limit)
    return make_page(rows, limit, _show_proposal, lambda row: row.id)


@get(
    "/scenario-proposals/{proposal_id:uuid}",
    operation_id="getScenarioProposal",
    status_code=200,
    opt=ADMINISTRATOR,
    response_headers=ETAG,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound),
)
async def get_proposal(
    official: NamedDependency[OfficialCaller], proposal_id: FromPath[UUID]
) -> Response[ScenarioProposalView]:
    """Show a proposal with its `ETag`."""
    official.need_centre()
    proposal = await queries.find_proposal(proposal_id)
    if proposal is None:
        raise NotFound
    return _answer(proposal)


@post(
    "/scenario-proposals/{proposal_id:uuid}/confirm",
    operation_id="confirmScenarioProposal",
    status_code=200,
    opt=ADMINISTRATOR,
    response_headers=ETAG,
    responses=refusals(
        InvalidRequest,
        Unauthenticated,
        Forbidden,
        no.ProposerIsConfirmer,
        *DECIDING,
        review_refusals.FlagsNotAcknowledged,
        no.UseDenied,
        no.UseUnknown,
        no.ScenarioInvalid,
    ),
)
async def confirm_proposal(
    official: NamedDependency[OfficialCaller],
    proposal_id: FromPath[UUID],
    data: JSONBody[AcknowledgeRequest | None] = None,
    if_match: IfMatch = None,
) -> Response[ScenarioProposalView]:
    """Put a proposal in force, as another administrator than the one who made it: every process has it in a second."""
    words = [] if data is None else data.acknowledged_flags
    return _answer(await actions.confirm_proposal(official, proposal_id, words, if_match=if_match))


@post(
    "/scenario-proposals/{proposal_id:uuid}/reject",
    operation_id="rejectScenarioProposal",
    status_code=200,
    opt=ADMINISTRATOR,
    response_headers=ETAG,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, *DECIDING),
)
async def reject_proposal(
    official: NamedDependency[OfficialCaller],
    proposal_id: FromPath[UUID],
    data: JSONBody[RejectRequest],
    if_match: IfMatch = None,
) -> Response[ScenarioProposalView]:
    """Reject a proposal with a note; who made it takes it back in this way."""
    return _answer(await actions.reject_proposal(official, proposal_id, data.note, if_match=if_match))


def _show_proposal(proposal: StoredProposal) -> ScenarioProposalView:
    flags = show_flags(find_scenario_flags(proposal.title_zh, proposal.title_en))
    return show(ScenarioProposalView, proposal, scenario=show(ScenarioView, proposal), flags=flags)


def _answer(proposal: StoredProposal, status_code: int = 200) -> Response[ScenarioProposalView]:
    headers = {"ETag": compute_etag(proposal.revision)}
    return Response(_show_proposal(proposal), status_code=status_code, headers=headers)


router = Router(
    "/v1/official",
    route_handlers=[
        list_scenarios,
        get_scenario,
        list_uses,
        propose_scenario,
        propose_scenario_change,
        list_proposals,
        get_proposal,
        confirm_proposal,
        reject_proposal,
    ],
    tags=["campaign"],
)

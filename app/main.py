"""The application: the one list of rooms, with their callers, catalogues and lanes wired in."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from app.campaign import routes as campaign_routes
from app.campaign.catalogue import actions as catalogue_actions
from app.campaign.publishing.actions import write as write_actions
from app.campaign.publishing.moves import CAMPAIGN_MOVES
from app.campaign.scenario.moves import SCENARIO_PROPOSAL_MOVES
from app.citizen import routes as citizen_routes
from app.citizen.actions import account as account_actions
from app.citizen.paper import CITIZEN_MOVES
from app.consent import routes as consent_routes
from app.consent.purposes import ACCESS_ACTIONS
from app.credit_code import routes as credit_code_routes
from app.duties import JOBS
from app.event import actions as event_actions
from app.event import routes as event_routes
from app.event.feed import EVENT_TYPES
from app.intake import routes as intake_routes
from app.intake.file.counts import IMPORT_MOVES
from app.intake.points.actions import events as events_actions
from app.intake.proposal.moves import PROPOSAL_MOVES
from app.kit.clock import now
from app.kit.db.cache import cache_lifespan
from app.kit.db.database import database_lifespan
from app.kit.db.partitions import make_partitions
from app.kit.errors import Forbidden, Refusal
from app.kit.outside.ask import outside_lifespan
from app.kit.outside.valkey import valkey_lifespan
from app.kit.request.bodies import JSONRequest
from app.kit.request.headers import find_header
from app.kit.security.auth import CitizenCaller, OfficialCaller, PartnerCaller
from app.kit.security.keys import ensure_keys
from app.kit.web.edge import guard_edge, need_one_reading
from app.kit.web.hot import answer_first
from app.kit.web.http import answer_bug, answer_http_error, answer_refusal
from app.kit.web.openapi import RowsPlugin, make_openapi_config
from app.kit.web.routing import share_paths
from app.kit.web.status import STATUS_ROUTES, counting_lifespan
from app.membership import routes as membership_routes
from app.notice import routes as notice_routes
from app.official import routes as official_routes
from app.official.actions import authenticate as authenticate_actions
from app.official.moves import OFFICIAL_MOVES
from app.partner import routes as partner_routes
from app.partner.actions import caller as caller_actions
from app.partner.actions import keys as keys_actions
from app.partner.directory import PARTNER_MOVES
from app.record import routes as record_routes
from app.redemption import routes as redemption_routes
from app.redemption.till import routes as till_routes
from app.redemption.till.actions import lanes as lanes_actions
from app.redemption.till.actions import limits as limits_actions
from app.redemption.till.redeeming import REDEMPTION_MOVES
from app.repair import routes as repair_routes
from app.repair.objection import OBJECTION_MOVES
from app.score import routes as score_routes
from app.score.book.moves import RULE_BOOK_MOVES
from app.score.current import routes as current_routes
from app.score.preview.report import PREVIEW_MOVES
from app.values.days import shanghai_day
from app.values.moves import Moves
from app.values.words import AUDIT_ACTIONS

BODY_BYTES_MAX = 64 * 1024

ROUTERS = [
    *citizen_routes.ROUTERS,
    *consent_routes.ROUTERS,
    *notice_routes.ROUTERS,
    *membership_routes.ROUTERS,
    *record_routes.ROUTERS,
    *score_routes.ROUTERS,
    *credit_code_routes.ROUTERS,
    *redemption_routes.ROUTERS,
    *repair_routes.ROUTERS,
    *event_routes.ROUTERS,
    *partner_routes.ROUTERS,
    *official_routes.ROUTERS,
    *campaign_routes.ROUTERS,
    *intake_routes.ROUTERS,
]
# Asked most by far, and so answered before the router: ``kit.web.hot`` makes the same checks in the same order, without
# the framework's work for routes of every kind (decision 66).
HOT = (
    current_routes.get_score,
    credit_code_routes.issue_codes,
    till_routes.scan_code,
    till_routes.redeem_benefit,
)
STATES: Mapping[str, Moves[Any, Any]] = {
    "campaign": CAMPAIGN_MOVES,
    "citizen": CITIZEN_MOVES,
    "import": IMPORT_MOVES,
    "objection": OBJECTION_MOVES,
    "official": OFFICIAL_MOVES,
    "record_proposal": PROPOSAL_MOVES,
    "redemption": REDEMPTION_MOVES,
    "rule_book": RULE_BOOK_MOVES,
    "rule_book_preview": PREVIEW_MOVES,
    "scenario_proposal": SCENARIO_PROPOSAL_MOVES,
    **dict.fromkeys(("institution", "store", "terminal", "key"), PARTNER_MOVES),
}
# Every room has declared its words by now, those that the worker writes among them.
WORDS = {
    "x-access-actions": tuple(ACCESS_ACTIONS),
    "x-audit-actions": tuple(AUDIT_ACTIONS),
    "x-event-types": tuple(EVENT_TYPES),
    "x-job-names": tuple(sorted(job.name for job in JOBS)),
}
# Held in memory by every process and trusted only while the database confirms them (decision 5).
CATALOGUES = (caller_actions.directory, catalogue_actions.catalogue)

AnyRequest = Request[Any, Any, State]


async def provide_citizen(request: AnyRequest) -> CitizenCaller:
    """Authenticate a citizen by the access token."""
    return await account_actions.authenticate(find_header(request.scope, b"authorization"))


async def provide_partner(request: AnyRequest) -> PartnerCaller:
    """Authenticate an institution by its key, which must have the route's scope."""
    caller = await caller_actions.authenticate(find_header(request.scope, b"authorization"))
    if request.route_handler.opt["scope"] not in caller.scopes:
        raise Forbidden
    return caller


async def provide_official(request: AnyRequest) -> OfficialCaller:
    """Authenticate an official, who must have one of the route's roles."""
    caller = await authenticate_actions.authenticate(find_header(request.scope, b"authorization"))
    if not caller.roles & frozenset(request.route_handler.opt["roles"]):
        raise Forbidden
    return caller


@asynccontextmanager
async def lifespan(_: Litestar) -> AsyncIterator[None]:
    """Open everything a request needs, in order; close it in reverse after the lanes are drained."""
    ensure_keys()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(counting_lifespan())
        await stack.enter_async_context(database_lifespan())
        await stack.enter_async_context(valkey_lifespan())
        await stack.enter_async_context(outside_lifespan())
        await make_partitions(shanghai_day(now()))
        await event_actions.ensure_epoch()
        await stack.enter_async_context(cache_lifespan(CATALOGUES))
        await stack.enter_async_context(caller_actions.key_use_lifespan())
        await stack.enter_async_context(lanes_actions.lanes_lifespan())
        gc.collect()
        gc.freeze()  # what is loaded now is never dropped: the collector need not walk it again and again
        yield


def create_app(hot: Collection[HTTPRouteHandler] = HOT) -> Litestar:
    """Build the application; with an empty ``hot`` every request goes through the router."""
    keys_actions.MAY_GRANT["report"] = events_actions.is_source_owner
    write_actions.FENCES[:] = [limits_actions.fence_limits]
    app = Litestar(
        route_handlers=[*STATUS_ROUTES, share_paths(ROUTERS)],
        dependencies={
            "citizen": Provide(provide_citizen),
            "partner": Provide(provide_partner),
            "official": Provide(provide_official),
        },
        exception_handlers={
            Refusal: answer_refusal,
            HTTPException: answer_http_error,
            Exception: answer_bug,
        },
        lifespan=[lifespan],
        openapi_config=make_openapi_config(
            {"x-states": {name: one.published for name, one in STATES.items()}, **WORDS}
        ),
        plugins=[RowsPlugin()],
        before_request=need_one_reading,
        request_class=JSONRequest,
        request_max_body_size=BODY_BYTES_MAX,
        logging_config=None,
    )
    return guard_edge(answer_first(app, hot))

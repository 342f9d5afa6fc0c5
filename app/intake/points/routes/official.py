"""Officials set up a city app's points."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from app.intake.points.actions import setup as setup_actions
from app.intake.points.ledger import Rate
from app.intake.points.refusals import PointRuleInUse, PointRuleInvalid
from app.intake.points.schemas import PointRule, PointRuleRequest, SecretRequest, SourceSecret
from app.kit.errors import Forbidden, InvalidRequest, NotFound, Unauthenticated
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import refusals
from app.kit.web.paging import Page, whole_page
from app.kit.web.show import show
from app.values.patterns import SOURCE_CHARACTERS_MAX

ADMINISTRATOR = {"roles": ["administrator"]}
SourceCode = Annotated[str, PathParameter(max_length=SOURCE_CHARACTERS_MAX)]


@post(
    "/{source_code:str}/secret",
    operation_id="createSourceSecret",
    status_code=201,
    opt=ADMINISTRATOR,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound),
)
async def create_source_secret(
    official: NamedDependency[OfficialCaller], source_code: SourceCode, data: JSONBody[SecretRequest]
) -> SourceSecret:
    """Give a source the secret it signs its events with, shown this once."""
    created = await setup_actions.create_secret(official, source_code, overlap_seconds=data.overlap_seconds)
    return show(SourceSecret, created)


@get(
    "/{source_code:str}/point-rules",
    operation_id="listPointRules",
    status_code=200,
    opt=ADMINISTRATOR,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound),
)
async def list_point_rules(official: NamedDependency[OfficialCaller], source_code: SourceCode) -> Page[PointRule]:
    """List what a source's points become."""
    return whole_page([show(PointRule, rule) for rule in await setup_actions.list_rules(official, source_code)])


@post(
    "/{source_code:str}/point-rules",
    operation_id="setPointRule",
    status_code=200,
    opt=ADMINISTRATOR,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound, PointRuleInvalid, PointRuleInUse),
)
async def set_point_rule(
    official: NamedDependency[OfficialCaller], source_code: SourceCode, data: JSONBody[PointRuleRequest]
) -> PointRule:
    """Say what points of a kind become; the centre does, until the first event is counted."""
    rate = msgspec.convert(data, Rate, from_attributes=True)
    return show(PointRule, await setup_actions.set_rule(official, source_code, data.kind, rate))


router = Router(
    "/v1/official/sources",
    route_handlers=[create_source_secret, list_point_rules, set_point_rule],
    tags=["intake"],
)

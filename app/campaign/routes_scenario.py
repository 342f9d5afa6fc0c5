"""Where benefits may be used."""

from __future__ import annotations

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.campaign import actions_scenario, queries_write
from app.campaign import refusals as no
from app.campaign.rules_limits import Scenario
from app.campaign.schemas import ScenarioRequest, ScenarioView, UseView
from app.kit.auth import OfficialCaller
from app.kit.errors import Forbidden, InvalidRequest, Unauthenticated
from app.kit.http import refusals
from app.kit.paging import Page, whole_page

EVERY_ROLE = {"roles": ["editor", "reviewer", "caseworker", "auditor", "importer", "administrator"]}


@get(
    "/scenarios",
    operation_id="listScenarios",
    status_code=200,
    opt=EVERY_ROLE,
    responses=refusals(Unauthenticated, Forbidden),
)
async def list_scenarios(official: NamedDependency[OfficialCaller]) -> Page[ScenarioView]:  # noqa: ARG001 - who asks
    """List every scenario."""
    return whole_page([_show(scenario) for scenario in await queries_write.list_scenarios()])


@get(
    "/scenario-uses",
    operation_id="listScenarioUses",
    status_code=200,
    opt=EVERY_ROLE,
    responses=refusals(Unauthenticated, Forbidden),
)
async def list_uses(official: NamedDependency[OfficialCaller]) -> Page[UseView]:  # noqa: ARG001 - who asks
    """List the closed list of uses; no scenario may be put to a denied one."""
    uses = await queries_write.list_uses()
    return whole_page([UseView(**msgspec.structs.asdict(use)) for use in uses])


@post(
    "/scenarios",
    operation_id="createScenario",
    status_code=201,
    opt={"roles": ["administrator"]},
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, no.UseDenied, no.UseUnknown, no.ScenarioTaken),
)
async def create_scenario(official: NamedDependency[OfficialCaller], data: JSONBody[ScenarioRequest]) -> ScenarioView:
    """Add a scenario for the whole city; only the centre may."""
    scenario = Scenario(**msgspec.structs.asdict(data))
    await actions_scenario.create_scenario(official, scenario)
    return _show(scenario)


def _show(scenario: Scenario) -> ScenarioView:
    return ScenarioView(**msgspec.structs.asdict(scenario))

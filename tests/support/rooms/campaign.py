"""Campaigns in every state with a scenario of their own, and what officials do to them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from app.campaign.catalogue.actions import catalogue
from app.kit.db.cache import refresh_all
from tests.support.campaigns import Desk, act, benefit_body, campaign_body, draft, make_code, put_live
from tests.support.officials import make_official
from tests.support.right import Right

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from tests.support.world import World


async def furnish(client: AsyncClient, world: World) -> dict[str, str]:
    desk = Desk(world.partner, world.editor, world.centre_reviewer)
    return {**await _make_campaigns(client, desk), **await _make_scenarios(client)}


async def _make_campaigns(client: AsyncClient, desk: Desk) -> dict[str, str]:
    """Return the ids of a live campaign and its two benefits, of a draft, and of two that wait for review."""
    gifts = [benefit_body(code=make_code(), eligibility={"type": "everyone"}) for _ in range(5)]
    live = await put_live(client, desk, *gifts[:2])
    drafted = await draft(client, desk, gifts[2])
    waiting = [await draft(client, desk, gift) for gift in gifts[3:]]
    for campaign in waiting:
        assert (await act(client, desk.editor, campaign, "submit")).status_code == 200
    await refresh_all([catalogue])
    return {
        "live_campaign": live["id"],
        "benefit": live["benefits"][0]["id"],
        "spare_benefit": live["benefits"][1]["id"],
        "draft_campaign": drafted["id"],
        "submitted_campaign": waiting[0]["id"],
        "other_submitted_campaign": waiting[1]["id"],
    }


async def _make_scenarios(client: AsyncClient) -> dict[str, str]:
    """Return the code of a scenario, and the ids of two that are proposed."""
    maker, checker = await make_official(roles=["administrator"]), await make_official(roles=["administrator"])
    ids = []
    for _ in range(3):
        body = {"code": f"s_{secrets.token_hex(4)}", "titleZh": "场景", "titleEn": "a scenario", "use": "leisure"}
        answer = await client.post(
            "/v1/official/scenarios", json={**body, "needsName": False, "needsWithoutScore": False},
            headers=maker.headers,
        )  # fmt: skip
        assert answer.status_code == 202, answer.text
        ids.append(answer.json()["id"])
    headers = {**checker.headers, "If-Match": answer.headers["etag"]}
    done = await client.post(f"/v1/official/scenario-proposals/{ids[2]}/confirm", headers=headers)
    assert done.status_code == 200, done.text
    return {"scenario": body["code"], "scenario_proposal": ids[0], "other_scenario_proposal": ids[1]}


def _campaign(_: World) -> dict[str, Any]:
    return campaign_body(benefit_body(code=make_code(), eligibility={"type": "everyone"}))


def _scenario(_: World) -> dict[str, Any]:
    words = {"titleZh": "场景", "titleEn": "a scenario", "use": "leisure"}
    return {"code": f"s_{secrets.token_hex(4)}", **words, "needsName": False, "needsWithoutScore": False}


def _acknowledged(_: World) -> dict[str, Any]:
    return {"acknowledgedFlags": ["宗教"]}


def _scenario_change(world: World) -> dict[str, Any]:
    return {name: value for name, value in _scenario(world).items() if name != "code"}


LIVE, DRAFT = {"campaignId": "live_campaign"}, {"campaignId": "draft_campaign"}
SCENARIO_PROPOSAL = {"proposalId": "scenario_proposal"}

RIGHT = {
    "listPublicCampaigns": Right(),
    "readScoreHints": Right("citizen"),
    "draftCampaign": Right("editor", body=_campaign),
    "listCampaigns": Right("editor"),
    "getCampaign": Right("editor", LIVE),
    "editCampaign": Right("editor", DRAFT, _campaign, needs_etag=True),
    "submitCampaign": Right("editor", DRAFT, needs_etag=True),
    "listCampaignInbox": Right("centre_reviewer"),
    "approveCampaign": Right("centre_reviewer", {"campaignId": "submitted_campaign"}, _acknowledged, needs_etag=True),
    "rejectCampaign": Right(
        "centre_reviewer", {"campaignId": "other_submitted_campaign"}, lambda _: {"note": "请补充"}, needs_etag=True
    ),
    "pauseCampaign": Right("editor", LIVE, needs_etag=True),
    "resumeCampaign": Right("editor", LIVE, needs_etag=True),
    "endCampaign": Right("editor", LIVE, needs_etag=True),
    "listScenarios": Right("editor"),
    "listScenarioUses": Right("editor"),
    "checkCampaign": Right("editor", body=_campaign),
    "reviewCampaign": Right("editor", DRAFT),
    "getScenario": Right("editor", {"code": "scenario"}),
    "proposeScenario": Right("centre_administrator", body=_scenario),
    "proposeScenarioChange": Right("centre_administrator", {"code": "scenario"}, _scenario_change, needs_etag=True),
    "listScenarioProposals": Right("centre_administrator"),
    "getScenarioProposal": Right("centre_administrator", SCENARIO_PROPOSAL),
    "confirmScenarioProposal": Right("centre_administrator", SCENARIO_PROPOSAL, _acknowledged, needs_etag=True),
    "rejectScenarioProposal": Right(
        "centre_administrator", {"proposalId": "other_scenario_proposal"}, lambda _: {"note": "请补充"}, needs_etag=True
    ),
}
UNKNOWN = {"code": "nothing"}

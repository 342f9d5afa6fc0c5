"""Other rules come into force, with levels of their own: who may have what, what is said, and what may be drafted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from app.campaign.catalogue.actions import catalogue
from app.kit.clock import now
from app.kit.db.cache import refresh_all
from app.values.days import shanghai_day
from tests.support.campaigns import PATH, act, benefit_body, campaign_body, draft, make_desk, put_live
from tests.support.redeeming import code_of, find_mine, make_shopper, redeem, show_code
from tests.support.switching import LEDGER_FILE, in_force

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

    from tests.support.campaigns import Desk

LEDGER_SCORE = 1000  # the ledger's base; of a rating it would be the highest level
UNKNOWN = {"code": "level_unknown", "text": "需要等级L2，现行计分规则中没有这个等级"}


def at_least(level: str) -> dict[str, Any]:
    return benefit_body(code=f"AT_LEAST_{level}", eligibility={"type": "levelAtLeast", "level": level})


def faults_of(answer: Response) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]


async def give(client: AsyncClient, desk: Desk, *levels: str) -> list[UUID]:
    campaign = await put_live(client, desk, *map(at_least, levels))
    await refresh_all([catalogue])
    return [UUID(benefit["id"]) for benefit in campaign["benefits"]]


async def try_draft(client: AsyncClient, desk: Desk, level: str) -> Response:
    return await client.post(PATH, json=campaign_body(at_least(level)), headers=desk.editor.headers)


async def test_levels_are_those_of_the_rules_in_force(client: AsyncClient) -> None:
    desk, shopper = await make_desk(), await make_shopper(score=560, level="L2")
    (rated,) = await give(client, desk, "L2")
    waiting = await draft(client, desk, {**at_least("L3"), "code": "WAITS"})
    assert (await find_mine(client, shopper, rated))["eligible"]
    unknown = [("/benefits/0/eligibility/level", "level_unknown")]
    assert faults_of(await try_draft(client, desk, "A")) == unknown

    async with in_force(shanghai_day(now()), msgspec.json.decode(LEDGER_FILE.read_bytes())):
        mine = await find_mine(client, shopper, rated)
        assert (mine["eligible"], mine["reasons"]) == (False, [UNKNOWN])
        refused = await redeem(client, desk.partner, rated, code=show_code(shopper))
        assert (refused.status_code, code_of(refused)) == (422, "not_eligible")
        assert faults_of(await try_draft(client, desk, "L2")) == unknown
        assert faults_of(await act(client, desk.editor, waiting, "submit")) == unknown

        held, above = await give(client, desk, "A", "AAA")
        assert (await find_mine(client, shopper, held))["eligible"]
        (reason,) = (await find_mine(client, shopper, above))["reasons"]
        assert reason["text"] == "需要AAA级，您是A级，还差50分"
        hints = (await client.get("/v1/me/score/hints", headers=shopper.headers)).json()
        assert (hints["value"], hints["level"]["code"], hints["next"]["level"]) == (LEDGER_SCORE, "A", "AA")
        opens = {hint["id"]: hint["pointsNeeded"] for hint in hints["benefits"]}
        assert (opens.get(str(above)), str(rated) in opens) == (50, False)
        assert (await redeem(client, desk.partner, held, code=show_code(shopper))).status_code == 201

    assert (await find_mine(client, shopper, rated))["eligible"]
    assert (await find_mine(client, shopper, held))["reasons"][0]["code"] == "level_unknown"
    assert (await act(client, desk.editor, waiting, "submit")).status_code == 200

"""Scenes about limits: a campaign goes through review, is sold out, and a reversal gives a place back."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from app.demo.actions.stage import find_tills, redeem, scan, show_code
from app.demo.cast import EGGS_STOCK, EXCELLENT, OUTSTANDING, VILLAGER, compute_campaign
from app.demo.clients import call
from app.kit.clock import now
from app.town.places.places import RACE_SLUG, TOUR_EDITOR, TOUR_REVIEWER

if TYPE_CHECKING:
    from typing import Any

    from app.demo.actions.stage import Till, Tour

SPREAD_SECONDS = 1.5  # a second until every process knows an approved campaign, and a little for a busy machine


async def play_review(tour: Tour) -> None:
    """Let one official draft a campaign and another approve it."""
    guide = tour.guide
    guide.begin_scene("发布活动：经办与审核必须是两个人", "A campaign is published: maker and checker are two people")
    (till,) = (await find_tills(tour, RACE_SLUG))[:1]
    mine = guide.need(await call(tour.http, "GET", "/v1/partner/me", bearer=till.api_key), 200)
    document = compute_campaign(tour.run, mine["institution"]["id"], now())
    editor, reviewer = tour.officials[TOUR_EDITOR.username], tour.officials[TOUR_REVIEWER.username]
    path = "/v1/official/campaigns"
    drafted = guide.need(await call(tour.http, "POST", path, bearer=editor, body=document), 201)
    tour.campaign_id = drafted["id"]
    tour.campaign_benefits = [benefit["id"] for benefit in drafted["benefits"]]
    guide.need(await _move(tour, "submit", editor), 200)
    guide.say(
        f"惠民超市的活动“{drafted['title']}”已起草并提交：鸡蛋{EGGS_STOCK}份，立减十元不限量",
        f"the market's campaign is drafted and submitted: {EGGS_STOCK} trays of eggs, and ten yuan off for everybody",
    )
    guide.need(await _move(tour, "approve", editor), 403, "maker_is_checker")
    guide.check(
        "起草人自己点“通过”：被拒绝",
        "the one who drafted it tries to approve it: refused",
        holds=True,
    )
    live = guide.need(await _move(tour, "approve", reviewer), 200)
    guide.check(
        "信用中心的另一位工作人员审核通过，活动上线",
        "another official of the centre approves, and it is live",
        holds=live["state"] == "live",
        saw=live,
    )
    await asyncio.sleep(SPREAD_SECONDS)


async def play_sold_out(tour: Tour) -> None:
    """Let the last tray be taken, and one come back."""
    guide = tour.guide
    guide.begin_scene("领完即止；冲正以后，名额归还", "Sold out; and a reversal gives the place back")
    (till,) = (await find_tills(tour, RACE_SLUG, "总店"))[:1]
    eggs = tour.campaign_benefits[0]
    receipts = []
    for role in (VILLAGER, EXCELLENT):
        code = await show_code(tour, tour.member(role))
        receipts.append(guide.need(await redeem(tour, till, eggs, code=code), 201))
    guide.check(
        f"{VILLAGER.name}和{EXCELLENT.name}各领走一份鸡蛋",
        f"{VILLAGER.en} and {EXCELLENT.en} take a tray of eggs each",
        holds=all(receipt["state"] == "redeemed" for receipt in receipts),
        saw=receipts,
    )
    seen = await scan(tour, till, await show_code(tour, tour.member(OUTSTANDING)))
    refused = await redeem(tour, till, eggs, scan_id=seen["scanId"])
    problem = guide.need(refused, 409, "stock_gone")
    guide.check(
        f"{OUTSTANDING.name}来晚了：“{problem['title']}”",
        f"{OUTSTANDING.en} comes too late: every tray is taken",
        holds=True,
    )
    await _reverse(tour, till, receipts[-1]["id"])
    receipt = guide.need(await redeem(tour, till, eggs, scan_id=seen["scanId"]), 201)
    guide.check(
        f"同一次扫码，{OUTSTANDING.name}这回领到了",
        f"the same scan, and this time {OUTSTANDING.en} gets one",
        holds=receipt["state"] == "redeemed",
        saw=receipt,
    )


async def _reverse(tour: Tour, till: Till, redemption_id: str) -> None:
    """Undo a redemption twice under one key: the second time is the first answer again."""
    guide, key = tour.guide, secrets.token_hex(16)
    path, body = f"/v1/partner/redemptions/{redemption_id}/reverse", {"reason": "顾客退回"}
    first = await call(tour.http, "POST", path, bearer=till.api_key, body=body, key=key)
    again = await call(tour.http, "POST", path, bearer=till.api_key, body=body, key=key)
    receipt = guide.need(first, 200)
    guide.check(
        f"{EXCELLENT.name}退回鸡蛋，收银台冲正；网络不好又发了一遍，得到同一个回答",
        f"{EXCELLENT.en} gives the eggs back; the till reverses, sends it twice, and gets one and the same answer",
        holds=receipt["state"] == "reversed"
        and again.body == receipt
        and again.headers.get("idempotency-replayed") == "true",
        saw=(first, again),
    )


async def end_campaign(tour: Tour) -> None:
    """Take the tour's campaign down again."""
    tour.guide.need(await _move(tour, "end", tour.officials[TOUR_EDITOR.username]), 200)


async def read_totals(tour: Tour) -> dict[str, Any]:
    """Return the numbers of the tour's campaign by benefit, as its publisher sees them."""
    path = f"/v1/official/campaigns/{tour.campaign_id}/totals"
    answer = await call(tour.http, "GET", path, bearer=tour.officials[TOUR_EDITOR.username])
    return {row["benefitId"]: row for row in tour.guide.need(answer, 200)["benefits"]}


async def _move(tour: Tour, action: str, token: str) -> Any:
    """Read the campaign and do something to what was read."""
    path = f"/v1/official/campaigns/{tour.campaign_id}"
    seen = await call(tour.http, "GET", path, bearer=token)
    return await call(tour.http, "POST", f"{path}/{action}", bearer=token, etag=seen.headers["etag"])

"""A visit to the till: a scan, and a redemption."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from uuid import UUID

from app.kit.clock import now
from app.values.days import shanghai_day
from tests.support.codes import issue_code
from tests.support.redeeming import redeem, scan
from tests.support.right import Right

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from tests.support.world import World


async def furnish(client: AsyncClient, world: World) -> dict[str, str]:
    scanned = await scan(client, world.partner, await issue_code(client, world.citizen))
    assert scanned.status_code == 201, scanned.text
    scan_id = scanned.json()["scanId"]
    redeemed = await redeem(client, world.partner, UUID(world.ids["benefit"]), scanId=scan_id, amountFen=1000)
    assert redeemed.status_code == 201, redeemed.text
    return {
        "day": str(shanghai_day(now())), "scan": scan_id,
        "redemption": redeemed.json()["id"], "reference": redeemed.json()["reference"],
    }  # fmt: skip


def _redemption(world: World) -> dict[str, Any]:
    return {
        "scanId": world.ids["scan"], "benefitId": world.ids["spare_benefit"], "terminalId": world.ids["terminal"],
        "reference": secrets.token_hex(8), "amountFen": 1000,
    }  # fmt: skip


RIGHT = {
    "listMyBenefits": Right("citizen"),
    "listMyRedemptions": Right("citizen"),
    "listPartnerRedemptions": Right("partner"),
    "readStatement": Right("partner", {"day": "day"}),
    "scanCode": Right("partner", body=lambda world: {"code": "96" + "0" * 20, "terminalId": world.ids["terminal"]}),
    "readScan": Right("partner", {"scanId": "scan"}),
    "redeemBenefit": Right("partner", body=_redemption, needs_key=True),
    "reverseRedemption": Right(
        "partner", {"redemptionId": "redemption"}, lambda _: {"reason": "扫错商品"}, needs_key=True
    ),
    "readCampaignTotals": Right("editor", {"campaignId": "live_campaign"}),
}

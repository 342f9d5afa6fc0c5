"""A publisher's numbers over HTTP."""

from __future__ import annotations

from uuid import UUID

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.kit.errors import Forbidden, NotFound, Unauthenticated
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import refusals
from app.redemption.books.actions import totals as totals_actions
from app.redemption.books.actions.totals import Totals
from app.redemption.books.schemas import BenefitTotals, CampaignTotals


@get(
    "/campaigns/{campaign_id:uuid}/totals",
    operation_id="readCampaignTotals",
    opt={"roles": ["editor", "reviewer", "auditor"]},
    responses=refusals(Unauthenticated, Forbidden, NotFound),
)
async def read_campaign_totals(
    campaign_id: FromPath[UUID], official: NamedDependency[OfficialCaller]
) -> CampaignTotals:
    """Read how a campaign's benefits are used, without any person."""
    totals = await totals_actions.read_totals(official, campaign_id)
    return CampaignTotals(campaign_id=campaign_id, benefits=[_show(entry) for entry in totals])


def _show(entry: Totals) -> BenefitTotals:
    return BenefitTotals(
        benefit_id=entry.row.benefit_id,
        code=entry.row.code,
        title=entry.title,
        redeemed=entry.row.redeemed,
        reversed=entry.row.reversed,
        discount_fen=entry.row.discount_fen,
        stock=entry.stock,
        used=entry.used,
        remaining=entry.remaining,
    )


router = Router("/v1/official", route_handlers=[read_campaign_totals], tags=["redemption"])

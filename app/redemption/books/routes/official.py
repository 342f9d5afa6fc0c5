"""A publisher's numbers over HTTP."""

from __future__ import annotations

from uuid import UUID

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.kit.errors import Forbidden, NotFound, Unauthenticated
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import refusals
from app.kit.web.show import show
from app.redemption.books.actions import totals as totals_actions
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
    return CampaignTotals(
        campaign_id=campaign_id, benefits=[show(BenefitTotals, entry, currency="CNY") for entry in totals]
    )


router = Router("/v1/official", route_handlers=[read_campaign_totals], tags=["redemption"])

"""What anybody may read of campaigns."""

from __future__ import annotations

from uuid import UUID

from litestar import Router, get

from app.campaign.publishing.queries import read as read_queries
from app.campaign.publishing.schemas.campaigns import PublicCampaign
from app.campaign.publishing.views import show_public_campaign
from app.kit.clock import now
from app.kit.errors import InvalidRequest, StaleCursor
from app.kit.web.http import refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page


@get("/campaigns", operation_id="listPublicCampaigns", status_code=200, responses=refusals(InvalidRequest, StaleCursor))
async def list_public_campaigns(cursor: Cursor = None, limit: Limit = PAGE_SIZE_DEFAULT) -> Page[PublicCampaign]:
    """List the live campaigns, newest first, with what each benefit asks for and gives."""
    rows = await read_queries.list_public_campaigns(now(), decode_cursor(cursor, UUID), limit)
    return make_page(rows, limit, show_public_campaign, lambda row: row.id)


router = Router("/v1", route_handlers=[list_public_campaigns], tags=["campaign"])

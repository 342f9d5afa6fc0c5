"""What editors and reviewers read before a campaign comes into force."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.campaign.publishing import refusals as no
from app.campaign.publishing.actions import check as check_actions
from app.campaign.publishing.queries import read as read_queries
from app.campaign.publishing.routes.answers import EDITOR, EDITOR_OR_REVIEWER, REVIEWER, read_document
from app.campaign.publishing.schemas.campaigns import CampaignRequest
from app.campaign.publishing.schemas.review import CheckView, InboxItem
from app.campaign.publishing.views import show_check, show_inbox_item
from app.kit.clock import now
from app.kit.errors import Forbidden, InvalidRequest, NotFound, StaleCursor, Unauthenticated
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page


@post(
    "/campaigns/check",
    operation_id="checkCampaign",
    status_code=200,
    opt=EDITOR,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound, no.InstitutionMissing),
)
async def check_campaign(official: NamedDependency[OfficialCaller], data: JSONBody[CampaignRequest]) -> CheckView:
    """Say what a campaign would be refused for and what a reviewer would read, and store nothing."""
    owner = data.institution_id or official.institution_id
    if owner is None:
        raise no.InstitutionMissing
    if not official.may_act_for(owner):
        raise NotFound
    return show_check(await check_actions.review_document(read_document(data), owner, now()))


@get(
    "/campaigns/{campaign_id:uuid}/review",
    operation_id="reviewCampaign",
    status_code=200,
    opt=EDITOR_OR_REVIEWER,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound),
)
async def review_campaign(official: NamedDependency[OfficialCaller], campaign_id: FromPath[UUID]) -> CheckView:
    """Say the same of the newest version of a campaign; whoever approves acknowledges its flags."""
    row = await read_queries.find_campaign(official.institution_id, campaign_id)
    if row is None:
        raise NotFound
    return show_check(await check_actions.review_document(row.read_document(), row.institution_id, now()))


@get(
    "/campaigns/inbox",
    operation_id="listCampaignInbox",
    status_code=200,
    opt=REVIEWER,
    responses=refusals(InvalidRequest, StaleCursor, Unauthenticated, Forbidden),
)
async def list_inbox(
    official: NamedDependency[OfficialCaller], cursor: Cursor = None, limit: Limit = PAGE_SIZE_DEFAULT
) -> Page[InboxItem]:
    """List what waits for review, longest waiting first, with what the institution could then tell people apart by."""
    official.need_centre()
    rows = await read_queries.list_inbox(decode_cursor(cursor, tuple[datetime, UUID]), limit)
    reviews = await check_actions.review_waiting(rows, now())
    return make_page(
        rows, limit, lambda row: show_inbox_item(row, reviews[row.id]), lambda row: (row.submitted_at, row.id)
    )


REVIEWS = [check_campaign, review_campaign, list_inbox]

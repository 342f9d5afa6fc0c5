"""What editors and reviewers read before a campaign comes into force."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.campaign.publishing import refusals as no
from app.campaign.publishing.actions import check as check_actions
from app.campaign.publishing.actions.check import Review
from app.campaign.publishing.queries import read as read_queries
from app.campaign.publishing.routes.answers import EDITOR, REVIEWER
from app.campaign.publishing.schemas.campaigns import CampaignRequest
from app.campaign.publishing.schemas.review import (
    AgeInUse,
    CheckView,
    FaultView,
    HonourInUse,
    InboxItem,
    ReviewView,
    ThresholdInUse,
)
from app.campaign.publishing.views import show_campaign
from app.campaign.review.views import show_flags
from app.kit.clock import now
from app.kit.errors import Forbidden, InvalidRequest, NotFound, StaleCursor, Unauthenticated
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page

EDITOR_OR_REVIEWER = {"roles": ["editor", "reviewer"]}


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
    return _show_check(await check_actions.review_document(data.to_document(), owner, now()))


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
    return _show_check(await check_actions.review_document(row.read_document(), row.institution_id, now()))


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
        rows,
        limit,
        lambda row: InboxItem(
            campaign=show_campaign(row),
            institution_thresholds=[value for value, _ in reviews[row.id].in_use.thresholds],
            review=_show_review(reviews[row.id]),
        ),
        lambda row: (row.submitted_at, row.id),
    )


def _show_check(review: Review) -> CheckView:
    return CheckView(
        faults=[FaultView(**msgspec.structs.asdict(fault)) for fault in review.faults], review=_show_review(review)
    )


def _show_review(review: Review) -> ReviewView:
    in_use = review.in_use
    return ReviewView(
        thresholds=[ThresholdInUse(value=value, last_on=last_on) for value, last_on in in_use.thresholds],
        ages=[AgeInUse(value=value, last_on=last_on) for value, last_on in in_use.ages],
        honours=[
            HonourInUse(honour=honour, grade_at_least=grade, last_on=last_on)
            for (honour, grade), last_on in in_use.honours
        ],
        kinds_of_people=in_use.kinds_of_people,
        flags=show_flags(review.flags),
    )


REVIEWS = [check_campaign, review_campaign, list_inbox]

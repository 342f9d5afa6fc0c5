"""Campaigns for those who write, review and watch them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from app.campaign.publishing import refusals as no
from app.campaign.publishing.actions import write as write_actions
from app.campaign.publishing.moves import CampaignState
from app.campaign.publishing.queries import read as read_queries
from app.campaign.publishing.routes.answers import EDITOR, answer_campaign, read_document
from app.campaign.publishing.routes.moves import MOVES
from app.campaign.publishing.routes.review import REVIEWS
from app.campaign.publishing.schemas.campaigns import CampaignRequest, CampaignView
from app.campaign.publishing.views import show_campaign
from app.campaign.review import refusals as review_refusals
from app.kit.errors import ETagMissing, ETagStale, Forbidden, InvalidRequest, NotFound, StaleCursor, Unauthenticated
from app.kit.request.etag import ETAG, IfMatch
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page

READERS = {"roles": ["editor", "reviewer", "auditor", "administrator"]}
VERSION_MAX = 2**31 - 1


@post(
    "/campaigns",
    operation_id="draftCampaign",
    status_code=201,
    opt=EDITOR,
    response_headers=ETAG,
    responses=refusals(
        InvalidRequest, Unauthenticated, Forbidden, NotFound, no.InstitutionMissing, no.BenefitCodeTaken,
        review_refusals.CampaignInvalid,
    ),
)  # fmt: skip
async def draft_campaign(
    official: NamedDependency[OfficialCaller], data: JSONBody[CampaignRequest]
) -> Response[CampaignView]:
    """Draft a campaign; the answer's `ETag` is what an edit must send as `If-Match`."""
    row = await write_actions.draft_campaign(official, data.institution_id, read_document(data))
    return answer_campaign(row, 201)


@get(
    "/campaigns",
    operation_id="listCampaigns",
    status_code=200,
    opt=READERS,
    responses=refusals(InvalidRequest, StaleCursor, Unauthenticated, Forbidden),
)
async def list_campaigns(
    official: NamedDependency[OfficialCaller],
    campaign_state: Annotated[CampaignState | None, QueryParameter(name="state", description="Only these.")] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE_SIZE_DEFAULT,
) -> Page[CampaignView]:
    """List campaigns, newest first: an institution's own, or every institution's for the centre."""
    rows = await read_queries.list_campaigns(
        official.institution_id, campaign_state, decode_cursor(cursor, UUID), limit
    )
    return make_page(rows, limit, show_campaign, lambda row: row.id)


@get(
    "/campaigns/{campaign_id:uuid}",
    operation_id="getCampaign",
    status_code=200,
    opt=READERS,
    response_headers=ETAG,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound),
)
async def get_campaign(
    official: NamedDependency[OfficialCaller],
    campaign_id: FromPath[UUID],
    version: Annotated[int | None, QueryParameter(name="version", ge=1, le=VERSION_MAX)] = None,
) -> Response[CampaignView]:
    """Show a campaign with its newest version and `ETag`, or with an older version."""
    tenant = official.institution_id
    if version is None:
        row = await read_queries.find_campaign(tenant, campaign_id)
    else:
        row = await read_queries.find_campaign_version(tenant, campaign_id, version)
    if row is None:
        raise NotFound
    return answer_campaign(row)


@put(
    "/campaigns/{campaign_id:uuid}",
    operation_id="editCampaign",
    status_code=200,
    opt=EDITOR,
    response_headers=ETAG,
    responses=refusals(
        InvalidRequest,
        Unauthenticated,
        Forbidden,
        NotFound,
        ETagStale,
        no.CampaignMoveNotAllowed,
        ETagMissing,
        no.InstitutionFixed,
        no.BenefitCodeTaken,
        review_refusals.CampaignInvalid,
    ),
)
async def edit_campaign(
    official: NamedDependency[OfficialCaller],
    campaign_id: FromPath[UUID],
    data: JSONBody[CampaignRequest],
    if_match: IfMatch = None,
) -> Response[CampaignView]:
    """Replace what a campaign says; what is live goes on until the new version is approved."""
    return answer_campaign(
        await write_actions.edit_campaign(
            official, campaign_id, data.institution_id, read_document(data), if_match=if_match
        )
    )


router = Router(
    "/v1/official",
    route_handlers=[
        draft_campaign, list_campaigns, get_campaign, edit_campaign, *MOVES, *REVIEWS,
    ],
    tags=["campaign"],
)  # fmt: skip

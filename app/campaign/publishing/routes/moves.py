"""What is done with a campaign: submit, approve, reject, pause, resume, end."""

from __future__ import annotations

from uuid import UUID

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.campaign.publishing import refusals as no
from app.campaign.publishing.actions import write as write_actions
from app.campaign.publishing.routes.answers import EDITOR, REVIEWER, answer_campaign
from app.campaign.publishing.schemas.campaigns import CampaignView
from app.campaign.review import refusals as review_refusals
from app.campaign.review import refusals as review_review_refusals
from app.campaign.review.schemas import AcknowledgeRequest, RejectRequest
from app.kit.errors import ETagMissing, ETagStale, Forbidden, InvalidRequest, MakerIsChecker, NotFound, Unauthenticated
from app.kit.request.etag import ETAG, IfMatch
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import refusals

EDITOR_OR_REVIEWER = {"roles": ["editor", "reviewer"]}
MOVING = (InvalidRequest, Unauthenticated, Forbidden, NotFound, ETagMissing, ETagStale, no.CampaignMoveNotAllowed)


@post(
    "/campaigns/{campaign_id:uuid}/submit",
    operation_id="submitCampaign",
    status_code=200,
    opt=EDITOR,
    response_headers=ETAG,
    responses=refusals(*MOVING, review_review_refusals.CampaignInvalid),
)
async def submit_campaign(
    official: NamedDependency[OfficialCaller], campaign_id: FromPath[UUID], if_match: IfMatch = None
) -> Response[CampaignView]:
    """Put the newest version before the reviewers; from here on it cannot be edited."""
    return answer_campaign(await write_actions.submit_campaign(official, campaign_id, if_match=if_match))


@post(
    "/campaigns/{campaign_id:uuid}/approve",
    operation_id="approveCampaign",
    status_code=200,
    opt=REVIEWER,
    response_headers=ETAG,
    responses=refusals(
        *MOVING, MakerIsChecker, review_review_refusals.CampaignInvalid, review_refusals.FlagsNotAcknowledged
    ),
)
async def approve_campaign(
    official: NamedDependency[OfficialCaller],
    campaign_id: FromPath[UUID],
    data: JSONBody[AcknowledgeRequest | None] = None,
    if_match: IfMatch = None,
) -> Response[CampaignView]:
    """Approve the submitted version: it is in force within a second; ids, use and stock go on.

    Its flagged words must be acknowledged; without any no body is needed.
    """
    words = [] if data is None else data.acknowledged_flags
    row = await write_actions.decide_campaign(
        official, campaign_id, "approve", if_match=if_match, acknowledged_flags=words
    )
    return answer_campaign(row)


@post(
    "/campaigns/{campaign_id:uuid}/reject",
    operation_id="rejectCampaign",
    status_code=200,
    opt=REVIEWER,
    response_headers=ETAG,
    responses=refusals(*MOVING, MakerIsChecker),
)
async def reject_campaign(
    official: NamedDependency[OfficialCaller],
    campaign_id: FromPath[UUID],
    data: JSONBody[RejectRequest],
    if_match: IfMatch = None,
) -> Response[CampaignView]:
    """Send the submitted version back with a note."""
    row = await write_actions.decide_campaign(official, campaign_id, "reject", if_match=if_match, note=data.note)
    return answer_campaign(row)


@post(
    "/campaigns/{campaign_id:uuid}/pause",
    operation_id="pauseCampaign",
    status_code=200,
    opt=EDITOR_OR_REVIEWER,
    response_headers=ETAG,
    responses=refusals(*MOVING),
)
async def pause_campaign(
    official: NamedDependency[OfficialCaller], campaign_id: FromPath[UUID], if_match: IfMatch = None
) -> Response[CampaignView]:
    """Stop giving its benefits for a while."""
    return answer_campaign(await write_actions.switch_campaign(official, campaign_id, "pause", if_match=if_match))


@post(
    "/campaigns/{campaign_id:uuid}/resume",
    operation_id="resumeCampaign",
    status_code=200,
    opt=EDITOR_OR_REVIEWER,
    response_headers=ETAG,
    responses=refusals(*MOVING, no.PausedByCentre, review_review_refusals.CampaignInvalid),
)
async def resume_campaign(
    official: NamedDependency[OfficialCaller], campaign_id: FromPath[UUID], if_match: IfMatch = None
) -> Response[CampaignView]:
    """Give its benefits again; what the centre has paused, only the centre resumes."""
    return answer_campaign(await write_actions.switch_campaign(official, campaign_id, "resume", if_match=if_match))


@post(
    "/campaigns/{campaign_id:uuid}/end",
    operation_id="endCampaign",
    status_code=200,
    opt=EDITOR_OR_REVIEWER,
    response_headers=ETAG,
    responses=refusals(*MOVING),
)
async def end_campaign(
    official: NamedDependency[OfficialCaller], campaign_id: FromPath[UUID], if_match: IfMatch = None
) -> Response[CampaignView]:
    """End a campaign for good; a draft is discarded."""
    return answer_campaign(await write_actions.switch_campaign(official, campaign_id, "end", if_match=if_match))


MOVES = [submit_campaign, approve_campaign, reject_campaign, pause_campaign, resume_campaign, end_campaign]

"""What is done with a campaign: submit, approve, reject, pause, resume, end."""

from __future__ import annotations

from uuid import UUID

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.campaign.publishing import refusals as no
from app.campaign.publishing.actions import write as write_actions
from app.campaign.publishing.routes.answers import EDITOR, EDITOR_OR_REVIEWER, REVIEWER, Roles, answer_campaign
from app.campaign.publishing.schemas.campaigns import CampaignView
from app.campaign.review.refusals import CampaignInvalid, FlagsNotAcknowledged
from app.campaign.review.schemas import AcknowledgeRequest, RejectRequest
from app.kit.errors import (
    ETagMissing,
    ETagStale,
    Forbidden,
    InvalidRequest,
    MakerIsChecker,
    NotFound,
    Refusal,
    Unauthenticated,
)
from app.kit.request.etag import ETAG, IfMatch
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import refusals

MOVING = (InvalidRequest, Unauthenticated, Forbidden, NotFound, ETagMissing, ETagStale, no.CampaignMoveNotAllowed)


def move(verb: str, operation_id: str, roles: Roles, *more: type[Refusal]) -> post:
    """Declare a move by officials of some roles, which answers the campaign; it may refuse ``MOVING`` and ``more``."""
    return post(
        f"/campaigns/{{campaign_id:uuid}}/{verb}",
        operation_id=operation_id,
        status_code=200,
        opt=roles,
        response_headers=ETAG,
        responses=refusals(*MOVING, *more),
    )


@move("submit", "submitCampaign", EDITOR, CampaignInvalid)
async def submit_campaign(
    official: NamedDependency[OfficialCaller], campaign_id: FromPath[UUID], if_match: IfMatch = None
) -> Response[CampaignView]:
    """Put the newest version before the reviewers; from here on it cannot be edited."""
    return answer_campaign(await write_actions.submit_campaign(official, campaign_id, if_match=if_match))


@move("approve", "approveCampaign", REVIEWER, MakerIsChecker, CampaignInvalid, FlagsNotAcknowledged)
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
    return answer_campaign(
        await write_actions.decide_campaign(
            official, campaign_id, "approve", if_match=if_match, acknowledged_flags=words
        )
    )


@move("reject", "rejectCampaign", REVIEWER, MakerIsChecker)
async def reject_campaign(
    official: NamedDependency[OfficialCaller],
    campaign_id: FromPath[UUID],
    data: JSONBody[RejectRequest],
    if_match: IfMatch = None,
) -> Response[CampaignView]:
    """Send the submitted version back with a note."""
    return answer_campaign(
        await write_actions.decide_campaign(official, campaign_id, "reject", if_match=if_match, note=data.note)
    )


@move("pause", "pauseCampaign", EDITOR_OR_REVIEWER)
async def pause_campaign(
    official: NamedDependency[OfficialCaller], campaign_id: FromPath[UUID], if_match: IfMatch = None
) -> Response[CampaignView]:
    """Stop giving its benefits for a while."""
    return answer_campaign(await write_actions.switch_campaign(official, campaign_id, "pause", if_match=if_match))


@move("resume", "resumeCampaign", EDITOR_OR_REVIEWER, no.PausedByCentre, CampaignInvalid)
async def resume_campaign(
    official: NamedDependency[OfficialCaller], campaign_id: FromPath[UUID], if_match: IfMatch = None
) -> Response[CampaignView]:
    """Give its benefits again; what the centre has paused, only the centre resumes."""
    return answer_campaign(await write_actions.switch_campaign(official, campaign_id, "resume", if_match=if_match))


@move("end", "endCampaign", EDITOR_OR_REVIEWER)
async def end_campaign(
    official: NamedDependency[OfficialCaller], campaign_id: FromPath[UUID], if_match: IfMatch = None
) -> Response[CampaignView]:
    """End a campaign for good; a draft is discarded."""
    return answer_campaign(await write_actions.switch_campaign(official, campaign_id, "end", if_match=if_match))


MOVES = [submit_campaign, approve_campaign, reject_campaign, pause_campaign, resume_campaign, end_campaign]

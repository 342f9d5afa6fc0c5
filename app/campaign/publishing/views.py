"""How a campaign is shown, to officials and to everybody, and what reviewers read of it."""

from __future__ import annotations

from typing import Any

import msgspec

from app.campaign.publishing.moves import CAMPAIGN_MOVES
from app.campaign.publishing.queries.read import VersionedCampaign
from app.campaign.publishing.review import Review
from app.campaign.publishing.schemas.campaigns import BenefitView, CampaignView, InstitutionName, PublicCampaign
from app.campaign.publishing.schemas.review import (
    AgeInUse,
    CheckView,
    FaultView,
    HonourInUse,
    InboxItem,
    ReviewView,
    ThresholdInUse,
)
from app.campaign.review.views import show_flags
from app.kit.web.show import show


def show_campaign(campaign: VersionedCampaign) -> CampaignView:
    """Show a campaign to officials."""
    allowed = CAMPAIGN_MOVES.allowed(campaign.states)
    return show(CampaignView, campaign, allowed_actions=allowed, **_show_document(campaign))


def show_public_campaign(campaign: VersionedCampaign) -> PublicCampaign:
    """Show a campaign to everyone."""
    return show(PublicCampaign, campaign, **_show_document(campaign))


def show_inbox_item(campaign: VersionedCampaign, review: Review) -> InboxItem:
    """Show a version that waits, with what a reviewer reads of it."""
    return InboxItem(
        campaign=show_campaign(campaign),
        institution_thresholds=[value for value, _ in review.in_use.thresholds],
        review=_show_review(review),
    )


def show_check(review: Review) -> CheckView:
    """Show what is wrong with a document, and what a reviewer reads of it."""
    return CheckView(faults=[show(FaultView, fault) for fault in review.faults], review=_show_review(review))


def _show_document(campaign: VersionedCampaign) -> dict[str, Any]:
    document, ids = campaign.read_document(), campaign.read_benefit_ids()
    return {
        **msgspec.structs.asdict(document),
        "institution": InstitutionName(id=campaign.institution_id, name=campaign.institution_name),
        "benefits": [show(BenefitView, benefit, id=ids[benefit.code]) for benefit in document.benefits],
    }


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

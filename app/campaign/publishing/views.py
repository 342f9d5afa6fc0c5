"""How a campaign is shown, to officials and to everybody."""

from __future__ import annotations

from typing import Any

import msgspec

from app.campaign.publishing.moves import CAMPAIGN_MOVES
from app.campaign.publishing.queries.read import CampaignRow
from app.campaign.publishing.schemas.campaigns import BenefitView, CampaignView, InstitutionName, PublicCampaign


def show_campaign(row: CampaignRow) -> CampaignView:
    """Show a campaign to officials."""
    return CampaignView(
        id=row.id,
        state=row.state,
        paused_by_centre=row.paused_by_centre,
        allowed_actions=CAMPAIGN_MOVES.allowed(row.states),
        version=row.version,
        version_state=row.version_state,
        live_version=row.live_version,
        created_at=row.created_at,
        drafted_by=row.drafted_by,
        drafted_at=row.drafted_at,
        submitted_by=row.submitted_by,
        submitted_at=row.submitted_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        decision_note=row.decision_note,
        **_show_document(row),
    )


def show_public_campaign(row: CampaignRow) -> PublicCampaign:
    """Show a campaign to everyone."""
    return PublicCampaign(id=row.id, **_show_document(row))


def _show_document(row: CampaignRow) -> dict[str, Any]:
    document, ids = row.read_document(), row.read_benefit_ids()
    return {
        "institution": InstitutionName(id=row.institution_id, name=row.institution_name),
        "title": document.title,
        "summary": document.summary,
        "starts_at": document.starts_at,
        "ends_at": document.ends_at,
        "benefits": [
            BenefitView(id=ids[benefit.code], **msgspec.structs.asdict(benefit)) for benefit in document.benefits
        ],
    }

"""What the routes of campaigns share: who, the ETag, and how a campaign is shown."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response

from app.campaign.queries import CampaignRow
from app.campaign.rules_moves import compute_allowed_actions
from app.campaign.schemas import BenefitView, CampaignView, InstitutionName, PublicCampaign
from app.kit.etag import compute_etag

EDITOR = {"roles": ["editor"]}
REVIEWER = {"roles": ["reviewer"]}


def show_campaign(row: CampaignRow) -> CampaignView:
    """Show a campaign to officials."""
    return CampaignView(
        id=row.id,
        state=row.state,
        paused_by_centre=row.paused_by_centre,
        allowed_actions=compute_allowed_actions(row.state, row.version_state),
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


def answer_campaign(row: CampaignRow, status_code: int = 200) -> Response[CampaignView]:
    """Answer a campaign with its ETag."""
    return Response(show_campaign(row), status_code=status_code, headers={"ETag": compute_etag(row.revision)})


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

"""What the routes of campaigns share: who, and a campaign as an answer with its ETag."""

from __future__ import annotations

from litestar import Response

from app.campaign.publishing.queries.read import CampaignRow
from app.campaign.publishing.schemas.campaigns import CampaignView
from app.campaign.publishing.views import show_campaign
from app.kit.request.etag import compute_etag

EDITOR = {"roles": ["editor"]}
REVIEWER = {"roles": ["reviewer"]}


def answer_campaign(row: CampaignRow, status_code: int = 200) -> Response[CampaignView]:
    """Answer a campaign with its ETag."""
    return Response(show_campaign(row), status_code=status_code, headers={"ETag": compute_etag(row.revision)})

"""What the routes of campaigns share: the roles, a document that was sent, a campaign as an answer with its ETag."""

from __future__ import annotations

from litestar import Response

from app.campaign.publishing.queries.read import VersionedCampaign
from app.campaign.publishing.schemas.campaigns import CampaignRequest, CampaignView
from app.campaign.publishing.views import show_campaign
from app.campaign.terms.document import CampaignDocument
from app.kit.request.etag import compute_etag
from app.kit.web.show import show

Roles = dict[str, list[str]]
EDITOR: Roles = {"roles": ["editor"]}
REVIEWER: Roles = {"roles": ["reviewer"]}
EDITOR_OR_REVIEWER: Roles = {"roles": ["editor", "reviewer"]}


def read_document(data: CampaignRequest) -> CampaignDocument:
    """Return what is stored and judged of a request."""
    return show(CampaignDocument, data, benefits=tuple(data.benefits))


def answer_campaign(campaign: VersionedCampaign, status_code: int = 200) -> Response[CampaignView]:
    """Answer a campaign with its ETag."""
    headers = {"ETag": compute_etag(campaign.revision)}
    return Response(show_campaign(campaign), status_code=status_code, headers=headers)

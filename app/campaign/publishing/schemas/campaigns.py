"""What the campaign room says and hears on the wire; eligibility and grants are the rules' own language."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.campaign.publishing.moves import CampaignAction, CampaignState, VersionState
from app.campaign.terms.document import Benefit, Instant, Kind
from app.campaign.terms.eligibility import Eligibility
from app.campaign.terms.grant import Grant, PerCitizen
from app.campaign.terms.texts import Summary, Title
from app.kit.web.http import Ask, Wire


class CampaignRequest(Ask, kw_only=True):
    """What a campaign shall say; the centre's own editors name the institution when they draft."""

    institution_id: UUID | None = None
    title: Title
    summary: Summary
    starts_at: Instant
    ends_at: Instant
    benefits: list[Benefit]


class InstitutionName(Wire, kw_only=True):
    """Whose campaign it is."""

    id: UUID
    name: str


class BenefitView(Wire, kw_only=True):
    """One incentive; `id` stays the same for the institution and `code`, whatever the version."""

    id: UUID
    code: str
    title: str
    kind: Kind
    scenario: str
    eligibility: Eligibility
    grant: Grant
    stock: int | None
    per_citizen: PerCitizen | None
    reversal_window_seconds: int
    stores: list[UUID] | None
    without_score: str | None


class CampaignView(Wire, kw_only=True):
    """A campaign with one of its versions, the newest unless another was asked for.

    `allowedActions` is what the states allow; role, and maker and checker, decide who may do it. What is
    `pausedByCentre` only the centre resumes.
    """

    id: UUID
    institution: InstitutionName
    state: CampaignState
    paused_by_centre: bool
    allowed_actions: list[CampaignAction]
    version: int
    version_state: VersionState
    live_version: int | None
    title: str
    summary: str
    starts_at: datetime
    ends_at: datetime
    benefits: list[BenefitView]
    created_at: datetime
    drafted_by: UUID
    drafted_at: datetime
    submitted_by: UUID | None
    submitted_at: datetime | None
    decided_by: UUID | None
    decided_at: datetime | None
    decision_note: str | None


class PublicCampaign(Wire, kw_only=True):
    """A live campaign as anybody may read it, with what each benefit asks for."""

    id: UUID
    institution: InstitutionName
    title: str
    summary: str
    starts_at: datetime
    ends_at: datetime
    benefits: list[BenefitView]

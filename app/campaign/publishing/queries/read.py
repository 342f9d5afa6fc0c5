"""SQL of campaigns as officials and the public read them; ``tenant`` None is the centre, which sees all of them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from app.campaign.publishing.moves import CampaignState, VersionState
from app.campaign.terms.document import CampaignDocument, parse_document
from app.kit.db.database import fetch_all, fetch_one, read_sql


class VersionedCampaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign with one of its versions, the newest or another; ``benefit_ids`` and ``document`` are JSON text."""

    id: UUID
    institution_id: UUID
    institution_name: str
    state: CampaignState
    live_version: int | None
    head_version: int
    revision: int
    paused_by_centre: bool
    stopped_at: datetime | None
    created_at: datetime
    version: int
    version_state: VersionState
    document: str
    drafted_by: UUID
    drafted_at: datetime
    submitted_by: UUID | None
    submitted_at: datetime | None
    decided_by: UUID | None
    decided_at: datetime | None
    decision_note: str | None
    benefit_ids: str

    @property
    def states(self) -> tuple[CampaignState, VersionState]:
        """The state of the campaign, and of this version."""
        return self.state, self.version_state

    def read_document(self) -> CampaignDocument:
        """Return the document."""
        return parse_document(self.document)

    def read_benefit_ids(self) -> dict[str, UUID]:
        """Return the ids of the campaign's benefits by code, those of earlier versions too."""
        return msgspec.json.decode(self.benefit_ids, type=dict[str, UUID])


class SeenDocument(msgspec.Struct, frozen=True):
    """A document that was, is or will be in force, until ``last_at``."""

    institution_id: UUID
    document: str
    last_at: datetime


_SELECT = read_sql(__file__, "campaign")
_HEAD = _SELECT + " ON v.campaign_id = c.id AND v.version = c.head_version"
_LIVE = _SELECT + " ON v.campaign_id = c.id AND v.version = c.live_version"


async def find_campaign(tenant: UUID | None, campaign_id: UUID) -> VersionedCampaign | None:
    """Find a campaign with its newest version."""
    return await fetch_one(
        VersionedCampaign,
        f"{_HEAD} WHERE c.id = $1 AND ($2::uuid IS NULL OR c.institution_id = $2)",
        campaign_id,
        tenant,
    )


async def find_campaign_version(tenant: UUID | None, campaign_id: UUID, version: int) -> VersionedCampaign | None:
    """Find a campaign with one version of it."""
    return await fetch_one(
        VersionedCampaign,
        f"{_SELECT} ON v.campaign_id = c.id AND v.version = $3"
        " WHERE c.id = $1 AND ($2::uuid IS NULL OR c.institution_id = $2)",
        campaign_id, tenant, version,
    )  # fmt: skip


async def list_campaigns(
    tenant: UUID | None, state: CampaignState | None, before: UUID | None, limit: int
) -> list[VersionedCampaign]:
    """Return ``limit`` + 1 campaigns, newest first, each with its newest version."""
    return await fetch_all(
        VersionedCampaign,
        f"""
        {_HEAD} WHERE ($1::uuid IS NULL OR c.institution_id = $1) AND ($2::text IS NULL OR c.state = $2)
           AND ($3::uuid IS NULL OR c.id < $3) ORDER BY c.id DESC LIMIT $4
        """,
        tenant, state, before, limit + 1,
    )  # fmt: skip


async def list_inbox(after: tuple[datetime, UUID] | None, limit: int) -> list[VersionedCampaign]:
    """Return ``limit`` + 1 campaigns whose newest version waits for a reviewer, the longest waiting first."""
    at, campaign_id = after or (None, None)
    return await fetch_all(
        VersionedCampaign,
        f"""
        {_HEAD} WHERE v.state = 'submitted' AND c.state <> 'ended'
           AND ($1::timestamptz IS NULL OR (v.submitted_at, c.id) > ($1, $2::uuid))
         ORDER BY v.submitted_at, c.id LIMIT $3
        """,
        at, campaign_id, limit + 1,
    )  # fmt: skip


async def list_public_campaigns(at: datetime, before: UUID | None, limit: int) -> list[VersionedCampaign]:
    """Return ``limit`` + 1 live campaigns of active institutions that are not over, newest first, as approved."""
    return await fetch_all(
        VersionedCampaign,
        f"""
        {_LIVE} WHERE c.state = 'live' AND i.state = 'active' AND (v.document->>'endsAt')::timestamptz > $1
           AND ($2::uuid IS NULL OR c.id < $2) ORDER BY c.id DESC LIMIT $3
        """,
        at, before, limit + 1,
    )  # fmt: skip


async def list_catalogue_campaigns(at: datetime) -> list[VersionedCampaign]:
    """Return the campaigns that were approved and whose time is not over, the paused and those ended early too."""
    return await fetch_all(
        VersionedCampaign,
        f"""
        {_LIVE} WHERE c.state IN ('live', 'paused', 'ended') AND (v.document->>'endsAt')::timestamptz > $1
         ORDER BY c.id
        """,
        at,
    )


async def list_seen_documents(institution_ids: list[UUID], since: datetime) -> list[SeenDocument]:
    """Return what institutions had, have or will have in force at some time after an instant.

    A version is in force from its approval or the campaign's start until the next one is approved, the campaign stops
    or its time is over. A campaign that was stopped for a while counts as if it had not been.
    """
    return await fetch_all(
        SeenDocument,
        """
        SELECT c.institution_id, v.document, seen.last_at
          FROM campaign c
          JOIN campaign_version v ON v.campaign_id = c.id AND v.state = 'approved'
         CROSS JOIN LATERAL (
               SELECT least(min(n.decided_at), (v.document->>'endsAt')::timestamptz,
                            CASE WHEN c.state IN ('paused', 'ended') THEN c.stopped_at END) AS last_at
                 FROM campaign_version n
                WHERE n.campaign_id = c.id AND n.version > v.version AND n.state = 'approved') seen
         WHERE c.institution_id = ANY($1) AND seen.last_at > $2
           AND seen.last_at > greatest(v.decided_at, (v.document->>'startsAt')::timestamptz)
        """,
        institution_ids, since,
    )  # fmt: skip

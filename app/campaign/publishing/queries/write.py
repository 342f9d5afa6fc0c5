"""SQL that changes campaigns, and the locks it is done under."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from app.campaign.publishing.moves import CampaignState, VersionState
from app.campaign.tables import CampaignVersion
from app.kit.db.database import execute, execute_many, fetch_all, fetch_value
from app.kit.db.rows import run


class _Found(msgspec.Struct, frozen=True):
    id: UUID


class _FoundCode(msgspec.Struct, frozen=True):
    code: str


async def lock_institution(institution_id: UUID) -> bool:
    """Hold an institution's row, so that its campaigns change one after the other; False when there is none."""
    return await fetch_value("SELECT true FROM institution WHERE id = $1 FOR NO KEY UPDATE", institution_id) is True


async def lock_campaign(tenant: UUID | None, campaign_id: UUID) -> bool:
    """Lock a campaign; False when there is none of this id, or another institution's.

    It is read by the next statement: one that waits for a lock sees other tables as they were when it began to wait.
    """
    sql = "SELECT true FROM campaign WHERE id = $1 AND ($2::uuid IS NULL OR institution_id = $2) FOR UPDATE"
    return await fetch_value(sql, campaign_id, tenant) is True


async def insert_campaign(campaign_id: UUID, institution_id: UUID, at: datetime) -> None:
    """Store a campaign that has its first version as a draft."""
    await execute(
        "INSERT INTO campaign (id, institution_id, state, head_version, created_at) VALUES ($1, $2, 'draft', 1, $3)",
        campaign_id, institution_id, at,
    )  # fmt: skip


async def insert_version(campaign_id: UUID, version: int, document: str, official_id: UUID, at: datetime) -> None:
    """Store a drafted version; an official's own newer draft replaces the older one."""
    await execute(
        """
        INSERT INTO campaign_version (campaign_id, version, state, document, drafted_by, drafted_at)
        VALUES ($1, $2, 'draft', $3, $4, $5)
        ON CONFLICT (campaign_id, version) DO UPDATE SET document = excluded.document, drafted_at = excluded.drafted_at
        """,
        campaign_id, version, document, official_id, at,
    )  # fmt: skip


async def update_campaign(
    campaign_id: UUID,
    state: CampaignState,
    *,
    head_version: int,
    live_version: int | None,
    paused_by_centre: bool,
    at: datetime,
) -> None:
    """Bring a locked campaign to a state; its revision, and with it its ETag, moves on.

    ``stopped_at`` is when it was paused or ended first, and is empty again once the campaign is live.
    """
    await execute(
        """
        UPDATE campaign
           SET state = $2, head_version = $3, live_version = $4, paused_by_centre = $5, revision = revision + 1,
               stopped_at = CASE WHEN $2 NOT IN ('paused', 'ended') THEN NULL
                                 WHEN state IN ('paused', 'ended') THEN coalesce(stopped_at, $6) ELSE $6 END
         WHERE id = $1
        """,
        campaign_id, state, head_version, live_version, paused_by_centre, at,
    )  # fmt: skip


async def mark_submitted(campaign_id: UUID, version: int, official_id: UUID, at: datetime) -> None:
    """Write down who submitted a version."""
    submission = CampaignVersion.update(
        {
            CampaignVersion.state: "submitted",
            CampaignVersion.submitted_by: official_id,
            CampaignVersion.submitted_at: at,
        }
    )
    await run(submission.where((CampaignVersion.campaign_id == campaign_id) & (CampaignVersion.version == version)))


async def mark_decided(
    campaign_id: UUID, version: int, state: VersionState, official_id: UUID, at: datetime, note: str | None
) -> None:
    """Write down who decided on a version, and how."""
    decision = CampaignVersion.update(
        {
            CampaignVersion.state: state,
            CampaignVersion.decided_by: official_id,
            CampaignVersion.decided_at: at,
            CampaignVersion.decision_note: note,
        }
    )
    await run(decision.where((CampaignVersion.campaign_id == campaign_id) & (CampaignVersion.version == version)))


async def list_makers(campaign_id: UUID) -> set[UUID]:
    """Return everybody who drafted or submitted a version since the last decision."""
    rows = await fetch_all(
        _Found,
        """
        SELECT DISTINCT maker AS id
          FROM campaign_version v CROSS JOIN LATERAL (VALUES (v.drafted_by), (v.submitted_by)) AS m (maker)
         WHERE v.campaign_id = $1 AND maker IS NOT NULL AND v.version > coalesce(
               (SELECT max(d.version) FROM campaign_version d WHERE d.campaign_id = $1 AND d.decided_by IS NOT NULL), 0)
        """,
        campaign_id,
    )
    return {row.id for row in rows}


async def insert_benefits(campaign_id: UUID, institution_id: UUID, ids: Mapping[str, UUID]) -> None:
    """Give ids to codes of an institution that have none yet."""
    await execute_many(
        """
        INSERT INTO benefit (id, institution_id, campaign_id, code) VALUES ($1, $2, $3, $4)
        ON CONFLICT (institution_id, code) DO NOTHING
        """,
        [(benefit_id, institution_id, campaign_id, code) for code, benefit_id in sorted(ids.items())],
    )


async def list_codes_elsewhere(campaign_id: UUID, institution_id: UUID, codes: Sequence[str]) -> list[str]:
    """Return the codes that belong to another campaign of the institution."""
    rows = await fetch_all(
        _FoundCode,
        """
        SELECT code FROM benefit
         WHERE institution_id = $2 AND code = ANY($3) AND campaign_id <> $1 ORDER BY code
        """,
        campaign_id, institution_id, list(codes),
    )  # fmt: skip
    return [row.code for row in rows]


async def mark_limited(benefit_ids: Sequence[UUID], version: int, at: datetime) -> None:
    """Write down since which version, and when, the limits of benefits are as they are."""
    await execute(
        "UPDATE benefit SET limits_version = $2, limited_at = $3 WHERE id = ANY($1)", list(benefit_ids), version, at
    )


async def list_own_stores(institution_id: UUID, store_ids: Sequence[UUID]) -> set[UUID]:
    """Return those of some stores that belong to an institution."""
    rows = await fetch_all(
        _Found, "SELECT id FROM store WHERE institution_id = $1 AND id = ANY($2)", institution_id, list(store_ids)
    )
    return {row.id for row in rows}

"""Reads for the invariants that must hold at any time: each returns what breaks one, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from app.kit.database import fetch_all

OFFENDERS_MAX = 10


class Offender(msgspec.Struct, frozen=True):
    """Something that breaks an invariant, by id."""

    id: UUID


async def list_stock_offenders() -> list[Offender]:
    """Benefits whose taken places are not the counted redemptions that stand."""
    return await fetch_all(
        Offender,
        """SELECT benefit_usage.benefit_id AS id
        FROM benefit_usage LEFT JOIN (
            SELECT benefit_id, count(*) AS standing FROM redemption
            WHERE is_stock_counted AND state = 'redeemed' GROUP BY benefit_id
        ) AS counted USING (benefit_id)
        WHERE benefit_usage.used <> coalesce(counted.standing, 0) LIMIT $1""",
        OFFENDERS_MAX,
    )


async def list_use_offenders() -> list[Offender]:
    """Benefits where somebody's uses of a period are not their redemptions that stand."""
    return await fetch_all(
        Offender,
        """SELECT DISTINCT benefit_use.benefit_id AS id
        FROM benefit_use LEFT JOIN (
            SELECT benefit_id, cap_holder_id, step, period_on, count(*) AS standing FROM redemption
            WHERE cap_holder_id IS NOT NULL AND state = 'redeemed'
            GROUP BY benefit_id, cap_holder_id, step, period_on
        ) AS counted USING (benefit_id, cap_holder_id, step, period_on)
        WHERE benefit_use.used <> coalesce(counted.standing, 0) LIMIT $1""",
        OFFENDERS_MAX,
    )


async def list_cap_offenders(benefit_ids: Sequence[UUID], steps: Sequence[int], caps: Sequence[int]) -> list[Offender]:
    """Benefits of which somebody had more uses in a period than a cap of theirs ever allowed."""
    return await fetch_all(
        Offender,
        """SELECT DISTINCT benefit_id AS id
        FROM unnest($1::uuid[], $2::integer[], $3::integer[]) AS given (benefit_id, step, cap)
        JOIN benefit_use USING (benefit_id, step)
        WHERE benefit_use.used > given.cap LIMIT $4""",
        benefit_ids,
        steps,
        caps,
        OFFENDERS_MAX,
    )


async def list_untold_redemptions(since: datetime) -> list[Offender]:
    """Recent redemptions without their scan, their event or their line in the access log."""
    return await fetch_all(
        Offender,
        """SELECT redemption.id FROM redemption
        WHERE redeemed_at >= $1 AND (
            NOT EXISTS (SELECT FROM scan WHERE scan.id = redemption.scan_id)
            OR NOT EXISTS (
                SELECT FROM event WHERE event.subject_id = redemption.id AND event.at = redemption.redeemed_at
                    AND event.institution_id = redemption.institution_id)
            OR NOT EXISTS (
                SELECT FROM access_log WHERE access_log.citizen_id = redemption.citizen_id
                    AND access_log.at = redemption.redeemed_at AND access_log.outcome = 'redeemed'))
        LIMIT $2""",
        since,
        OFFENDERS_MAX,
    )


class ApprovedDocument(msgspec.Struct, frozen=True):
    """A version that was ever approved, and the ids of its campaign's benefits as a JSON object by code."""

    document: str
    benefit_ids: str


async def list_approved_documents() -> list[ApprovedDocument]:
    """Read every version that was ever approved."""
    return await fetch_all(
        ApprovedDocument,
        """SELECT document, (
            SELECT coalesce(jsonb_object_agg(code, id), '{}') FROM benefit
            WHERE benefit.campaign_id = campaign_version.campaign_id) AS benefit_ids
        FROM campaign_version WHERE state = 'approved'""",
    )

"""Reads for the invariants that must hold at any time: each returns what breaks one of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from app.kit.db.database import fetch_all

OFFENDERS_MAX = 10


class Cap(msgspec.Struct, frozen=True):
    """How often one person may have a benefit, or a step of it (0: the whole), in a period."""

    benefit_id: UUID
    step: int
    count: int
    period: str


class DocumentInForce(msgspec.Struct, frozen=True):
    """A version in force, and the ids of its campaign's benefits as a JSON object by code."""

    document: str
    benefit_ids: str


class Offender(msgspec.Struct, frozen=True):
    """Something that breaks an invariant, by id."""

    id: UUID


# The redemptions that are not reversed, with whose caps they count for: where an earlier version of this code made one
# without a cap, that is looked up. ``is_under_limits``: given under the limits of today, and so bound by them.
_ACTIVE = """
    SELECT r.*, coalesce(r.cap_holder_id, citizen.cap_holder_id, former_account.cap_holder_id) AS holder_id,
        (r.redeemed_at AT TIME ZONE 'Asia/Shanghai')::date AS day,
        coalesce(benefit.limits_version, 0) AS limits_version,
        r.campaign_version >= coalesce(benefit.limits_version, 0)
            AND r.redeemed_at >= coalesce(benefit.limited_at, '-infinity') AS is_under_limits
    FROM redemption AS r
    LEFT JOIN benefit ON benefit.id = r.benefit_id
    LEFT JOIN citizen ON citizen.id = r.citizen_id
    LEFT JOIN former_account ON former_account.citizen_id = r.citizen_id
    WHERE r.state = 'redeemed'
"""


async def list_stock_offenders() -> list[Offender]:
    """Return benefits whose counted places are not as many as their redemptions that are not reversed."""
    return await fetch_all(
        Offender,
        """SELECT benefit_usage.benefit_id AS id
        FROM benefit_usage LEFT JOIN (
            SELECT benefit_id, count(*) AS active FROM redemption WHERE state = 'redeemed' GROUP BY benefit_id
        ) AS counted USING (benefit_id)
        WHERE is_whole AND benefit_usage.used <> coalesce(counted.active, 0) LIMIT $1""",
        OFFENDERS_MAX,
    )


async def list_overdrawn_stocks(benefit_ids: Sequence[UUID], stocks: Sequence[int]) -> list[Offender]:
    """Return benefits with more redemptions than their stock, at least one of which was given under it."""
    return await fetch_all(
        Offender,
        f"""SELECT given.benefit_id AS id
        FROM unnest($1::uuid[], $2::bigint[]) AS given (benefit_id, stock)
        JOIN ({_ACTIVE}) AS active USING (benefit_id)
        GROUP BY given.benefit_id, given.stock
        HAVING count(*) > given.stock AND bool_or(active.is_under_limits) LIMIT $3""",
        benefit_ids,
        stocks,
        OFFENDERS_MAX,
    )


async def list_use_offenders() -> list[Offender]:
    """Return benefits where a person's count of a period is not that of their redemptions, or is missing."""
    return await fetch_all(
        Offender,
        f"""WITH active AS MATERIALIZED ({_ACTIVE}),
        counted AS MATERIALIZED (
            SELECT u.*, coalesce(benefit.limits_version, 0) AS current_version
            FROM benefit_use AS u LEFT JOIN benefit ON benefit.id = u.benefit_id
            WHERE u.limits_version = coalesce(benefit.limits_version, 0)
        )
        SELECT benefit_id AS id FROM (
            SELECT counted.benefit_id
            FROM counted LEFT JOIN active ON active.benefit_id = counted.benefit_id
                AND active.holder_id = counted.cap_holder_id
                AND (active.campaign_version < counted.current_version OR active.step = counted.step)
                AND CASE
                    WHEN counted.period_ends_on IS NULL THEN active.period_on = counted.period_on
                    ELSE active.day >= counted.period_on AND active.day < counted.period_ends_on END
            GROUP BY counted.benefit_id, counted.cap_holder_id, counted.step, counted.period_on, counted.used
            HAVING counted.used <> count(active.id)
        ) AS wrong
        UNION
        SELECT active.benefit_id FROM active
        LEFT JOIN counted ON counted.benefit_id = active.benefit_id AND counted.cap_holder_id = active.holder_id
            AND counted.step = active.step AND counted.period_on = active.period_on
        WHERE active.step IS NOT NULL AND active.is_under_limits AND counted.benefit_id IS NULL
        LIMIT $1""",
        OFFENDERS_MAX,
    )


async def list_cap_offenders(caps: Sequence[Cap]) -> list[Offender]:
    """Return benefits a person has had more often in a period than a cap in force allows, at least once under it."""
    return await fetch_all(
        Offender,
        f"""SELECT DISTINCT id FROM (
            SELECT given.benefit_id AS id
            FROM unnest($1::uuid[], $2::smallint[], $3::integer[], $4::text[])
                AS given (benefit_id, step, count, period)
            JOIN ({_ACTIVE}) AS active ON active.benefit_id = given.benefit_id
                AND (active.campaign_version < active.limits_version OR active.step = given.step)
            WHERE active.holder_id IS NOT NULL
            GROUP BY given.benefit_id, given.step, given.count, active.holder_id,
                CASE WHEN given.period <> 'campaign' THEN date_trunc(given.period, active.day::timestamp) END
            HAVING count(*) > given.count AND bool_or(active.is_under_limits AND active.step = given.step)
        ) AS offending LIMIT $5""",
        [cap.benefit_id for cap in caps],
        [cap.step for cap in caps],
        [cap.count for cap in caps],
        [cap.period for cap in caps],
        OFFENDERS_MAX,
    )


async def list_untraced_redemptions(since: datetime) -> list[Offender]:
    """Return recent redemptions without their scan, their event or their line in the access log."""
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


async def list_documents_in_force() -> list[DocumentInForce]:
    """Read the version in force of every campaign; of an ended one the last that was."""
    return await fetch_all(
        DocumentInForce,
        """SELECT document, (
            SELECT coalesce(jsonb_object_agg(code, id), '{}') FROM benefit
            WHERE benefit.campaign_id = campaign.id) AS benefit_ids
        FROM campaign JOIN campaign_version
            ON campaign_version.campaign_id = campaign.id AND campaign_version.version = campaign.live_version""",
    )

"""Reads for the invariants that must hold at any time: each returns what breaks one, or nothing."""

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


# Whose caps a redemption counts for; one made without a cap by an earlier version of this code does not say.
_STANDING = """
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
    """Benefits whose taken places, once counted, are not the redemptions that stand."""
    return await fetch_all(
        Offender,
        """SELECT benefit_usage.benefit_id AS id
        FROM benefit_usage LEFT JOIN (
            SELECT benefit_id, count(*) AS standing FROM redemption WHERE state = 'redeemed' GROUP BY benefit_id
        ) AS counted USING (benefit_id)
        WHERE is_whole AND benefit_usage.used <> coalesce(counted.standing, 0) LIMIT $1""",
        OFFENDERS_MAX,
    )


async def list_overdrawn_stocks(benefit_ids: Sequence[UUID], stocks: Sequence[int]) -> list[Offender]:
    """Benefits of which more stand than their stock, and one of these was given under it."""
    return await fetch_all(
        Offender,
        f"""SELECT given.benefit_id AS id
        FROM unnest($1::uuid[], $2::bigint[]) AS given (benefit_id, stock)
        JOIN ({_STANDING}) AS standing USING (benefit_id)
        GROUP BY given.benefit_id, given.stock
        HAVING count(*) > given.stock AND bool_or(standing.is_under_limits) LIMIT $3""",
        benefit_ids,
        stocks,
        OFFENDERS_MAX,
    )


async def list_use_offenders() -> list[Offender]:
    """Benefits where somebody's uses of a period are not their redemptions that stand, or are not counted at all."""
    return await fetch_all(
        Offender,
        f"""WITH standing AS MATERIALIZED ({_STANDING}),
        kept AS MATERIALIZED (
            SELECT u.*, coalesce(benefit.limits_version, 0) AS current_version
            FROM benefit_use AS u LEFT JOIN benefit ON benefit.id = u.benefit_id
            WHERE u.limits_version = coalesce(benefit.limits_version, 0)
        )
        SELECT benefit_id AS id FROM (
            SELECT kept.benefit_id
            FROM kept LEFT JOIN standing ON standing.benefit_id = kept.benefit_id
                AND standing.holder_id = kept.cap_holder_id
                AND (standing.campaign_version < kept.current_version OR standing.step = kept.step)
                AND CASE
                    WHEN kept.period_ends_on IS NULL THEN standing.period_on = kept.period_on
                    ELSE standing.day >= kept.period_on AND standing.day < kept.period_ends_on END
            GROUP BY kept.benefit_id, kept.cap_holder_id, kept.step, kept.period_on, kept.used
            HAVING kept.used <> count(standing.id)
        ) AS wrong
        UNION
        SELECT standing.benefit_id FROM standing
        LEFT JOIN kept ON kept.benefit_id = standing.benefit_id AND kept.cap_holder_id = standing.holder_id
            AND kept.step = standing.step AND kept.period_on = standing.period_on
        WHERE standing.step IS NOT NULL AND standing.is_under_limits AND kept.benefit_id IS NULL
        LIMIT $1""",
        OFFENDERS_MAX,
    )


async def list_cap_offenders(caps: Sequence[Cap]) -> list[Offender]:
    """Benefits of which more of one person stand in a period than a cap in force allows, and one was given under it."""
    return await fetch_all(
        Offender,
        f"""SELECT DISTINCT id FROM (
            SELECT given.benefit_id AS id
            FROM unnest($1::uuid[], $2::smallint[], $3::integer[], $4::text[])
                AS given (benefit_id, step, count, period)
            JOIN ({_STANDING}) AS standing ON standing.benefit_id = given.benefit_id
                AND (standing.campaign_version < standing.limits_version OR standing.step = given.step)
            WHERE standing.holder_id IS NOT NULL
            GROUP BY given.benefit_id, given.step, given.count, standing.holder_id,
                CASE WHEN given.period <> 'campaign' THEN date_trunc(given.period, standing.day::timestamp) END
            HAVING count(*) > given.count AND bool_or(standing.is_under_limits AND standing.step = given.step)
        ) AS offending LIMIT $5""",
        [cap.benefit_id for cap in caps],
        [cap.step for cap in caps],
        [cap.count for cap in caps],
        [cap.period for cap in caps],
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


async def list_documents_in_force() -> list[DocumentInForce]:
    """Read every version that is in force, or was when its campaign ended."""
    return await fetch_all(
        DocumentInForce,
        """SELECT document, (
            SELECT coalesce(jsonb_object_agg(code, id), '{}') FROM benefit
            WHERE benefit.campaign_id = campaign.id) AS benefit_ids
        FROM campaign JOIN campaign_version
            ON campaign_version.campaign_id = campaign.id AND campaign_version.version = campaign.live_version""",
    )

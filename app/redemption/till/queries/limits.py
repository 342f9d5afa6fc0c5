"""The SQL of counting, against limits that came later, the redemptions that are not reversed.

``(state = 'redeemed') IS TRUE`` keeps the state out of the choice of an index: while a table is empty, the index of
redemptions that are not reversed looks as good to the planner as any other, and the plan is used ever after.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from app.kit.db.database import execute, fetch_all, fetch_value

FENCE_SECONDS_MAX = 2


class Window(msgspec.Struct, frozen=True):
    """A stretch of time, up to before its end."""

    begins_at: datetime
    ends_at: datetime


class UseWanted(msgspec.Struct, frozen=True):
    """Whose count is asked for: a benefit, a step of it (0: the whole), and a period up to before its end."""

    benefit_id: UUID
    step: int
    period_on: date
    period_ends_on: date


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a benefit is used: by everybody together, or by one person in one period."""

    benefit_id: UUID
    used: int


async def lock_usage_table() -> None:
    """Wait for every redeem statement under way, and let none begin before this transaction ends.

    PostgreSQL locks the tables of a statement before it takes the statement's snapshot, so those that we hold up read
    what we commit. All of them queue behind us while we wait; so we give up after ``FENCE_SECONDS_MAX``.
    """
    await execute(f"SET LOCAL lock_timeout = '{FENCE_SECONDS_MAX}s'")
    await execute("LOCK TABLE benefit_usage IN SHARE ROW EXCLUSIVE MODE")


async def delete_usage(benefit_ids: Sequence[UUID]) -> None:
    """Forget how many places are taken; they are counted again by the first who needs the number."""
    await execute("DELETE FROM benefit_usage WHERE benefit_id = ANY($1)", list(benefit_ids))


async def insert_usage(benefit_id: UUID) -> None:
    """Make sure that a benefit has the row in which its places are counted; a new one is not whole yet."""
    await execute("INSERT INTO benefit_usage (benefit_id) VALUES ($1) ON CONFLICT DO NOTHING", benefit_id)


async def lock_usage_for_update(benefit_id: UUID) -> bool:
    """Lock the row in which a benefit's places are counted; True when they have been counted."""
    return bool(await fetch_value("SELECT is_whole FROM benefit_usage WHERE benefit_id = $1 FOR UPDATE", benefit_id))


async def mark_usage_whole(benefit_id: UUID, used: int) -> None:
    """Write down how many places are taken; from here on redeeming keeps count."""
    await execute("UPDATE benefit_usage SET used = $2, is_whole = true WHERE benefit_id = $1", benefit_id, used)


async def list_months(institution_id: UUID) -> list[Window]:
    """Return the months in which an institution redeemed; to count one of them is a short statement."""
    return await fetch_all(
        Window,
        """
        SELECT begins_at, begins_at + interval '1 month' AS ends_at
        FROM (
            SELECT (SELECT redeemed_at FROM redemption WHERE institution_id = $1 ORDER BY id LIMIT 1) AS first_at,
                (SELECT redeemed_at FROM redemption WHERE institution_id = $1 ORDER BY id DESC LIMIT 1) AS last_at
        ) AS span, generate_series(span.first_at, span.last_at, interval '1 month') AS begins_at
        """,
        institution_id,
    )


async def count_redeemed(institution_id: UUID, benefit_id: UUID, *, since: UUID, before: UUID) -> int:
    """Count a benefit's redemptions that are not reversed, between two ids, which carry the instants."""
    return int(
        await fetch_value(
            """
            SELECT count(*) FROM redemption
            WHERE institution_id = $1 AND id >= $3 AND id < $4 AND benefit_id = $2 AND (state = 'redeemed') IS TRUE
            """,
            institution_id,
            benefit_id,
            since,
            before,
        )
    )


async def insert_use(cap_holder_id: UUID, use: UseWanted) -> None:
    """Make sure a person's count exists, and lock it."""
    await execute(
        """
        INSERT INTO benefit_use AS u (benefit_id, cap_holder_id, step, period_on, used, limits_version)
        VALUES ($1, $2, $3, $4, 0, 0)
        ON CONFLICT (benefit_id, cap_holder_id, step, period_on) DO UPDATE SET used = u.used
        """,
        use.benefit_id,
        cap_holder_id,
        use.step,
        use.period_on,
    )


async def mark_use_counted(cap_holder_id: UUID, use: UseWanted, used: int) -> None:
    """Write down how often a person used a benefit; from here on, under these limits, redeeming keeps count."""
    await execute(
        """
        UPDATE benefit_use SET used = $6, period_ends_on = $5,
            limits_version = coalesce((SELECT limits_version FROM benefit WHERE id = $1), 0)
        WHERE benefit_id = $1 AND cap_holder_id = $2 AND step = $3 AND period_on = $4
        """,
        use.benefit_id,
        cap_holder_id,
        use.step,
        use.period_on,
        use.period_ends_on,
        used,
    )


async def list_uses(citizen_id: UUID, cap_holder_id: UUID, wanted: Sequence[UseWanted]) -> list[Used]:
    """Read a person's uses in the running periods; where a count is older than the limits, redemptions are counted.

    By the rule of the redeem statement: of the redemptions under the present limits a step counts its own, of those
    from before them every one.
    """
    return await fetch_all(
        Used,
        """
        WITH had AS MATERIALIZED (  -- read only where it is needed, and then once
            SELECT r.benefit_id, r.campaign_version, r.step, r.redeemed_at FROM redemption AS r
            WHERE r.citizen_id = ANY(ARRAY(
                    SELECT $1 UNION ALL SELECT f.citizen_id FROM former_account AS f WHERE f.cap_holder_id = $2))
                AND (r.state = 'redeemed') IS TRUE
        )
        SELECT wanted.benefit_id, coalesce(counted.used, CASE WHEN limits.version > 0 THEN (
            SELECT count(*) FROM had AS r
            WHERE r.benefit_id = wanted.benefit_id
                AND (r.campaign_version < limits.version OR r.step = wanted.step)
                AND r.redeemed_at >= wanted.period_on::timestamp AT TIME ZONE 'Asia/Shanghai'
                AND r.redeemed_at < wanted.period_ends_on::timestamp AT TIME ZONE 'Asia/Shanghai'
        ) END, 0)::integer AS used
        FROM unnest($3::uuid[], $4::smallint[], $5::date[], $6::date[])
            AS wanted (benefit_id, step, period_on, period_ends_on)
        CROSS JOIN LATERAL (
            SELECT coalesce((SELECT limits_version FROM benefit WHERE id = wanted.benefit_id), 0) AS version
        ) AS limits
        LEFT JOIN benefit_use AS counted ON counted.benefit_id = wanted.benefit_id AND counted.cap_holder_id = $2
            AND counted.step = wanted.step AND counted.period_on = wanted.period_on
            AND counted.limits_version = limits.version
        """,
        citizen_id,
        cap_holder_id,
        [use.benefit_id for use in wanted],
        [use.step for use in wanted],
        [use.period_on for use in wanted],
        [use.period_ends_on for use in wanted],
    )

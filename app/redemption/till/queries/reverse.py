"""The SQL of undoing one redemption. Locks are taken in the order redeeming takes them: stock, redemption, caps."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from app.kit.db.database import execute, fetch_one
from app.redemption.till.redeeming import RedemptionState


class RedemptionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A redemption, as far as undoing it needs to know."""

    id: UUID
    institution_id: UUID
    slot_day: date
    reference: str
    benefit_id: UUID
    benefit_code: str
    citizen_id: UUID
    cap_holder_id: UUID | None
    step: int | None
    period_on: date | None
    campaign_version: int
    redeemed_at: datetime
    store_id: UUID
    terminal_id: UUID
    state: RedemptionState
    reversible_until: datetime


class ReversalRow(msgspec.Struct, frozen=True, kw_only=True):
    """A reversal to store."""

    id: UUID
    institution_id: UUID
    redemption_id: UUID
    idempotency_key: str
    request_digest: bytes
    reason: str
    reversed_at: datetime
    answer: bytes


async def find_redemption(institution_id: UUID, redemption_id: UUID) -> RedemptionRow | None:
    """Read one redemption of an institution, with whose caps it counts for, also if it was made without one."""
    return await fetch_one(
        RedemptionRow,
        """SELECT id, institution_id, slot_day, reference, benefit_id, benefit_code, citizen_id, coalesce(
                cap_holder_id,
                (SELECT c.cap_holder_id FROM citizen AS c WHERE c.id = redemption.citizen_id),
                (SELECT f.cap_holder_id FROM former_account AS f WHERE f.citizen_id = redemption.citizen_id)
            ) AS cap_holder_id, step, period_on, campaign_version, redeemed_at, store_id, terminal_id, state,
            reversible_until
        FROM redemption WHERE institution_id = $1 AND id = $2""",
        institution_id,
        redemption_id,
    )


async def mark_reversed(institution_id: UUID, redemption_id: UUID) -> bool:
    """Turn a redemption into a reversed one; False when somebody else did.

    IS TRUE keeps the state out of the choice of an index: met empty, the one of those that stand looks as good as any.
    """
    return (
        await execute(
            """UPDATE redemption SET state = 'reversed'
            WHERE institution_id = $1 AND id = $2 AND (state = 'redeemed') IS TRUE""",
            institution_id,
            redemption_id,
        )
        == 1
    )


async def give_back_place(benefit_id: UUID) -> None:
    """Lock the row a benefit's places are counted in, making it where there is none, and free one if they are counted.

    Whoever counts the places does so under the same lock.
    """
    await execute(
        """INSERT INTO benefit_usage AS u (benefit_id) VALUES ($1) ON CONFLICT (benefit_id) DO UPDATE
        SET used = CASE WHEN u.is_whole THEN greatest(u.used - 1, 0) ELSE u.used END""",
        benefit_id,
    )


async def give_back_use(row: RedemptionRow, day: date) -> None:
    """Free one use in every count of the person that the redemption of a Shanghai day is in.

    Counts older than the limits are void. The others count every redemption from before the limits, and since then
    those of their own step. A count made by an earlier version of this code does not say when its period ends.
    """
    await execute(
        """UPDATE benefit_use SET used = greatest(used - 1, 0)
        WHERE benefit_id = $1 AND cap_holder_id = $2
            AND limits_version = coalesce((SELECT limits_version FROM benefit WHERE id = $1), 0)
            AND (limits_version > $3 OR step = $4)
            AND period_on <= $5 AND (period_ends_on > $5 OR (period_ends_on IS NULL AND period_on = $6))""",
        row.benefit_id,
        row.cap_holder_id,
        row.campaign_version,
        row.step,
        day,
        row.period_on,
    )


async def insert_reversal(row: ReversalRow) -> bool:
    """Store a reversal with its answer; False when its key was used by another one meanwhile."""
    return (
        await execute(
            """INSERT INTO reversal (id, institution_id, redemption_id, idempotency_key, request_digest, reason,
            reversed_at, answer)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING""",
            *msgspec.structs.astuple(row),
        )
        == 1
    )

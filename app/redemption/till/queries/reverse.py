"""The SQL of undoing one redemption.

Locks are taken in the order in which redeeming takes them, stock, redemption, caps: in another order a reversal and a
redemption could each wait for what the other one holds.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from app.kit.db.database import execute, fetch_one
from app.redemption.till.redeeming import RedemptionState


class ReversibleRedemption(msgspec.Struct, frozen=True, kw_only=True):
    """A redemption with all that undoing it needs to know."""

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


class Reversal(msgspec.Struct, frozen=True, kw_only=True):
    """The undoing of one redemption, with its answer."""

    id: UUID
    institution_id: UUID
    redemption_id: UUID
    idempotency_key: str
    request_digest: bytes
    reason: str
    reversed_at: datetime
    answer: bytes


async def find_redemption(institution_id: UUID, redemption_id: UUID) -> ReversibleRedemption | None:
    """Read one redemption of an institution, with whose caps it counts for, also where it was made without a cap."""
    return await fetch_one(
        ReversibleRedemption,
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

    For ``IS TRUE`` see ``queries.limits``: it keeps the state out of the choice of an index.
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
    """Lock the row in which a benefit's places are counted, make it where there is none, and free a place if counted.

    Places are counted under the same lock, so that a reversal falls either before the count or after it.
    """
    await execute(
        """INSERT INTO benefit_usage AS u (benefit_id) VALUES ($1) ON CONFLICT (benefit_id) DO UPDATE
        SET used = CASE WHEN u.is_whole THEN greatest(u.used - 1, 0) ELSE u.used END""",
        benefit_id,
    )


async def give_back_use(row: ReversibleRedemption, day: date) -> None:
    """Free one use in every count of the person that includes this redemption of a Shanghai day.

    Counts older than the limits are void and left alone. The others include every redemption from before the limits,
    and of those since then the ones of their own step. A count that an earlier version of this code made does not say
    when its period ends.
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


async def insert_reversal(row: Reversal) -> bool:
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

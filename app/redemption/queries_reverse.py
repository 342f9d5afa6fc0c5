"""The SQL of undoing one redemption. Locks are taken in the order redeeming takes them: stock, cap, redemption."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from app.kit.database import execute, fetch_one
from app.redemption.rules import RedemptionState


class RedemptionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A redemption, as far as undoing it needs to know."""

    id: UUID
    institution_id: UUID
    reference: str
    benefit_id: UUID
    benefit_code: str
    citizen_id: UUID
    cap_holder_id: UUID | None
    step: int | None
    period_on: date | None
    is_stock_counted: bool
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
    """Read one redemption of an institution."""
    return await fetch_one(
        RedemptionRow,
        """SELECT id, institution_id, reference, benefit_id, benefit_code, citizen_id, cap_holder_id, step, period_on,
            is_stock_counted, store_id, terminal_id, state, reversible_until
        FROM redemption WHERE institution_id = $1 AND id = $2""",
        institution_id,
        redemption_id,
    )


async def lock_usage_for_update(benefit_id: UUID) -> None:
    """Lock the row a benefit's stock is counted in."""
    await execute("SELECT FROM benefit_usage WHERE benefit_id = $1 FOR UPDATE", benefit_id)


async def lock_use_for_update(row: RedemptionRow) -> None:
    """Lock the row a person's uses are counted in."""
    await execute(
        """SELECT FROM benefit_use
        WHERE benefit_id = $1 AND cap_holder_id = $2 AND step = $3 AND period_on = $4 FOR UPDATE""",
        row.benefit_id,
        row.cap_holder_id,
        row.step,
        row.period_on,
    )


async def mark_reversed(institution_id: UUID, redemption_id: UUID) -> bool:
    """Turn a redemption into a reversed one; False when somebody else did."""
    return (
        await execute(
            "UPDATE redemption SET state = 'reversed' WHERE institution_id = $1 AND id = $2 AND state = 'redeemed'",
            institution_id,
            redemption_id,
        )
        == 1
    )


async def give_back_stock(benefit_id: UUID) -> None:
    """Free one place."""
    await execute("UPDATE benefit_usage SET used = used - 1 WHERE benefit_id = $1", benefit_id)


async def give_back_use(row: RedemptionRow) -> None:
    """Free one use of a person's cap."""
    await execute(
        """UPDATE benefit_use SET used = used - 1
        WHERE benefit_id = $1 AND cap_holder_id = $2 AND step = $3 AND period_on = $4""",
        row.benefit_id,
        row.cap_holder_id,
        row.step,
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

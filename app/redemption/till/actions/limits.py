"""Limits count what stands: the places of a benefit are counted once, when a limit meets what was given before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.kit.clock import first_id_of
from app.kit.db.database import transaction
from app.kit.db.group_commit import coalesce
from app.redemption.till.queries import limits as limits_queries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from app.redemption.till.queries.limits import UseWanted


async def fence_limits(benefit_ids: Sequence[UUID]) -> None:
    """Let no redemption pass between old limits and new; last in the transaction that changes the limits of benefits.

    Waits until every redeem statement under way has ended, and holds the next ones up until this transaction commits:
    what they then read has the new limits, and what was given before is there to be counted. ``benefit_ids`` are those
    whose places have to be counted anew.
    """
    await limits_queries.lock_usage_table()
    await limits_queries.delete_usage(benefit_ids)


async def count_places(institution_id: UUID, benefit_id: UUID) -> None:
    """Count the redemptions of a limited benefit that stand, unless somebody did; afterwards redeeming keeps count."""
    await _places.submit((institution_id, benefit_id))


async def count_uses(citizen_id: UUID, cap_holder_id: UUID, use: UseWanted) -> None:
    """Count what a person had that stands, where a cap is newer than it; afterwards redeeming keeps count.

    Under the lock that reversals take; who redeems waits for a count as new as the limits.
    """
    async with transaction():
        await limits_queries.insert_usage(use.benefit_id)
        await limits_queries.lock_usage_for_update(use.benefit_id)
        await limits_queries.insert_use(cap_holder_id, use)
        (row,) = await limits_queries.list_uses(citizen_id, cap_holder_id, [use])
        await limits_queries.mark_use_counted(cap_holder_id, use, row.used)


async def _count_each(benefits: list[tuple[UUID, UUID]]) -> Sequence[None]:
    for institution_id, benefit_id in sorted(set(benefits)):
        await _count(institution_id, benefit_id)
    return [None] * len(benefits)


async def _count(institution_id: UUID, benefit_id: UUID) -> None:
    """Count under the row's lock: who redeems asks for a whole count, and who reverses waits for the row."""
    async with transaction():
        await limits_queries.insert_usage(benefit_id)
        if await limits_queries.lock_usage_for_update(benefit_id):
            return
        used = 0
        for month in await limits_queries.list_months(institution_id):
            used += await limits_queries.count_standing(
                institution_id, benefit_id, since=first_id_of(month.begins_at), before=first_id_of(month.ends_at)
            )
        await limits_queries.mark_usage_whole(benefit_id, used)


_places = coalesce(_count_each)

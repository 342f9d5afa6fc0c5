"""Limits count the redemptions that are not reversed, also those from before the limits came (decision 41).

They are counted once, by the first request that meets a limit newer than they are. From then on redeeming and reversing
keep the count.
"""

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
    """Separate redemptions under old limits from those under new; call it last in the transaction that changes limits.

    It waits until every redeem statement under way has ended, and holds up the next ones until this transaction has
    committed. Those then read the new limits, and everything given under the old ones is stored and can be counted.
    Places of ``benefit_ids`` are counted anew.
    """
    await limits_queries.lock_usage_table()
    await limits_queries.delete_usage(benefit_ids)


async def count_places(institution_id: UUID, benefit_id: UUID) -> None:
    """Count the redemptions of a limited benefit, unless they are counted; from then on redeeming keeps the count."""
    await _places.submit((institution_id, benefit_id))


async def count_uses(citizen_id: UUID, cap_holder_id: UUID, use: UseWanted) -> None:
    """Count a person's redemptions from before a cap; from then on redeeming keeps the count.

    The lock on the benefit's row is the one that reversals take, so that none of them is missed or counted twice.
    Redeeming needs no lock here: it is refused as "uncounted" until the count is as new as the limits.
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
    """Count under the row's lock: meanwhile redeeming is refused as "uncounted", and reversing waits for the row.

    Month by month, because one statement over years would outlast its time limit.
    """
    async with transaction():
        await limits_queries.insert_usage(benefit_id)
        if await limits_queries.lock_usage_for_update(benefit_id):
            return
        used = 0
        for month in await limits_queries.list_months(institution_id):
            used += await limits_queries.count_redeemed(
                institution_id, benefit_id, since=first_id_of(month.begins_at), before=first_id_of(month.ends_at)
            )
        await limits_queries.mark_usage_whole(benefit_id, used)


# A crowd that meets a new limit asks for one count, not for one each.
_places = coalesce(_count_each)

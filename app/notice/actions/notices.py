"""Notices stored in the transaction of what happened; what citizens read and allow; forgetting when they leave."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from app.kit.clock import now, uuid7
from app.kit.db.database import is_in_transaction
from app.kit.errors import NotFound
from app.kit.jobs.queue import enqueue
from app.notice.message import TEMPLATE, NewNotice, Template
from app.notice.queries import notices as notices_queries
from app.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

COUNTED_FOR = timedelta(days=1)


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages a citizen lets us send; the id is WeChat's name for the template, None where there is none."""

    template: Template
    wechat_template_id: str | None
    remaining: int


async def insert_notices(notices: Sequence[NewNotice], *, at: datetime) -> int:
    """Store notices inside the caller's transaction and return how many are new: one for each (kind, subject).

    The worker sends them as soon as the transaction commits.
    """
    assert is_in_transaction(), "a fact and its notice are one transaction"
    if not notices:
        return 0
    in_order = sorted(notices, key=lambda notice: (notice.kind, notice.subject_id))
    inserted = await notices_queries.insert_notices(in_order, [uuid7(at) for _ in in_order], at)
    if inserted:
        await enqueue("send_notices")
    return inserted


async def mark_read(citizen_id: UUID, notice_id: UUID, *, at: datetime) -> None:
    """Note that a citizen has read a notice; refuses one that is not theirs."""
    if await notices_queries.mark_read(notice_id, citizen_id, at) == 0:
        raise NotFound


async def read_quota(citizen_id: UUID) -> Quota:
    """Return how many messages a citizen lets us send."""
    return _quota(TEMPLATE, await notices_queries.find_remaining(citizen_id, TEMPLATE) or 0)


async def add_quota(citizen_id: UUID, template: Template, count: int) -> Quota:
    """Note that a citizen allowed messages, and return how many we may send now; at most ``QUOTA_MAX``."""
    return _quota(template, await notices_queries.insert_quota(citizen_id, template, count))


async def delete_notices(citizen_id: UUID) -> None:
    """Delete a citizen's notices and what they allowed, inside the caller's transaction."""
    assert is_in_transaction(), "leaving is one transaction"
    await notices_queries.delete_notices(citizen_id)


async def count_deliveries() -> dict[str, int]:
    """Count the notices that wait, and what became of the last day's others."""
    return {row.delivery: row.count for row in await notices_queries.count_deliveries(now() - COUNTED_FOR)}


def _quota(template: Template, remaining: int) -> Quota:
    return Quota(
        template=template, wechat_template_id=read_settings().wechat_template_record or None, remaining=remaining
    )

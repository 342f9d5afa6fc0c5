"""SQL for sending: who sends what until when, and what became of it. One function, one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from app.kit.db.database import execute, fetch_all
from app.kit.db.rows import run
from app.notice.message import QUOTA_MAX, Delivery, Template
from app.notice.tables import NoticeQuota


class TakenNotice(msgspec.Struct, frozen=True):
    """A notice that is ours to send until its lease ends; ``tries`` counts this try too."""

    id: UUID
    citizen_id: UUID
    title_zh: str
    at: datetime
    tries: int


async def take_pending(*, at: datetime, leased_until: datetime, limit: int) -> list[TakenNotice]:
    """Take some notices that are due; nobody else takes them before the lease ends."""
    return await fetch_all(
        TakenNotice,
        """
        UPDATE notice SET tries = tries + 1, next_try_at = $2
        WHERE id IN (
            SELECT id FROM notice WHERE delivery = 'pending' AND next_try_at <= $1
            ORDER BY next_try_at LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
        )
        RETURNING id, citizen_id, title_zh, at, tries
        """,
        at,
        leased_until,
        limit,
    )


async def mark_delivered(deliveries: Sequence[Delivery], at: datetime) -> int:
    """Note what became of tries; one whose lease ended and whom another took meanwhile is left alone."""
    return await execute(
        """
        UPDATE notice n SET delivery = tried.state, channel = tried.channel, next_try_at = tried.next_try_at,
                            sent_at = CASE WHEN tried.state = 'sent' THEN $6::timestamptz END
        FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::timestamptz[])
            AS tried (notice_id, tries, state, channel, next_try_at)
        WHERE n.id = tried.notice_id AND n.tries = tried.tries AND n.delivery = 'pending'
        """,
        [delivery.notice_id for delivery in deliveries],
        [delivery.tries for delivery in deliveries],
        [delivery.state for delivery in deliveries],
        [delivery.channel for delivery in deliveries],
        [delivery.next_try_at for delivery in deliveries],
        at,
    )


async def take_quota(citizen_id: UUID, template: Template) -> bool:
    """Use up one message a citizen has allowed, if there is one."""
    taken = await execute(
        "UPDATE notice_quota SET remaining = remaining - 1 WHERE citizen_id = $1 AND template = $2 AND remaining > 0",
        citizen_id,
        template,
    )
    return taken == 1


async def mark_quota_unused(citizen_id: UUID, template: Template) -> None:
    """Give back a message that was not sent."""
    await execute(
        "UPDATE notice_quota SET remaining = least(remaining + 1, $3) WHERE citizen_id = $1 AND template = $2",
        citizen_id,
        template,
        QUOTA_MAX,
    )


async def mark_quota_gone(citizen_id: UUID, template: Template) -> None:
    """Note that WeChat knows of no message the citizen has allowed: the phone reported more than there were."""
    is_theirs = (NoticeQuota.citizen_id == citizen_id) & (NoticeQuota.template == template)
    await run(NoticeQuota.update({NoticeQuota.remaining: 0}).where(is_theirs))

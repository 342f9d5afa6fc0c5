"""SQL for notices as their citizen sees them, and for the quota: one function, one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from app.kit.db.database import execute, fetch_all, fetch_value
from app.kit.db.rows import fetch_field, fetch_rows, select
from app.notice.message import QUOTA_MAX, NewNotice, Template
from app.notice.tables import Notice, NoticeQuota


class ReadableNotice(msgspec.Struct, frozen=True):
    """A notice as its citizen sees it."""

    id: UUID
    kind: str
    subject_id: UUID
    title_zh: str
    title_en: str
    body_zh: str
    body_en: str
    at: datetime
    read_at: datetime | None


class DeliveryCount(msgspec.Struct, frozen=True):
    """How many notices are in one state of delivery."""

    delivery: str
    count: int


async def insert_notices(notices: Sequence[NewNotice], ids: Sequence[UUID], at: datetime) -> int:
    """Store notices to be sent at once, and return how many are new; callers pass them in (kind, subject) order."""
    return await execute(
        """
        INSERT INTO notice (id, citizen_id, kind, subject_id, title_zh, title_en, body_zh, body_en, at, delivery,
                            next_try_at)
        SELECT new.*, $9::timestamptz, 'pending', $9::timestamptz
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[])
            AS new
        ON CONFLICT (kind, subject_id) DO NOTHING
        """,
        ids,
        *([getattr(notice, name) for notice in notices] for name in NewNotice.__struct_fields__),
        at,
    )


async def list_notices(citizen_id: UUID, after_id: UUID | None, limit: int) -> list[ReadableNotice]:
    """Return ``limit`` + 1 of a citizen's notices, newest first; ids carry their instant."""
    notices = select(Notice, ReadableNotice).where(Notice.citizen_id == citizen_id)
    if after_id is not None:
        notices = notices.where(Notice.id < after_id)
    return await fetch_rows(ReadableNotice, notices.order_by(Notice.id, ascending=False), limit=limit + 1)


async def count_unread(citizen_id: UUID) -> int:
    """Count what a citizen has not read."""
    return int(await fetch_value("SELECT count(*) FROM notice WHERE citizen_id = $1 AND read_at IS NULL", citizen_id))


async def mark_read(notice_id: UUID, citizen_id: UUID, at: datetime) -> int:
    """Note when a citizen first read a notice; 0 when it is not theirs."""
    return await execute(
        "UPDATE notice SET read_at = coalesce(read_at, greatest(at, $3)) WHERE id = $1 AND citizen_id = $2",
        notice_id,
        citizen_id,
        at,
    )


async def insert_quota(citizen_id: UUID, template: Template, count: int) -> int:
    """Add messages a citizen has allowed, up to the most we remember, and return how many there are."""
    return int(
        await fetch_value(
            """
            INSERT INTO notice_quota AS stored (citizen_id, template, remaining) VALUES ($1, $2, least($3::integer, $4))
            ON CONFLICT (citizen_id, template) DO UPDATE SET remaining = least(stored.remaining + $3, $4)
            RETURNING remaining
            """,
            citizen_id,
            template,
            count,
            QUOTA_MAX,
        )
    )


async def find_remaining(citizen_id: UUID, template: Template) -> int | None:
    """Return how many messages of a template a citizen still allows; None when they never allowed one."""
    quota = NoticeQuota.select(NoticeQuota.remaining)
    remaining: int | None = await fetch_field(
        quota.where((NoticeQuota.citizen_id == citizen_id) & (NoticeQuota.template == template))
    )
    return remaining


async def delete_notices(citizen_id: UUID) -> None:
    """Delete a citizen's notices and what they allowed."""
    await execute(
        """
        WITH allowed AS (DELETE FROM notice_quota WHERE citizen_id = $1)
        DELETE FROM notice WHERE citizen_id = $1
        """,
        citizen_id,
    )


async def count_deliveries(since: datetime) -> list[DeliveryCount]:
    """Count those that wait, and what became of the others since an instant."""
    return await fetch_all(
        DeliveryCount,
        """
        SELECT delivery, count(*) FROM notice WHERE delivery = 'pending' OR at >= $1
        GROUP BY delivery ORDER BY delivery
        """,
        since,
    )

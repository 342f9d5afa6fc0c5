"""A notice, unread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.notices import find_notice, store_notice
from tests.support.right import Right

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from tests.support.world import World


async def furnish(_: AsyncClient, world: World) -> dict[str, str]:
    notice = await find_notice(await store_notice(world.citizen.id))
    return {"notice": str(notice.id)}


RIGHT = {
    "listNotices": Right("citizen"),
    "countUnreadNotices": Right("citizen"),
    "readNotice": Right("citizen", {"noticeId": "notice"}),
    "listNoticeQuotas": Right("citizen"),
    "reportNoticeQuota": Right("citizen", body=lambda _: {"template": "record", "count": 1}),
}

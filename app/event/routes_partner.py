"""The feed an institution polls."""

from __future__ import annotations

import msgspec
from litestar import Router, get
from litestar.di import NamedDependency

from app.event import queries
from app.event.queries import FeedRow
from app.event.rules import FEED_START, FeedCursor
from app.event.schemas import FeedItem
from app.kit.auth import PartnerCaller
from app.kit.errors import Forbidden, InvalidRequest, StaleCursor, Unauthenticated
from app.kit.http import refusals
from app.kit.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, PageInfo, decode_cursor, encode_cursor


@get(
    "/events",
    operation_id="listPartnerEvents",
    status_code=200,
    opt={"scope": "read"},
    responses=refusals(Unauthenticated, Forbidden, InvalidRequest, StaleCursor),
)
async def list_events(
    partner: NamedDependency[PartnerCaller], cursor: Cursor = None, limit: Limit = PAGE_SIZE_DEFAULT
) -> Page[FeedItem]:
    """Tell what happened at the institution, gap-free; `nextCursor` is always given: poll with it."""
    after = decode_cursor(cursor, FeedCursor) or FEED_START
    rows = await queries.find_feed(partner.institution_id, after, limit)
    kept = rows[:limit]
    seen = FeedCursor(kept[-1].epoch, kept[-1].xid, kept[-1].id) if kept else after
    page = PageInfo(next_cursor=encode_cursor(seen), has_more=len(rows) > limit)
    return Page(data=[_show(row) for row in kept], page=page)


def _show(row: FeedRow) -> FeedItem:
    return FeedItem(
        id=row.id, type=row.type, time=row.at, subject=row.subject_id, data=msgspec.json.decode(row.data, type=dict)
    )


router = Router("/v1/partner", route_handlers=[list_events], tags=["event"])

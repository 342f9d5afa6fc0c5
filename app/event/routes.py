"""The feed an institution polls."""

from __future__ import annotations

import msgspec
from litestar import Router, get
from litestar.di import NamedDependency

from app.event import actions
from app.event.queries import FeedEvent
from app.event.schemas import FeedItem
from app.kit.errors import Forbidden, InvalidRequest, StaleCursor, Unauthenticated
from app.kit.security.auth import PartnerCaller
from app.kit.web.http import refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, PageInfo


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
    """Tell what happened at the institution, gap-free; `nextCursor` is always given: poll with it.

    A key that is bound to stores reads the events of these stores alone, none of the institution as a whole; a page of
    it may be empty while `hasMore` is true.
    """
    feed = await actions.read_feed(partner.institution_id, partner.store_ids, cursor, limit)
    page = PageInfo(next_cursor=feed.next_cursor, has_more=feed.has_more)
    return Page(data=[_show(event) for event in feed.events], page=page)


def _show(event: FeedEvent) -> FeedItem:
    data = msgspec.json.decode(event.data, type=dict)
    return FeedItem(id=event.id, type=event.type, time=event.at, subject=event.subject_id, data=data)


router = Router("/v1/partner", route_handlers=[list_events], tags=["event"])
ROUTERS = [router]

"""Writing down what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.event import queries
from app.event.feed import EVENT_TYPES, FEED_START, FeedCursor, NewEvent
from app.kit.clock import uuid7
from app.kit.db.database import is_in_transaction, transaction
from app.kit.web.paging import decode_cursor, encode_cursor

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from app.event.queries import FeedEvent

STORE_WINDOW = 1_000  # events of an institution looked over for a page of some of its stores


class Feed(msgspec.Struct, frozen=True):
    """Some events in their order, and where to go on."""

    events: list[FeedEvent]
    next_cursor: str
    has_more: bool


async def insert_events(events: Sequence[NewEvent]) -> None:
    """Store events inside the caller's transaction; those of one instant keep their order in the feed.

    Raises when a type is one that no room declares.
    """
    assert is_in_transaction(), "a fact and its event are one transaction"
    EVENT_TYPES.need(event.type for event in events)
    if events:
        in_order = sorted(events, key=lambda event: event.at)
        await queries.insert_events(in_order, sorted(uuid7(event.at) for event in in_order))


async def read_feed(institution_id: UUID, store_ids: Collection[UUID] | None, cursor: str | None, limit: int) -> Feed:
    """Return what happened at an institution after a cursor, and the cursor to go on with, even when there is nothing.

    Who speaks for ``store_ids`` alone reads the events of these stores; others are looked over, ``STORE_WINDOW`` at a
    time, so a page may be empty and yet more to come. Refuses a cursor that is not one of this feed.
    """
    after = decode_cursor(cursor, FeedCursor) or FEED_START
    window = limit + 1 if store_ids is None else STORE_WINDOW
    found = await queries.find_feed(institution_id, None if store_ids is None else list(store_ids), after, window)
    shown = [event for event in found if event.is_shown]
    events, is_cut = shown[:limit], len(shown) > limit
    last = events[-1] if is_cut else found[-1] if found else None
    seen = FeedCursor(last.epoch, last.xid, last.id) if last else after
    return Feed(events, encode_cursor(seen), is_cut or (last is not None and last.seen == window))


async def ensure_epoch() -> None:
    """Begin a new epoch when the data was restored into another cluster, whose transaction ids start anew."""
    async with transaction():
        await queries.lock_epoch()
        await queries.insert_epoch_of_this_cluster()

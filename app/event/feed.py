"""What an event is, and how far in the feed a reader has come."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, NewType
from uuid import UUID

import msgspec

from app.values.words import ClosedList

EPOCH_MAX = 2**15 - 1
XID_MAX = 2**63 - 1

EventType = NewType("EventType", str)
# What may happen: every room declares its own, like ``benefit.redeemed.v1``; published as ``x-event-types``.
EVENT_TYPES: ClosedList[EventType] = ClosedList("event type")


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened: ids and states, nothing personal. ``type`` is one of ``EVENT_TYPES``."""

    type: EventType
    subject_id: UUID
    at: datetime
    institution_id: UUID | None = None
    citizen_id: UUID | None = None
    data: dict[str, object] = {}


class FeedCursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The last event a reader has seen."""

    epoch: Annotated[int, msgspec.Meta(ge=0, le=EPOCH_MAX)]
    xid: Annotated[int, msgspec.Meta(ge=0, le=XID_MAX)]
    id: UUID


FEED_START = FeedCursor(0, 0, UUID(int=0))

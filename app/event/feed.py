"""What an event is, and where in the feed a reader stands."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

EPOCH_MAX = 2**15 - 1
XID_MAX = 2**63 - 1


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened: ids and states, nothing personal. ``type`` looks like ``benefit.redeemed.v1``."""

    type: str
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

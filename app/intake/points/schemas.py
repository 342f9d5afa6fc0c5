"""City-app points on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from app.intake.points.ledger import (
    AMOUNT_MAX,
    POINT_EVENT_ID_CHARACTERS_MAX,
    RATE_MAX,
    YEARLY_CAP_MAX,
    PointKind,
)
from app.kit.web.http import Ask, Wire
from app.values.patterns import POINT_EVENT_ID

TYPED_CHARACTERS_MAX = 100
OVERLAP_SECONDS_MAX = 7 * 24 * 3600
EventId = Annotated[str, msgspec.Meta(max_length=POINT_EVENT_ID_CHARACTERS_MAX, pattern=POINT_EVENT_ID)]
Typed = Annotated[str, msgspec.Meta(max_length=TYPED_CHARACTERS_MAX)]


class PointEventRequest(Ask, kw_only=True):
    """So many app points (or minutes) of a kind, for something one person did; `occurredAt` with its offset."""

    event_id: EventId
    kind: PointKind
    amount: Annotated[int, msgspec.Meta(ge=1, le=AMOUNT_MAX)]
    id_number: Typed
    name: Typed
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]


class PointEventReceived(Wire, kw_only=True):
    """The event came in, whether or not it is about a member."""

    event_id: str
    state: Literal["received"]


class SecretRequest(Ask, kw_only=True):
    """For how long the secret before still works beside the new one."""

    overlap_seconds: Annotated[int, msgspec.Meta(ge=0, le=OVERLAP_SECONDS_MAX)]


class SourceSecret(Wire, kw_only=True):
    """What the source signs with from now on; shown this once."""

    source: str
    secret: str
    created_at: datetime


class PointRuleRequest(Ask, kw_only=True):
    """What points become: `numerator` of the indicator's units for `denominator` points.

    No more than `yearlyCap` points count in one person's Shanghai year.
    """

    kind: PointKind
    indicator: Annotated[str, msgspec.Meta(max_length=64)]
    numerator: Annotated[int, msgspec.Meta(ge=1, le=RATE_MAX)]
    denominator: Annotated[int, msgspec.Meta(ge=1, le=RATE_MAX)]
    yearly_cap: Annotated[int, msgspec.Meta(ge=1, le=YEARLY_CAP_MAX)]


class PointRule(Wire, kw_only=True):
    """What points of a kind become."""

    kind: str
    indicator: str
    numerator: int
    denominator: int
    yearly_cap: int
    created_at: datetime

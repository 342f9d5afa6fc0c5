"""What the credit code says and hears on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from app.credit_code.short_form import CODES_AT_ONCE_MAX
from app.kit.web.http import Wire
from app.values.patterns import CREDIT_CODE

# Frozen, unlike other requests: an empty one is also the default of a route, for a call without a body.
RevokeReason = Literal["lost_phone", "screenshot", "other"]


class IssueCodesRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A phone asks for the code of this slot and up to two ahead; without a body, for this slot's alone."""

    count: Annotated[
        int, msgspec.Meta(ge=1, le=CODES_AT_ONCE_MAX, description="This slot's code and the next ones.")
    ] = 1


class IssuedCode(Wire):
    """The code of one slot: what to draw, and from when to when."""

    not_before: datetime
    not_after: datetime
    text: Annotated[str, msgspec.Meta(pattern=CREDIT_CODE)]


class IssuedCodes(Wire):
    """The codes asked for, earliest first, and our clock, from which the phone reckons which one to show."""

    server_time: datetime
    codes: list[IssuedCode]


class RevokeCodesRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A citizen kills every code shown so far; why may be left out."""

    reason: RevokeReason = "other"

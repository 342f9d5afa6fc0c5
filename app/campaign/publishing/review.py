"""What there is to say of a document before it comes into force. Pure."""

from __future__ import annotations

import msgspec

from app.campaign.terms.flags import Flag
from app.campaign.terms.observer import InUse
from app.values.fault import Fault


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a document, what its institution can tell people apart by, and its words of the deny-list."""

    faults: list[Fault]
    in_use: InUse
    flags: list[Flag]

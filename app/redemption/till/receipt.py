"""The answers whose bytes are stored with the redemption or reversal, and sent again for every repeat of the key."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from app.campaign.terms.grant import Grant
from app.redemption.till.redeeming import RedemptionState

_ENCODER = msgspec.json.Encoder()


class RedemptionReceipt(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Proof of a redemption."""

    id: UUID
    state: RedemptionState
    benefit_id: UUID
    grant: Grant
    amount_fen: int | None
    discount_fen: int | None
    currency: Literal["CNY"] = "CNY"
    redeemed_at: datetime
    reversible_until: datetime
    reference: str
    allowed_actions: list[str]


class ReversalReceipt(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Proof of a reversal; ``id`` is the redemption's."""

    id: UUID
    reversal_id: UUID
    state: RedemptionState
    benefit_id: UUID
    reference: str
    reason: str
    reversed_at: datetime
    allowed_actions: list[str]


def encode_receipt(receipt: RedemptionReceipt | ReversalReceipt) -> bytes:
    """Return the bytes that are stored and sent."""
    return _ENCODER.encode(receipt)


class Answered(msgspec.Struct, frozen=True):
    """The bytes to send, and whether they were sent before."""

    answer: bytes
    is_replayed: bool

"""Lists, statements and totals on the wire."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from app.kit.web.http import Wire
from app.redemption.till.redeeming import RedemptionState
from app.redemption.till.schemas import Currency


class PartnerRedemption(Wire, kw_only=True):
    """A redemption in a partner's list: nothing about the person."""

    id: UUID
    state: RedemptionState
    benefit_id: UUID
    benefit_code: str
    title: str
    reference: str
    store_id: UUID
    terminal_id: UUID
    amount_fen: int | None
    discount_fen: int | None
    currency: Currency = "CNY"
    redeemed_at: datetime
    reversible_until: datetime
    allowed_actions: list[str]


class Statement(Wire, kw_only=True):
    """A day's totals to reconcile with. The digest is SHA-256 over the redemption ids in order, joined by newlines."""

    date: date
    count: int
    sum_fen: Annotated[int, msgspec.Meta(description="Discounts of the redemptions made this day.")]
    amount_fen: int
    currency: Currency = "CNY"
    reversed_count: int
    reversed_sum_fen: Annotated[int, msgspec.Meta(description="Of these, discounts reversed since.")]
    digest: str
    is_final: Annotated[bool, msgspec.Meta(description="Whether the day is over.")]


class BenefitTotals(Wire, kw_only=True):
    """How a benefit of a campaign is used, without any person."""

    benefit_id: UUID
    code: str
    title: str | None
    redeemed: int
    reversed: int
    discount_fen: int
    currency: Currency = "CNY"
    stock: int | None
    used: Annotated[int | None, msgspec.Meta(description="Places taken, also before the stock was set.")]
    remaining: Annotated[int | None, msgspec.Meta(description="Places left; 0 also when more are out than the stock.")]


class CampaignTotals(Wire):
    """How a campaign is used, without any person."""

    campaign_id: UUID
    benefits: list[BenefitTotals]

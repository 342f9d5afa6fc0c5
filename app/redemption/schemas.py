"""What scanning and redeeming says and hears on the wire."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from app.campaign.terms.grant import Grant
from app.campaign.terms.texts import ScenarioCode
from app.kit.http import Ask, ReasonText, Wire
from app.redemption.rules import AMOUNT_FEN_MAX, REFERENCE_CHARACTERS_MAX, RedemptionState

CODE_CHARACTERS_MAX = 64
REASON_CHARACTERS_MAX = 200

# In Python's patterns ``$`` also stands before a last line break.
Currency = Literal["CNY"]
CodeText = Annotated[str, msgspec.Meta(min_length=1, max_length=CODE_CHARACTERS_MAX, description="What was scanned.")]
Reference = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=REFERENCE_CHARACTERS_MAX,
        pattern=r"^[\x21-\x7e]+(?!\n)$",
        description="Your own order number; unique in your institution. After a reversal its scan may use it again.",
    ),
]
AmountFen = Annotated[int, msgspec.Meta(ge=1, le=AMOUNT_FEN_MAX, description="The bill, in fen.")]
ReversalReason = Annotated[
    str, msgspec.Meta(min_length=1, max_length=REASON_CHARACTERS_MAX, pattern=r"^[^\x00-\x1f]+(?!\n)$")
]


class ScanRequest(Ask):
    """A terminal scanned a code."""

    code: CodeText
    terminal_id: UUID
    scenario: ScenarioCode | None = None


class OfferedBenefit(Wire):
    """A benefit this person may use here, with what it grants to them."""

    id: UUID
    code: str
    title: str
    kind: str
    grant: Grant


class ScanAnswer(Wire, omit_defaults=True):
    """A scan: what this person may use here. An empty list says only that no benefit is available."""

    scan_id: UUID
    expires_in: Annotated[int, msgspec.Meta(description="Seconds.")]
    expires_at: datetime
    benefits: list[OfferedBenefit]
    message: str | None = None
    masked_name: str | None = None


class RedeemRequest(Ask):
    """A terminal redeems a benefit, by an earlier scan or by the code in one go: exactly one of the two."""

    benefit_id: UUID
    terminal_id: UUID
    reference: Reference
    scan_id: UUID | None = None
    code: CodeText | None = None
    amount_fen: AmountFen | None = None


class ReverseRequest(Ask):
    """Why a redemption is undone."""

    reason: ReversalReason


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


class MyBenefit(Wire):
    """A benefit as the citizen sees it: every failing clause named, with its distance."""

    id: UUID
    code: str
    title: str
    kind: str
    scenario: str
    institution: str
    eligible: bool
    reasons: list[ReasonText]
    grant: Grant
    remaining_for_me: int | None
    ends_at: datetime
    without_score: str | None


class MyRedemption(Wire, kw_only=True):
    """A use of a benefit as the citizen sees it."""

    id: UUID
    state: RedemptionState
    benefit_id: UUID
    title: str
    institution: str
    store: str
    amount_fen: int | None
    discount_fen: int | None
    currency: Currency = "CNY"
    redeemed_at: datetime


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

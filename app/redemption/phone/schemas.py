"""What a citizen sees of benefits and of what they used, on the wire."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.campaign.terms.grant import Grant
from app.kit.web.http import ReasonText, Wire
from app.redemption.till.redeeming import RedemptionState
from app.redemption.till.schemas import Currency


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

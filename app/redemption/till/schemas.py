"""What scanning and redeeming says and hears on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from app.campaign.terms.grant import Grant
from app.campaign.terms.texts import ScenarioCode
from app.kit.web.http import Ask, Wire
from app.redemption.till.redeeming import AMOUNT_FEN_MAX, REFERENCE_CHARACTERS_MAX
from app.values.patterns import REFERENCE, REMARK

CODE_CHARACTERS_MAX = 64
REASON_CHARACTERS_MAX = 200

Currency = Literal["CNY"]
CodeText = Annotated[str, msgspec.Meta(min_length=1, max_length=CODE_CHARACTERS_MAX, description="What was scanned.")]
Reference = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=REFERENCE_CHARACTERS_MAX,
        pattern=REFERENCE,
        description="Your own order number; unique in your institution. After a reversal its scan may use it again.",
    ),
]
AmountFen = Annotated[int, msgspec.Meta(ge=1, le=AMOUNT_FEN_MAX, description="The bill, in fen.")]
ReversalReason = Annotated[str, msgspec.Meta(min_length=1, max_length=REASON_CHARACTERS_MAX, pattern=REMARK)]


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

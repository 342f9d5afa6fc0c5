"""Scanning and redeeming over HTTP, for tills and hospital desks."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.credit_code.refusals import CreditCodeExpired, CreditCodeInvalid
from app.kit.clock import now
from app.kit.errors import (
    Forbidden,
    IdempotencyKeyInvalid,
    IdempotencyKeyReused,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    Overloaded,
    RateLimited,
    Unauthenticated,
)
from app.kit.request.idempotency import REPLAYED_HEADER, IdempotencyKey, check_key, digest_request
from app.kit.security.auth import PartnerCaller
from app.kit.web.answers import Answer
from app.kit.web.http import AnyRequest, language_of, refusals, trace_id_of
from app.partner.refusals import TerminalSuspended
from app.redemption.till.actions import redeem as redeem_actions
from app.redemption.till.actions import reverse as reverse_actions
from app.redemption.till.actions import scan as scan_actions
from app.redemption.till.actions.redeem import RedeemOrder
from app.redemption.till.actions.reverse import ReverseOrder
from app.redemption.till.actions.scan import Scanned
from app.redemption.till.receipt import Answered, RedemptionReceipt, ReversalReceipt
from app.redemption.till.refusals import (
    AlreadyRedeemed,
    AlreadyReversed,
    BenefitNotActive,
    BenefitNotFound,
    CapReached,
    CreditCodeUsed,
    NotEligible,
    ReferenceTaken,
    ReversalWindowOver,
    ScanExpired,
    StockGone,
)
from app.redemption.till.schemas import OfferedBenefit, RedeemRequest, ReverseRequest, ScanAnswer, ScanRequest

NOTHING_AVAILABLE = {"zh": "无可用优惠", "en": "no benefit available"}
ALWAYS = (InvalidRequest, Unauthenticated, Forbidden, RateLimited)


@post(
    "/scans",
    operation_id="scanCode",
    status_code=201,
    opt={"scope": "scan"},
    responses=refusals(
        *ALWAYS, NotFound, TerminalSuspended, CreditCodeUsed, CreditCodeExpired, CreditCodeInvalid, Overloaded
    ),
)
async def scan_code(
    request: AnyRequest, data: JSONBody[ScanRequest], partner: NamedDependency[PartnerCaller]
) -> Response[ScanAnswer]:
    """Resolve a code that a citizen shows; the answer lists only what applies to them here."""
    at = now()
    scanned = await scan_actions.scan(
        partner, code=data.code, terminal_id=data.terminal_id, scenario=data.scenario, at=at
    )
    return Answer(_show_scan(scanned, at, request), {})


@get(
    "/scans/{scan_id:uuid}",
    operation_id="readScan",
    opt={"scope": "scan"},
    responses=refusals(*ALWAYS, NotFound, TerminalSuspended, ScanExpired),
)
async def read_scan(
    request: AnyRequest, scan_id: FromPath[UUID], partner: NamedDependency[PartnerCaller]
) -> ScanAnswer:
    """Read an open scan again; the citizen sees that too."""
    at = now()
    return _show_scan(await scan_actions.read_scan(partner, scan_id, at), at, request)


@post(
    "/redemptions",
    operation_id="redeemBenefit",
    status_code=201,
    opt={"scope": "redeem"},
    responses=refusals(
        *ALWAYS, IdempotencyKeyInvalid, IdempotencyKeyReused, BenefitNotFound, TerminalSuspended, BenefitNotActive,
        CreditCodeInvalid, CreditCodeExpired, CreditCodeUsed, ScanExpired, NotEligible, AlreadyRedeemed,
        ReferenceTaken, StockGone, CapReached, Overloaded, OutcomeUnknown,
    ),
)  # fmt: skip
async def redeem_benefit(
    request: AnyRequest,
    data: JSONBody[RedeemRequest],
    partner: NamedDependency[PartnerCaller],
    idempotency_key: IdempotencyKey = None,
) -> Response[RedemptionReceipt]:
    """Redeem a benefit once, by a scan or by the code itself; repeat the key to learn a lost answer.

    The same request under the same key gets the same answer for ever. Another request under it is refused on the day of
    its code; on another day the key is free.
    """
    order = RedeemOrder(
        key=check_key(idempotency_key),
        digest=digest_request("POST", "/v1/partner/redemptions", data),
        benefit_id=data.benefit_id,
        terminal_id=data.terminal_id,
        reference=data.reference,
        scan_id=data.scan_id,
        code=data.code,
        amount_fen=data.amount_fen,
        at=now(),
        trace_id=trace_id_of(request),
    )
    return _answer(await redeem_actions.redeem(partner, order))


@post(
    "/redemptions/{redemption_id:uuid}/reverse",
    operation_id="reverseRedemption",
    status_code=200,
    opt={"scope": "redeem"},
    responses=refusals(
        *ALWAYS, NotFound, IdempotencyKeyInvalid, IdempotencyKeyReused, AlreadyReversed, ReversalWindowOver
    ),
)
async def reverse_redemption(
    redemption_id: FromPath[UUID],
    data: JSONBody[ReverseRequest],
    partner: NamedDependency[PartnerCaller],
    idempotency_key: IdempotencyKey = None,
) -> Response[ReversalReceipt]:
    """Undo a redemption within its window; the place and the person's use come back."""
    order = ReverseOrder(
        key=check_key(idempotency_key),
        digest=digest_request("POST", f"/v1/partner/redemptions/{redemption_id}/reverse", data),
        redemption_id=redemption_id,
        reason=data.reason,
        at=now(),
    )
    return _answer(await reverse_actions.reverse(partner, order))


def _answer(answered: Answered) -> Response[Any]:
    """Send the stored bytes as they are; the type is for the documentation."""
    headers = {REPLAYED_HEADER: "true"} if answered.is_replayed else {}
    return Answer(answered.answer, headers)


def _show_scan(scanned: Scanned, at: datetime, request: AnyRequest) -> ScanAnswer:
    return ScanAnswer(
        scan_id=scanned.scan_id,
        expires_in=max(0, int((scanned.expires_at - at).total_seconds())),
        expires_at=scanned.expires_at,
        benefits=[
            OfferedBenefit(
                id=offer.benefit.id,
                code=offer.benefit.code,
                title=offer.benefit.title,
                kind=offer.benefit.kind,
                grant=offer.grant,
            )
            for offer in scanned.offers
        ],
        message=None if scanned.offers else NOTHING_AVAILABLE[language_of(request)],
        masked_name=scanned.masked_name,
    )


router = Router(
    "/v1/partner",
    route_handlers=[scan_code, read_scan, redeem_benefit, reverse_redemption],
    tags=["redemption"],
)

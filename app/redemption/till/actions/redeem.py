"""Redeem a benefit: load, judge, and leave what must hold among racing requests to one statement."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from app.campaign.catalogue.actions import catalogue
from app.campaign.terms.grant import ResolvedGrant, WholeGrant, compute_discount_fen, resolve_grant
from app.campaign.terms.judge import judge_eligibility
from app.kit.clock import uuid7
from app.kit.db.cache import CatalogueStale, refresh_all
from app.kit.db.group_commit import RETRY_AFTER_SECONDS
from app.kit.errors import (
    IdempotencyKeyReused,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    Overloaded,
    RateLimited,
    Refusal,
)
from app.partner.actions.caller import find_terminal, resolve_terminal
from app.redemption.till.actions.lanes import redeem_lane
from app.redemption.till.actions.limits import count_places, count_uses
from app.redemption.till.actions.people import (
    Shown,
    TurnedAway,
    find_code_day,
    find_shown_by_code,
    find_shown_by_scan,
    log_refusal,
)
from app.redemption.till.actions.scan import INSTITUTION_LIMIT, TERMINAL_LIMIT
from app.redemption.till.actions.tries import note_refused
from app.redemption.till.queries import lanes as lanes_queries
from app.redemption.till.queries.lanes import (
    EarlierAnswer,
    KeyAsked,
    RedeemItem,
    RedeemOutcome,
    ReplayedOutcome,
    UnloggedOutcome,
)
from app.redemption.till.queries.limits import UseWanted
from app.redemption.till.queries.tries import RefusedTry
from app.redemption.till.receipt import Answered, RedemptionReceipt, encode_receipt
from app.redemption.till.redeeming import (
    EVER_ENDS_ON,
    EVER_ON,
    REDEEM,
    SCAN_LIFETIME_SECONDS,
    compute_allowed_actions,
    compute_period_ends_on,
    compute_period_on,
    compute_slot_day,
)
from app.redemption.till.refusals import (
    AlreadyRedeemed,
    BenefitNotActive,
    BenefitNotFound,
    CapReached,
    CreditCodeUsed,
    NotEligible,
    ReferenceTaken,
    StockGone,
)
from app.values.days import shanghai_day
from app.values.fault import Fault

if TYPE_CHECKING:
    from uuid import UUID

    from app.campaign.catalogue.live import LiveBenefit
    from app.kit.security.auth import PartnerCaller
    from app.partner.directory import TerminalEntry

ROUNDS_MAX = 5
REFUSAL_OF_OUTCOME: dict[str, type[Refusal]] = {
    "idempotency_key_reused": IdempotencyKeyReused,
    "credit_code_used": CreditCodeUsed,
    "already_redeemed": AlreadyRedeemed,
    "reference_taken": ReferenceTaken,
    "stock_gone": StockGone,
    "cap_reached": CapReached,
}


class RedeemOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What a terminal asks for: a benefit for the person behind a scan or a code, under the partner's reference."""

    key: str
    digest: bytes
    benefit_id: UUID
    terminal_id: UUID
    reference: str
    scan_id: UUID | None
    code: str | None
    amount_fen: int | None
    at: datetime
    trace_id: str


# The first try of a key that is under way in this process: its repeats wait for it and share its outcome (decision 17).
# The outcome is None when the first caller went away; then those that waited try for themselves.
_in_flight: dict[tuple[UUID, str, bytes], asyncio.Future[Answered | Refusal | None]] = {}


async def redeem(caller: PartnerCaller, order: RedeemOrder) -> Answered:
    """Redeem once. The same key gets the same answer for ever, and while the first try is under way waits for it."""
    if (order.scan_id is None) == (order.code is None):
        zh, en = "scanId 与 code 须提供其一，且只能一项", "Give scanId or code, not both"
        raise InvalidRequest(errors=[Fault.at("/scanId", "one_of", zh, en)])
    # A terminal that is not this key's is refused before it can share an outcome under way. A suspended one goes on: it
    # redeems nothing, and still gets the answers it had before.
    terminal: TerminalEntry | None = None
    try:
        terminal = find_terminal(caller, order.terminal_id)
        return await _redeem_together(caller, order, terminal)
    except Refusal as refusal:
        _note(caller, order, terminal, refusal)
        raise


async def _redeem_together(caller: PartnerCaller, order: RedeemOrder, terminal: TerminalEntry) -> Answered:
    """Redeem, or share the outcome of the first try of the same key, which is under way."""
    place = (caller.institution_id, order.key, order.digest)
    while (running := _in_flight.get(place)) is not None:
        outcome = await asyncio.shield(running)
        if isinstance(outcome, Refusal):
            raise outcome
        if outcome is not None:
            return Answered(outcome.answer, is_replayed=True)
    first = _in_flight[place] = asyncio.get_running_loop().create_future()
    outcome = None
    try:
        outcome = await _redeem_or_replay(caller, order, terminal)
    except Refusal as refusal:
        outcome = refusal
        raise
    finally:
        del _in_flight[place]
        first.set_result(outcome)
    return outcome


async def _redeem_or_replay(caller: PartnerCaller, order: RedeemOrder, terminal: TerminalEntry) -> Answered:
    """Redeem; before refusing for any reason of its own, look for the answer that this key had before.

    A code may have expired, and a campaign ended, since the answer that got lost on its way.
    """
    turned: TurnedAway | None = None
    try:
        return await _redeem(caller, order)
    except (Overloaded, OutcomeUnknown, RateLimited, NotFound, CatalogueStale):
        raise  # not found: the terminal is not this key's, and so earlier answers of its store are none of its business
    except TurnedAway as error:
        refusal, turned = error.refusal, error
    except Refusal as error:
        refusal = error
    earlier = await _find_earlier(caller, order)
    if earlier is not None and earlier.request_digest == order.digest:
        return Answered(earlier.answer, is_replayed=True)
    refusal = IdempotencyKeyReused() if earlier else refusal
    if turned is not None:
        await _log(order, terminal, TurnedAway(refusal, turned.citizen_id))
    raise refusal


async def _log(order: RedeemOrder, terminal: TerminalEntry, turned: TurnedAway) -> None:
    await log_refusal(
        turned,
        action=REDEEM,
        institution_id=terminal.institution_id,
        scenario=_scenario_of(order.benefit_id),
        terminal=terminal,
        at=order.at,
    )


def _note(caller: PartnerCaller, order: RedeemOrder, terminal: TerminalEntry | None, refusal: Refusal) -> None:
    """Note what the till is answered, for an operator who is asked; what only says "again, later" is no answer."""
    if refusal.retryable:
        return
    note_refused(
        RefusedTry(
            reference=order.reference,
            institution_id=caller.institution_id,
            at=order.at,
            store_id=terminal.store_id if terminal else None,
            terminal_id=terminal.id if terminal else None,
            outcome=refusal.code,
            trace_id=order.trace_id,
        )
    )


async def _find_earlier(caller: PartnerCaller, order: RedeemOrder) -> EarlierAnswer | None:
    """Look for the answer that the key had: to the same request at any time, to another one on the day of its code."""
    if order.scan_id is not None:
        slot_day = compute_slot_day(order.scan_id)
    else:
        slot_day = find_code_day(order.code or "", order.at)
    asked = KeyAsked(
        institution_id=caller.institution_id,
        idempotency_key=order.key,
        reference=order.reference,
        slot_day=slot_day,
    )
    (earlier,) = await lanes_queries.find_earlier_answers([asked])
    return earlier


async def _redeem(caller: PartnerCaller, order: RedeemOrder) -> Answered:
    terminal = resolve_terminal(caller, order.terminal_id)
    INSTITUTION_LIMIT.need(terminal.institution_id)
    TERMINAL_LIMIT.need(terminal.id)
    shown = await _find_shown(caller, order, terminal)
    for _ in range(ROUNDS_MAX):
        item = _judge(order, terminal, shown)
        # All who redeem at this moment share one statement, and one write to the disk (``actions.lanes``).
        outcome = await redeem_lane.submit(item)
        if outcome.outcome == "stale":  # limits have changed since the version in our memory: read it and judge again
            await refresh_all([catalogue])
        elif outcome.outcome == "uncounted":  # a limit is newer than redemptions it must count
            await _count(item)
        else:
            return _settle(item, outcome)
    raise Overloaded(retry_after_seconds=RETRY_AFTER_SECONDS)


async def _count(item: RedeemItem) -> None:
    """Count the redemptions from before the limits."""
    if item.stock is not None:
        await count_places(item.institution_id, item.benefit_id)
    if item.cap is not None and item.cap_holder_id is not None:
        use = UseWanted(item.benefit_id, item.step, item.period_on, item.period_ends_on)
        await count_uses(item.citizen_id, item.cap_holder_id, use)


def _scenario_of(benefit_id: UUID) -> str | None:
    benefit = catalogue.current.benefit(benefit_id)
    return benefit.scenario if benefit else None


def _find_benefit(benefit_id: UUID, terminal: TerminalEntry) -> LiveBenefit:
    # ``trusted``: a process cut off from the database must not go on giving what was stopped elsewhere.
    benefit = catalogue.trusted.benefit(benefit_id)
    if benefit is None or benefit.institution_id != terminal.institution_id:
        raise BenefitNotFound
    if benefit.store_ids is not None and terminal.store_id not in benefit.store_ids:
        raise BenefitNotFound
    return benefit


async def _find_shown(caller: PartnerCaller, order: RedeemOrder, terminal: TerminalEntry) -> Shown:
    if order.scan_id is not None:
        return await find_shown_by_scan(caller, order.scan_id, terminal.store_id, order.at)
    assert order.code is not None
    return await find_shown_by_code(order.code, terminal, order.at)


def _judge(order: RedeemOrder, terminal: TerminalEntry, shown: Shown) -> RedeemItem:
    """Judge by the catalogue of this moment; a refusal carries the person whose try it was, for their access log."""
    try:
        benefit, day = _find_benefit(order.benefit_id, terminal), shanghai_day(order.at)
        resolved = _resolve(benefit, shown, order.at, day)
    except CatalogueStale:
        raise
    except Refusal as refusal:
        raise TurnedAway(refusal, shown.person.id) from refusal
    return _make_item(order, terminal, benefit, shown, resolved, day)


def _resolve(benefit: LiveBenefit, shown: Shown, at: datetime, day: date) -> ResolvedGrant:
    """Judge what the statement does not: whether the benefit is running, and whether it applies to this person."""
    if not benefit.is_active(at):
        raise BenefitNotActive
    facts = shown.person.facts(catalogue.current.levels)
    if facts is None or not judge_eligibility(benefit.eligibility, facts, day).is_eligible:
        raise NotEligible
    return resolve_grant(benefit.grant, facts)


def _make_receipt(order: RedeemOrder, benefit: LiveBenefit, grant: WholeGrant) -> RedemptionReceipt:
    reversible_until = order.at + timedelta(seconds=benefit.reversal_window_seconds)
    return RedemptionReceipt(
        id=uuid7(order.at),
        state="redeemed",
        benefit_id=benefit.id,
        grant=grant,
        amount_fen=order.amount_fen,
        discount_fen=None if order.amount_fen is None else compute_discount_fen(grant, order.amount_fen),
        redeemed_at=order.at,
        reversible_until=reversible_until,
        reference=order.reference,
        allowed_actions=compute_allowed_actions("redeemed", reversible_until, order.at),
    )


def _make_item(
    order: RedeemOrder, terminal: TerminalEntry, benefit: LiveBenefit, shown: Shown, resolved: ResolvedGrant, day: date
) -> RedeemItem:
    receipt = _make_receipt(order, benefit, resolved.grant)
    cap = resolved.per_citizen or benefit.per_citizen
    return RedeemItem(
        id=receipt.id,
        institution_id=terminal.institution_id,
        idempotency_key=order.key,
        request_digest=order.digest,
        reference=order.reference,
        slot_day=shown.slot_day,
        code_id=shown.code_id,
        scan_id=shown.scan_id or uuid7(shown.slot_start),
        citizen_id=shown.person.id,
        cap_holder_id=shown.person.cap_holder_id,
        step=resolved.step,
        period_on=compute_period_on(cap.period, day) if cap else EVER_ON,
        period_ends_on=compute_period_ends_on(cap.period, day) if cap else EVER_ENDS_ON,
        cap=cap.count if cap else None,
        store_id=terminal.store_id,
        terminal_id=terminal.id,
        scenario=benefit.scenario,
        benefit_id=benefit.id,
        benefit_code=benefit.code,
        title=benefit.title,
        campaign_version=benefit.campaign_version,
        stock=benefit.stock,
        amount_fen=order.amount_fen,
        discount_fen=receipt.discount_fen,
        at=order.at,
        scan_expires_at=order.at + timedelta(seconds=SCAN_LIFETIME_SECONDS),
        reversible_until=receipt.reversible_until,
        answer=encode_receipt(receipt),
    )


def _settle(item: RedeemItem, outcome: RedeemOutcome) -> Answered:
    """Turn an item's outcome into its answer, or raise the refusal that it is."""
    if outcome.outcome == "redeemed":
        return Answered(item.answer, is_replayed=False)
    if isinstance(outcome, ReplayedOutcome):
        return Answered(outcome.answer, is_replayed=True)
    refusal = REFUSAL_OF_OUTCOME[outcome.outcome]()
    raise TurnedAway(refusal, item.citizen_id) if isinstance(outcome, UnloggedOutcome) else refusal

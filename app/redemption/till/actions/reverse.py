"""Undo a redemption within its window: the place, the use and, for the same scan, the reference come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.consent.actions import insert_access
from app.consent.purposes import NewAccess
from app.event.actions import insert_events
from app.event.feed import NewEvent
from app.kit.clock import uuid7
from app.kit.db.database import transaction
from app.kit.errors import IdempotencyKeyReused, NotFound, Refusal
from app.partner.directory import may_reach_store
from app.redemption.till.queries import lanes as lanes_queries
from app.redemption.till.queries import reverse as reverse_queries
from app.redemption.till.queries.lanes import KeyAsked
from app.redemption.till.queries.reverse import RedemptionRow, ReversalRow
from app.redemption.till.receipt import Answered, ReversalReceipt, encode_receipt
from app.redemption.till.redeeming import REVERSE, REVERSED, is_reversible
from app.redemption.till.refusals import AlreadyReversed, ReversalWindowOver
from app.values.days import shanghai_day

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.kit.security.auth import PartnerCaller


class ReverseOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What a partner asks: undo one redemption, and why."""

    key: str
    digest: bytes
    redemption_id: UUID
    reason: str
    at: datetime
    trace_id: str


async def reverse(caller: PartnerCaller, order: ReverseOrder) -> Answered:
    """Undo once. The same key gets the same answer for ever."""
    row = await reverse_queries.find_redemption(caller.institution_id, order.redemption_id)
    if row is None or not may_reach_store(caller.store_ids, row.store_id):
        raise NotFound  # nor may a key of other stores learn what this one was answered
    answered = await _find_earlier(row, order)
    if answered is not None:
        return answered
    try:
        return await _reverse(row, order)
    except Refusal:
        answered = await _find_earlier(row, order)  # it may have been answered meanwhile
        if answered is None:
            raise
        return answered


async def _find_earlier(row: RedemptionRow, order: ReverseOrder) -> Answered | None:
    """Return what this request was answered before; refuse a key that a reversal, or a redemption of that day, had."""
    asked = KeyAsked(
        institution_id=row.institution_id, idempotency_key=order.key, reference=None, slot_day=row.slot_day
    )
    (earlier,) = await lanes_queries.find_earlier_answers([asked])
    if earlier is None:
        return None
    if earlier.request_digest != order.digest:
        raise IdempotencyKeyReused
    return Answered(earlier.answer, is_replayed=True)


async def _reverse(row: RedemptionRow, order: ReverseOrder) -> Answered:
    if row.state == "reversed":
        raise AlreadyReversed
    if not is_reversible(row.reversible_until, order.at):
        raise ReversalWindowOver
    reversal = _make_reversal(row, order)
    async with transaction():
        await reverse_queries.give_back_place(row.benefit_id)
        if not await reverse_queries.mark_reversed(row.institution_id, row.id):
            raise AlreadyReversed
        if not await reverse_queries.insert_reversal(reversal):
            raise IdempotencyKeyReused
        await reverse_queries.give_back_use(row, shanghai_day(row.redeemed_at))
        await insert_events([_to_event(row, order.at)])
        await insert_access([_to_access(row, order)])
    return Answered(reversal.answer, is_replayed=False)


def _make_reversal(row: RedemptionRow, order: ReverseOrder) -> ReversalRow:
    receipt = ReversalReceipt(
        id=row.id,
        reversal_id=uuid7(order.at),
        state="reversed",
        benefit_id=row.benefit_id,
        reference=row.reference,
        reason=order.reason,
        reversed_at=order.at,
        allowed_actions=[],
    )
    return ReversalRow(
        id=receipt.reversal_id,
        institution_id=row.institution_id,
        redemption_id=row.id,
        idempotency_key=order.key,
        request_digest=order.digest,
        reason=order.reason,
        reversed_at=order.at,
        answer=encode_receipt(receipt),
    )


def _to_event(row: RedemptionRow, at: datetime) -> NewEvent:
    return NewEvent(
        type=REVERSED,
        subject_id=row.id,
        at=at,
        institution_id=row.institution_id,
        citizen_id=row.citizen_id,
        data={
            "state": "reversed",
            "benefitId": str(row.benefit_id),
            "storeId": str(row.store_id),
            "terminalId": str(row.terminal_id),
        },
    )


def _to_access(row: RedemptionRow, order: ReverseOrder) -> NewAccess:
    return NewAccess(
        citizen_id=row.citizen_id,
        at=order.at,
        action=REVERSE,
        outcome="reversed",
        institution_id=row.institution_id,
        store_id=row.store_id,
        terminal_id=row.terminal_id,
        told=[row.benefit_code],
        trace_id=order.trace_id,
    )

"""Undo a redemption within its window: the place and the use come back, and its scan may use the reference again."""

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
from app.redemption.till.queries.reverse import Reversal, ReversibleRedemption
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


async def reverse(caller: PartnerCaller, order: ReverseOrder) -> Answered:
    """Undo once. The same key gets the same answer for ever."""
    redemption = await reverse_queries.find_redemption(caller.institution_id, order.redemption_id)
    if redemption is None or not may_reach_store(caller.store_ids, redemption.store_id):
        raise NotFound  # a key of other stores may not learn the earlier answers of this one either
    answered = await _find_earlier(redemption, order)
    if answered is not None:
        return answered
    try:
        return await _reverse(redemption, order)
    except Refusal:
        answered = await _find_earlier(redemption, order)  # it may have been answered meanwhile
        if answered is None:
            raise
        return answered


async def _find_earlier(redemption: ReversibleRedemption, order: ReverseOrder) -> Answered | None:
    """Return the answer this request had before; refuse a key that another request of that day, or a reversal, had."""
    asked = KeyAsked(
        institution_id=redemption.institution_id,
        idempotency_key=order.key,
        reference=None,
        slot_day=redemption.slot_day,
    )
    (earlier,) = await lanes_queries.find_earlier_answers([asked])
    if earlier is None:
        return None
    if earlier.request_digest != order.digest:
        raise IdempotencyKeyReused
    return Answered(earlier.answer, is_replayed=True)


async def _reverse(redemption: ReversibleRedemption, order: ReverseOrder) -> Answered:
    if redemption.state == "reversed":
        raise AlreadyReversed
    if not is_reversible(redemption.reversible_until, order.at):
        raise ReversalWindowOver
    reversal = _make_reversal(redemption, order)
    async with transaction():
        await reverse_queries.give_back_place(redemption.benefit_id)
        if not await reverse_queries.mark_reversed(redemption.institution_id, redemption.id):
            raise AlreadyReversed
        if not await reverse_queries.insert_reversal(reversal):
            raise IdempotencyKeyReused
        await reverse_queries.give_back_use(redemption, shanghai_day(redemption.redeemed_at))
        await insert_events([_to_event(redemption, order.at)])
        await insert_access([_to_access(redemption, order.at)])
    return Answered(reversal.answer, is_replayed=False)


def _make_reversal(redemption: ReversibleRedemption, order: ReverseOrder) -> Reversal:
    receipt = ReversalReceipt(
        id=redemption.id,
        reversal_id=uuid7(order.at),
        state="reversed",
        benefit_id=redemption.benefit_id,
        reference=redemption.reference,
        reason=order.reason,
        reversed_at=order.at,
        allowed_actions=[],
    )
    return Reversal(
        id=receipt.reversal_id,
        institution_id=redemption.institution_id,
        redemption_id=redemption.id,
        idempotency_key=order.key,
        request_digest=order.digest,
        reason=order.reason,
        reversed_at=order.at,
        answer=encode_receipt(receipt),
    )


def _to_event(redemption: ReversibleRedemption, at: datetime) -> NewEvent:
    return NewEvent(
        type=REVERSED,
        subject_id=redemption.id,
        at=at,
        institution_id=redemption.institution_id,
        citizen_id=redemption.citizen_id,
        data={
            "state": "reversed",
            "benefitId": str(redemption.benefit_id),
            "storeId": str(redemption.store_id),
            "terminalId": str(redemption.terminal_id),
        },
    )


def _to_access(redemption: ReversibleRedemption, at: datetime) -> NewAccess:
    return NewAccess(
        citizen_id=redemption.citizen_id,
        at=at,
        action=REVERSE,
        outcome="reversed",
        institution_id=redemption.institution_id,
        store_id=redemption.store_id,
        terminal_id=redemption.terminal_id,
        told=[redemption.benefit_code],
    )

"""The two lanes of writes: whoever scans or redeems at the same moment shares one statement and one fsync."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from app.kit.db.failure import family_of, is_passing
from app.kit.db.group_commit import RETRY_AFTER_SECONDS, GroupCommit
from app.kit.errors import OutcomeUnknown, Unavailable
from app.redemption.till.queries import lanes as lanes_queries
from app.redemption.till.queries.lanes import (
    EarlierAnswer,
    KeyAsked,
    RedeemItem,
    RedeemOutcome,
    ReplayedOutcome,
    ScanItem,
    ScanOutcome,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Hashable, Iterator, Sequence

    from app.redemption.till.redeeming import Outcome

LOG = logging.getLogger("huixin.redemption")
# One: a second lane halves the batches, and an item alone costs several times what it does among thirty.
LANES = 1
# Longer than a statement of a small batch takes, and far below what a till waits for anyway.
PACE_SECONDS = 0.004
BATCH_SIZE_MAX = 128
QUEUE_SIZE_MAX = 2048
TRIES_MAX = 2
UNIQUE_VIOLATION = "23505"
OUTCOME_OF_CONSTRAINT: dict[str, Outcome] = {
    "redemption_reference": "reference_taken",
    "redemption_once": "already_redeemed",
    "redemption_key": "idempotency_key_reused",
}


async def redeem_batch(items: list[RedeemItem]) -> Sequence[RedeemOutcome | Exception]:
    """Redeem a batch; whatever did not succeed is looked up once more: it may be a repeat, seen or not.

    A statement tells of a repeat it sees, without the answer; one that was answered meanwhile its snapshot hides.
    """
    outcomes = await _redeem_tolerantly(items)
    doubtful = [n for n, outcome in enumerate(outcomes) if not _is_success(outcome)]
    if doubtful:
        await _look_again(items, outcomes, doubtful)
    return outcomes


async def _redeem_tolerantly(items: list[RedeemItem], tries_left: int = TRIES_MAX) -> list[RedeemOutcome | Exception]:
    """Run the statement; a guilty item is found by halving, and whatever else fails is tried once more.

    Any failure that is not known to have changed nothing may have committed, also one that nobody has ever seen.
    """
    try:
        return list(await lanes_queries.redeem_many(items))
    except Exception as error:
        if family_of(error) == "refused":
            return await _halve(items, error)
        LOG.warning("a batch of redemptions failed: %s", type(error).__name__, exc_info=error)
    if tries_left > 1:
        return await _redeem_tolerantly(items, tries_left - 1)
    return [OutcomeUnknown(retry_after_seconds=RETRY_AFTER_SECONDS) for _ in items]


async def _halve(items: list[RedeemItem], error: Exception) -> list[RedeemOutcome | Exception]:
    """Run each half alone, so that a poison item fails alone."""
    if len(items) == 1:
        outcome = _outcome_of(error)
        return [error if outcome is None else outcome]
    middle = len(items) // 2
    return [*await _redeem_tolerantly(items[:middle]), *await _redeem_tolerantly(items[middle:])]


async def _look_again(items: list[RedeemItem], outcomes: list[RedeemOutcome | Exception], doubtful: list[int]) -> None:
    """Replace the outcomes of keys that have an answer by that answer."""
    try:
        earlier = await lanes_queries.find_earlier_answers([_to_asked(items[n]) for n in doubtful])
    except Exception as error:
        LOG.warning("earlier answers could not be looked up: %s", type(error).__name__, exc_info=error)
        for n in doubtful:
            outcomes[n] = OutcomeUnknown(retry_after_seconds=RETRY_AFTER_SECONDS)
        return
    for n, found in zip(doubtful, earlier, strict=True):
        outcomes[n] = _settle_again(items[n], outcomes[n], found)


def _settle_again(
    item: RedeemItem, outcome: RedeemOutcome | Exception, found: EarlierAnswer | None
) -> RedeemOutcome | Exception:
    """Return what an item's outcome is, now that it is known whether its key has an answer."""
    if found is not None:
        is_same = found.request_digest == item.request_digest
        return ReplayedOutcome("replayed", found.answer) if is_same else RedeemOutcome("idempotency_key_reused")
    if isinstance(outcome, RedeemOutcome) and outcome.outcome == "repeated":  # seen a moment ago, and lost since
        return OutcomeUnknown(retry_after_seconds=RETRY_AFTER_SECONDS)
    return outcome


def _to_asked(item: RedeemItem) -> KeyAsked:
    return KeyAsked(
        institution_id=item.institution_id,
        idempotency_key=item.idempotency_key,
        reference=item.reference,
        slot_day=item.slot_day,
    )


async def scan_batch(items: list[ScanItem]) -> Sequence[ScanOutcome | Exception]:
    """Claim a batch of codes; claiming is idempotent for a store, so what may pass is simply tried again."""
    for _ in range(TRIES_MAX):
        try:
            return await lanes_queries.scan_many(items)
        except Exception as error:
            if not is_passing(error):
                raise
            LOG.warning("a batch of scans failed: %s", type(error).__name__, exc_info=error)
    return [Unavailable(retry_after_seconds=RETRY_AFTER_SECONDS) for _ in items]


def redeem_conflicts(item: RedeemItem) -> Iterator[Hashable]:
    """Name what two items of one batch must not share."""
    yield ("key", item.institution_id, item.idempotency_key)
    yield ("reference", item.institution_id, item.reference)
    yield ("benefit", item.citizen_id, item.benefit_id)
    if item.code_id is None:
        yield ("scan", item.scan_id, item.benefit_id)
    else:
        yield ("code", item.slot_day, item.code_id)


def scan_conflicts(item: ScanItem) -> Iterator[Hashable]:
    """Name what two items of one batch must not share."""
    yield (item.slot_day, item.code_id)


def _is_success(outcome: RedeemOutcome | Exception) -> bool:
    return isinstance(outcome, RedeemOutcome) and outcome.outcome in ("redeemed", "again")


def _outcome_of(error: Exception) -> RedeemOutcome | None:
    """Name the refusal behind a unique violation."""
    if getattr(error, "sqlstate", None) != UNIQUE_VIOLATION:
        return None
    outcome = OUTCOME_OF_CONSTRAINT.get(str(getattr(error, "constraint_name", "")))
    return None if outcome is None else RedeemOutcome(outcome)


redeem_lane: GroupCommit[RedeemItem, RedeemOutcome] = GroupCommit(
    redeem_batch,
    lanes=LANES,
    pace_seconds=PACE_SECONDS,
    batch_size_max=BATCH_SIZE_MAX,
    queue_size_max=QUEUE_SIZE_MAX,
    conflict_keys=redeem_conflicts,
    is_unsettled=lambda outcome: outcome.outcome == "again",
)
scan_lane: GroupCommit[ScanItem, ScanOutcome] = GroupCommit(
    scan_batch,
    lanes=LANES,
    pace_seconds=PACE_SECONDS,
    batch_size_max=BATCH_SIZE_MAX,
    queue_size_max=QUEUE_SIZE_MAX,
    conflict_keys=scan_conflicts,
)


@asynccontextmanager
async def lanes_lifespan() -> AsyncIterator[None]:
    """On the way out let everything that was submitted have its outcome."""
    try:
        yield
    finally:
        await asyncio.gather(redeem_lane.drain(), scan_lane.drain())

"""The two lanes of writes: all who scan, or redeem, at the same moment share one statement and one write to the disk.

Alone, each request would wait for a write of its own and, for a popular benefit, for the row that all others wait for
too; an item alone costs several times what it costs among thirty. So a lane runs one batch at a time, and the requests
that come meanwhile form the next one (decision 3).
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from app.kit.db.failure import family_of, is_passing
from app.kit.db.group_commit import RETRY_AFTER_SECONDS, GroupCommit
from app.kit.errors import OutcomeUnknown, Unavailable
from app.redemption.till.actions import tries as tries_actions
from app.redemption.till.queries import lanes as lanes_queries
from app.redemption.till.queries.lanes import (
    EarlierAnswer,
    KeyAsked,
    RedeemItem,
    RedeemOutcome,
    ReplayedOutcome,
    ScanItem,
    ScanOutcome,
    UnloggedOutcome,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Hashable, Iterator, Sequence

    from app.redemption.till.redeeming import Outcome

LOG = logging.getLogger("huixin.redemption")
# One: a second lane would halve the batches.
LANES = 1
# Longer than a small batch's statement takes, so that a crowd gathers; too short for a till to notice.
PACE_SECONDS = 0.004
BATCH_SIZE_MAX = 128
QUEUE_SIZE_MAX = 2048  # beyond it a request is refused at once, rather than answered when the till has given up
TRIES_MAX = 2
UNIQUE_VIOLATION = "23505"
OUTCOME_OF_CONSTRAINT: dict[str, Outcome] = {
    "redemption_reference": "reference_taken",
    "redemption_once": "already_redeemed",
    "redemption_key": "idempotency_key_reused",
}


async def redeem_batch(items: list[RedeemItem]) -> Sequence[RedeemOutcome | Exception]:
    """Redeem a batch; the key of each item that did not succeed is looked up: the item may repeat an answered request.

    Of a repeat that the statement sees it returns "repeated", without the answer. A request that was answered after
    the statement began is not in its snapshot, so that its repeat comes out as some refusal.
    """
    outcomes = await _redeem_tolerantly(items)
    doubtful = [n for n, outcome in enumerate(outcomes) if not _is_success(outcome)]
    if doubtful:
        await _look_again(items, outcomes, doubtful)
    return outcomes


async def _redeem_tolerantly(items: list[RedeemItem], tries_left: int = TRIES_MAX) -> list[RedeemOutcome | Exception]:
    """Run the statement; an item that makes it fail is found by halving, and after any other failure it is run again.

    Running it again is safe although it may have committed: its items are then repeats of themselves. After the last
    try the outcome is unknown, also after failures that nobody has ever seen (decision 53).
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
    """Run each half alone, until the item that the database refuses is alone and its neighbours are not harmed."""
    if len(items) == 1:
        outcome = _outcome_of(error)
        return [error if outcome is None else outcome]
    middle = len(items) // 2
    return [*await _redeem_tolerantly(items[:middle]), *await _redeem_tolerantly(items[middle:])]


async def _look_again(items: list[RedeemItem], outcomes: list[RedeemOutcome | Exception], doubtful: list[int]) -> None:
    """Replace the outcomes of items whose keys have an answer by that answer."""
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
    """Return the outcome of an item, given the answer that its key has, or None."""
    if found is not None:
        is_same = found.request_digest == item.request_digest
        if is_same:
            return ReplayedOutcome("replayed", found.answer)
        is_logged = isinstance(outcome, RedeemOutcome) and not isinstance(outcome, UnloggedOutcome)
        return (RedeemOutcome if is_logged else UnloggedOutcome)("idempotency_key_reused")
    if isinstance(outcome, RedeemOutcome) and outcome.outcome == "repeated":  # the answer it saw is not found any more
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
    """Claim a batch of codes; a store may claim a code again, so a failure that may pass is simply tried again."""
    for _ in range(TRIES_MAX):
        try:
            return await lanes_queries.scan_many(items)
        except Exception as error:
            if not is_passing(error):
                raise
            LOG.warning("a batch of scans failed: %s", type(error).__name__, exc_info=error)
    return [Unavailable(retry_after_seconds=RETRY_AFTER_SECONDS) for _ in items]


def redeem_conflicts(item: RedeemItem) -> Iterator[Hashable]:
    """Name what two items of one batch must not share: one statement cannot see what it is about to do for another."""
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


def _outcome_of(error: Exception) -> UnloggedOutcome | None:
    """Return the refusal that a unique violation means; None for any other failure."""
    if getattr(error, "sqlstate", None) != UNIQUE_VIOLATION:
        return None
    outcome = OUTCOME_OF_CONSTRAINT.get(str(getattr(error, "constraint_name", "")))
    return None if outcome is None else UnloggedOutcome(outcome)


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
    """At the end wait until everything that was submitted has its outcome."""
    try:
        yield
    finally:
        await asyncio.gather(redeem_lane.drain(), scan_lane.drain(), tries_actions.note_lane.drain())

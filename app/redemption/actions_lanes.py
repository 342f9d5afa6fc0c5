"""The two lanes of writes: whoever scans or redeems at the same moment shares one statement and one fsync."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from app.kit.errors import OutcomeUnknown, Unavailable
from app.kit.failure import family_of, is_passing
from app.kit.group_commit import RETRY_AFTER_SECONDS, GroupCommit
from app.redemption import queries
from app.redemption.queries import RedeemItem, RedeemOutcome, ScanItem, ScanOutcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Hashable, Iterator, Sequence

    from app.redemption.rules import Outcome

LOG = logging.getLogger("huixin.redemption")
LANES = 2
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
    """Redeem a batch; whatever did not succeed is looked up once more, because a snapshot may hide its twin."""
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
        return list(await queries.redeem_many(items))
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
    """Replace refusals of keys that were answered meanwhile on another connection by that answer."""
    try:
        rows = await queries.find_earlier_answers(
            [items[n].institution_id for n in doubtful], [items[n].idempotency_key for n in doubtful]
        )
    except Exception as error:
        LOG.warning("earlier answers could not be looked up: %s", type(error).__name__, exc_info=error)
        for n in doubtful:
            outcomes[n] = OutcomeUnknown(retry_after_seconds=RETRY_AFTER_SECONDS)
        return
    found = {(row.institution_id, row.idempotency_key): row for row in rows}
    for n in doubtful:
        row = found.get((items[n].institution_id, items[n].idempotency_key))
        if row is not None:
            is_same = row.request_digest == items[n].request_digest
            outcomes[n] = RedeemOutcome("replayed", row.answer) if is_same else RedeemOutcome("idempotency_key_reused")


async def scan_batch(items: list[ScanItem]) -> Sequence[ScanOutcome | Exception]:
    """Claim a batch of codes; claiming is idempotent for a store, so what may pass is simply tried again."""
    for _ in range(TRIES_MAX):
        try:
            return await queries.scan_many(items)
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
    return isinstance(outcome, RedeemOutcome) and outcome.outcome in ("redeemed", "replayed", "again")


def _outcome_of(error: Exception) -> RedeemOutcome | None:
    """Name the refusal behind a unique violation; partitions carry names of their own for their indexes."""
    if getattr(error, "sqlstate", None) != UNIQUE_VIOLATION:
        return None
    name = str(getattr(error, "constraint_name", "") or "")
    for marker, constraint in (
        ("reference", "redemption_reference"),
        ("scan_id_benefit_id", "redemption_once"),
        ("idempotency_key", "redemption_key"),
    ):
        if marker in name:
            return RedeemOutcome(OUTCOME_OF_CONSTRAINT[constraint])
    return None


redeem_lane: GroupCommit[RedeemItem, RedeemOutcome] = GroupCommit(
    redeem_batch,
    lanes=LANES,
    batch_size_max=BATCH_SIZE_MAX,
    queue_size_max=QUEUE_SIZE_MAX,
    conflict_keys=redeem_conflicts,
    is_unsettled=lambda outcome: outcome.outcome == "again",
)
scan_lane: GroupCommit[ScanItem, ScanOutcome] = GroupCommit(
    scan_batch,
    lanes=LANES,
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

"""Writing down what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.event import queries
from app.event.rules import NewEvent
from app.kit.clock import uuid7
from app.kit.database import is_in_transaction, transaction

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["NewEvent", "ensure_epoch", "insert_events"]


async def insert_events(events: Sequence[NewEvent]) -> None:
    """Store events inside the caller's transaction; those of one instant keep their order in the feed."""
    assert is_in_transaction(), "a fact and its event are one transaction"
    if events:
        in_order = sorted(events, key=lambda event: event.at)
        await queries.insert_events(in_order, sorted(uuid7(event.at) for event in in_order))


async def ensure_epoch() -> None:
    """Begin a new epoch when the data was restored into another cluster, whose transaction ids start anew."""
    async with transaction():
        await queries.lock_epoch()
        await queries.insert_epoch_of_this_cluster()

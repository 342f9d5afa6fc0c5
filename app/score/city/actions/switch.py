"""The switch: what was prepared beside the current scores takes their place, for everybody at one instant."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from app.event.actions import insert_events
from app.event.feed import NewEvent
from app.kit.clock import now, uuid7
from app.kit.db.audit import write_audit
from app.kit.db.cache import bump
from app.kit.db.database import transaction
from app.kit.db.failure import family_of
from app.score.book import queries as book_queries
from app.score.book.moves import ACTIVATED, AUDIT_ACTIVATE
from app.score.city.queries import prepare as prepare_queries
from app.score.city.queries import switch as switch_queries
from app.score.engine import queries as engine_queries

if TYPE_CHECKING:
    from datetime import datetime

    from app.score.city.queries.prepare import Preparation

CATCH_UP_CITIZENS = 1000
# Longer than any transaction may take. Scores computed within it of the opening of a preparation are computed again:
# their transaction may have begun before it could see the preparation.
MARGIN = timedelta(minutes=2)
NOBODY = UUID(int=0)
SWITCH_TRIES_MAX, RETRY_SECONDS = 20, 0.5


class Withdrawn(Exception):  # noqa: N818 - it says what is true, like every refusal
    """The rule book was withdrawn before the switch; everybody keeps the score they have."""


async def switch(preparation: Preparation, *, at: datetime) -> None:
    """Make the prepared scores the current ones, at one instant for everybody.

    Under the lock everybody waits; so all but the last few who moved are prepared again before it is taken.
    """
    await _prepare_who_began_before(preparation)
    while await _prepare_moved(preparation):
        pass
    for attempt in range(1, SWITCH_TRIES_MAX + 1):
        try:
            await _switch_under_lock(preparation, at)
            break
        except Exception as error:
            if family_of(error) != "again" or attempt == SWITCH_TRIES_MAX:
                raise
            await asyncio.sleep(RETRY_SECONDS)
    async with transaction():
        await engine_queries.mark_bulk()
        await switch_queries.delete_due_scored(MARGIN)


async def _switch_under_lock(preparation: Preparation, at: datetime) -> None:
    async with transaction():
        await engine_queries.mark_bulk()
        await switch_queries.lock_scores()
        at = max(at, now())  # a score computed before the lock must not seem to come after the switch
        while await _prepare_some_moved(preparation):
            pass
        await switch_queries.update_swap()
        await switch_queries.mark_switched(preparation.id, at)
        if await book_queries.find_active_book_id() != preparation.rule_book_id:
            await _activate(preparation.rule_book_id, at)


async def _prepare_who_began_before(preparation: Preparation) -> None:
    """Prepare again the citizens rescored by a transaction that may have begun before it could see this preparation."""
    span, after = (preparation.opened_at - MARGIN, preparation.opened_at + MARGIN), NOBODY
    while seen := await prepare_queries.list_scored_between(*span, after, CATCH_UP_CITIZENS):
        async with transaction():
            await _prepare_again(preparation, [one.id for one in seen])
        after = seen[-1].id


async def _prepare_moved(preparation: Preparation) -> bool:
    async with transaction():
        return await _prepare_some_moved(preparation)


async def _prepare_some_moved(preparation: Preparation) -> bool:
    """Prepare again some of those who moved since, inside a transaction; whether there were any."""
    moved = [one.id for one in await prepare_queries.take_moved(CATCH_UP_CITIZENS)]
    if moved:
        await _prepare_again(preparation, moved)
    return bool(moved)


async def _prepare_again(preparation: Preparation, citizen_ids: list[UUID]) -> None:
    await engine_queries.mark_bulk()
    await prepare_queries.delete_prepared_listed(citizen_ids)
    await prepare_queries.insert_prepared_listed(
        citizen_ids, preparation.as_of, preparation.rule_book_id, preparation.opened_at
    )


async def _activate(rule_book_id: int, at: datetime) -> None:
    await switch_queries.mark_book_retired(at)
    if not await switch_queries.mark_book_active(rule_book_id, at):
        raise Withdrawn
    # Campaigns name its levels. Before the audit entry, because the locks of both are taken in this order everywhere.
    await bump("catalogue")
    await write_audit(None, action=AUDIT_ACTIVATE, subject=f"rule_book:{rule_book_id}", detail={})
    await insert_events([NewEvent(type=ACTIVATED, subject_id=uuid7(at), at=at)])

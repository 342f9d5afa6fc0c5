"""A whole city's scores: prepared beside the current ones, switched to at once, and only then told as history.

A rule book that was approved for a day is prepared from the day before. Every range of citizens commits by itself, so
a run that was killed goes on where it stood, and several may work together. The switch takes the same lock rescoring
needs, computes again whoever moved meanwhile, and renames two tables: before it everybody has the old score, after it
everybody has the new one. What changed for whom is written into the history afterwards, range by range; whoever is
rescored before that is told first.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from app.kit.clock import now
from app.kit.db.database import transaction
from app.kit.jobs.pace import FULL
from app.kit.jobs.queue import Job
from app.score.book import queries as book_queries
from app.score.city.actions.switch import NOBODY, Withdrawn, switch
from app.score.city.queries import prepare as prepare_queries
from app.score.city.queries import switch as switch_queries
from app.score.current.actions.history import tell_former
from app.score.current.actions.rescore import rescore_waiting
from app.score.engine import queries as engine_queries
from app.values.days import shanghai_day

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from app.kit.jobs.pace import Pace
    from app.score.city.queries.prepare import PreparationRow

CHUNK_CITIZENS = 4000
GENTLE_CHUNK_CITIZENS = 1000
LANES = 2
CATCH_UP_CITIZENS = 1000
TELL_CITIZENS = 500
AHEAD_DAYS = 1


class UnderWay(Exception):  # noqa: N818 - it says what is true, like every refusal
    """Another city-wide scoring is under way; it must end first."""


async def read_progress() -> PreparationRow | None:
    """Return the preparation under way: its phase, and how many of its ranges are done."""
    return await prepare_queries.find_open_preparation()


async def prepare_scheduled(*, at: datetime, pace: Pace) -> bool:
    """Prepare the rule book that comes into force by tomorrow, and go on telling a switch; whether there was work."""
    open_one = await read_progress()
    if open_one is not None and open_one.phase == "telling":
        await tell_all(open_one, pace=pace)
        return True
    if open_one is not None and not await switch_queries.find_may_count(open_one.rule_book_id):
        await drop_preparation(at=at)
        return True
    if open_one is None:
        book = await prepare_queries.find_scheduled_book(shanghai_day(at) + timedelta(days=AHEAD_DAYS))
        if book is None:
            return False
        open_one = await open_preparation(book.id, max(book.effective_on, shanghai_day(at)), at=at, pace=pace)
    has_work = open_one.chunks_done < open_one.chunks
    await prepare_all(open_one, pace=pace)
    return has_work


async def switch_due(*, at: datetime) -> bool:
    """Switch to what is prepared when its day has come; whether that was so."""
    open_one = await read_progress()
    if open_one is None or open_one.phase != "preparing" or open_one.chunks_done < open_one.chunks:
        return False
    if open_one.as_of > shanghai_day(at):
        return False
    try:
        await switch(open_one, at=at)
    except Withdrawn:
        await drop_preparation(at=at)
        return False
    return True


async def prepare_scores(pace: Pace) -> None:
    """Score the city under the rule book that comes into force next, and write a switch into the history afterwards."""
    await prepare_scheduled(at=now(), pace=pace)


async def switch_scores(_: Pace) -> None:
    """Bring the prepared rule book into force when its day has come."""
    await switch_due(at=now())


async def open_preparation(rule_book_id: int, as_of: date, *, at: datetime, pace: Pace = FULL) -> PreparationRow:
    """Begin to score everybody on a day under a rule book; refuses with ``UnderWay`` while another one is open."""
    if await read_progress() is not None:
        raise UnderWay
    async with transaction():
        await engine_queries.mark_bulk()
        await prepare_queries.delete_prepared()
        size = CHUNK_CITIZENS if pace.share >= FULL.share else GENTLE_CHUNK_CITIZENS
        await prepare_queries.insert_preparation(rule_book_id, as_of, size, at)
    opened = await read_progress()
    assert opened is not None, "it was just opened"
    return opened


async def drop_preparation(*, at: datetime) -> bool:
    """Give up what is being prepared, as when its rule book is withdrawn; whether there was anything."""
    async with transaction():
        open_one = await read_progress()
        if open_one is None or open_one.phase != "preparing":
            return False
        await switch_queries.mark_finished(open_one.id, "dropped", at)
    return True


async def prepare_all(
    preparation: PreparationRow, *, pace: Pace, lanes: int | None = None, told: Callable[[int], object] = bool
) -> None:
    """Score every range that is not done; ``told`` hears how many citizens each had. May be stopped anywhere."""
    count = lanes if lanes is not None else LANES if pace.share >= FULL.share else 1
    async with asyncio.TaskGroup() as tasks:
        for _ in range(count):
            tasks.create_task(_prepare_ranges(preparation, pace, told))


async def tell_all(preparation: PreparationRow, *, pace: Pace, told: Callable[[int], object] = bool) -> None:
    """Write the steps a switch made into the history, in chunks that commit, until nobody waits."""
    assert preparation.switched_at is not None, "only what was switched is told"
    after = NOBODY
    while True:
        async with pace.work(), transaction():
            asked = [citizen.id for citizen in await switch_queries.list_untold(after, TELL_CITIZENS)]
            if not asked:
                await prepare_queries.delete_prepared()  # what is left there did not move
                await switch_queries.mark_finished(preparation.id, "done", now())
                return
            await engine_queries.lock_citizens(asked)
            await tell_former(asked, switched_at=preparation.switched_at)
        after = asked[-1]
        told(len(asked))


async def score_city(
    *, pace: Pace = FULL, opened: Callable[[int], object] = bool, told: Callable[[int], object] = bool
) -> int:
    """Score everybody anew today under the active rule book, or finish what is under way; how many citizens there are.

    Whoever waited to be rescored waits no more. ``opened`` hears how many citizens there are, ``told`` how many were
    scored. A citizen's first score found this way has no step in the history.
    """
    at = now()
    preparation = await read_progress()
    if preparation is None:
        preparation = await open_preparation(
            await book_queries.find_active_book_id(), shanghai_day(at), at=at, pace=pace
        )
    opened(preparation.citizens)
    if preparation.phase == "preparing":
        await prepare_all(preparation, pace=pace, told=told)
        await switch(preparation, at=now())
        preparation = await read_progress()
        assert preparation is not None, "a switch is told before it is over"
    await tell_all(preparation, pace=pace)
    while await rescore_waiting(CATCH_UP_CITIZENS, at=now()):
        pass
    return preparation.citizens


async def _prepare_ranges(preparation: PreparationRow, pace: Pace, told: Callable[[int], object]) -> None:
    while True:
        async with pace.work(), transaction():
            chunk = await prepare_queries.take_chunk(preparation.id, now())
            if chunk is None:
                return
            await engine_queries.mark_bulk()
            await prepare_queries.mark_lazy()
            scored = await prepare_queries.insert_prepared_range(
                chunk, preparation.as_of, preparation.rule_book_id, preparation.opened_at
            )
        told(scored)


JOBS = (
    Job("prepare_scores", "* * * * *", prepare_scores),
    Job("switch_scores", "* * * * * */20", switch_scores),
)

"""A whole city's scores: prepared beside the current ones, switched to at once, and only then written as history.

A rule book that was approved for a day is prepared from the day before. Every range of citizens commits by itself, so
a run that was killed goes on where it was, and several may work together. The switch takes the same lock rescoring
needs, computes again everybody who moved meanwhile, and renames two tables: before it everybody has the old score,
after it everybody has the new one. The step it made for each citizen is written into their history afterwards, range by
range; a citizen who is rescored before that has the step of the switch written first.
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
from app.score.current.actions.history import write_switch_steps
from app.score.current.actions.rescore import rescore_waiting
from app.score.engine import queries as engine_queries
from app.values.days import shanghai_day

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from app.kit.jobs.pace import Pace
    from app.score.city.queries.prepare import Preparation

CHUNK_CITIZENS = 4000
GENTLE_CHUNK_CITIZENS = 1000
LANES = 2
CATCH_UP_CITIZENS = 1000
WRITE_CITIZENS = 500
AHEAD_DAYS = 1


class UnderWay(Exception):  # noqa: N818 - it says what is true, like every refusal
    """Another city-wide scoring is under way; it must end first."""


async def read_progress() -> Preparation | None:
    """Return the preparation under way: its phase, and how many of its ranges are done."""
    return await prepare_queries.find_open_preparation()


async def prepare_scheduled(*, at: datetime, pace: Pace) -> bool:
    """Prepare the book that comes into force by tomorrow, or finish the history of a switch; whether there was work."""
    open_one = await read_progress()
    if open_one is not None and open_one.phase == "telling":
        await write_history(open_one, pace=pace)
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
    """Switch to what is prepared when its day has come; whether there was a switch."""
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


async def open_preparation(rule_book_id: int, as_of: date, *, at: datetime, pace: Pace = FULL) -> Preparation:
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
    """Give up a preparation, for example because its rule book was withdrawn; whether there was one."""
    async with transaction():
        open_one = await read_progress()
        if open_one is None or open_one.phase != "preparing":
            return False
        await switch_queries.mark_finished(open_one.id, "dropped", at)
    return True


async def prepare_all(
    preparation: Preparation, *, pace: Pace, lanes: int | None = None, on_progress: Callable[[int], object] = bool
) -> None:
    """Score every range that is not done; ``on_progress`` gets how many citizens each had. May be stopped anywhere."""
    count = lanes if lanes is not None else LANES if pace.share >= FULL.share else 1
    async with asyncio.TaskGroup() as tasks:
        for _ in range(count):
            tasks.create_task(_prepare_ranges(preparation, pace, on_progress))


async def write_history(preparation: Preparation, *, pace: Pace) -> None:
    """Write the steps a switch made into the histories, in chunks that commit, until none lacks its step."""
    assert preparation.switched_at is not None, "the history is of a switch"
    after = NOBODY
    while True:
        async with pace.work(), transaction():
            asked = [citizen.id for citizen in await switch_queries.list_unwritten(after, WRITE_CITIZENS)]
            if not asked:
                await prepare_queries.delete_prepared()  # the scores still in it did not move
                await switch_queries.mark_finished(preparation.id, "done", now())
                return
            await engine_queries.lock_citizens(asked)
            await write_switch_steps(asked, switched_at=preparation.switched_at)
        after = asked[-1]


async def score_city(
    *, pace: Pace = FULL, on_opened: Callable[[int], object] = bool, on_progress: Callable[[int], object] = bool
) -> int:
    """Score everybody anew today under the active rule book, or finish a preparation under way; how many they are.

    Nobody waits to be rescored afterwards. ``on_opened`` is called with how many citizens there are, ``on_progress``
    with how many more were scored. A citizen's first score found this way has no step in the history.
    """
    at = now()
    preparation = await read_progress()
    if preparation is None:
        preparation = await open_preparation(
            await book_queries.find_active_book_id(), shanghai_day(at), at=at, pace=pace
        )
    on_opened(preparation.citizens)
    if preparation.phase == "preparing":
        await prepare_all(preparation, pace=pace, on_progress=on_progress)
        await switch(preparation, at=now())
        preparation = await read_progress()
        assert preparation is not None, "a switch is over only when its history is written"
    await write_history(preparation, pace=pace)
    while await rescore_waiting(CATCH_UP_CITIZENS, at=now()):
        pass
    return preparation.citizens


async def _prepare_ranges(preparation: Preparation, pace: Pace, on_progress: Callable[[int], object]) -> None:
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
        on_progress(scored)


JOBS = (
    Job("prepare_scores", "* * * * *", prepare_scores),
    Job("switch_scores", "* * * * * */20", switch_scores),
)

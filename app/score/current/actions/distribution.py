"""How the scores of a city are distributed: counted by level, and by steps of points."""

from __future__ import annotations

import msgspec

from app.score.book import queries as book_queries
from app.score.book.actions.find import find_book
from app.score.current.queries import scores as scores_queries

STEP_POINTS = 20


class LevelShare(msgspec.Struct, frozen=True):
    """How many citizens are in a level."""

    code: str
    title: str
    citizens: int
    share: float


class StepCount(msgspec.Struct, frozen=True):
    """How many citizens have a score between two values, both included."""

    from_value: int
    to_value: int
    citizens: int


class Distribution(msgspec.Struct, frozen=True):
    """The whole picture; ``book`` is what the scores follow."""

    book: str
    citizens: int
    levels: list[LevelShare]
    steps: list[StepCount]


async def read_distribution() -> Distribution:
    """Count the current scores; every level is named, steps nobody is in are left out."""
    book = await find_book(await book_queries.find_active_book_id())
    steps = await scores_queries.count_by_step(STEP_POINTS)
    by_level = {row.level: row.citizens for row in await scores_queries.count_by_level()}
    citizens = sum(by_level.values())
    return Distribution(
        book=f"{book.code} v{book.version} {book.title_zh}",
        citizens=citizens,
        levels=[
            LevelShare(
                code=level.code,
                title=f"{level.title_zh} {level.title_en}",
                citizens=by_level.get(level.code, 0),
                share=by_level.get(level.code, 0) / max(citizens, 1),
            )
            for level in book.levels
        ],
        steps=[StepCount(row.step * STEP_POINTS, (row.step + 1) * STEP_POINTS - 1, row.citizens) for row in steps],
    )

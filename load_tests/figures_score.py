"""Scores of a large city: everybody, one night, one citizen, one long explanation."""

from __future__ import annotations

import secrets
import statistics
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import asyncpg
import msgspec

from app.kit.clock import now, uuid7
from app.kit.db.database import database_lifespan, execute, fetch_value, transaction
from app.kit.jobs.pace import FULL, Pace
from app.record.catalogue import NewRecord
from app.score.book.queries import find_active_book_id
from app.score.city.actions.prepare import open_preparation, prepare_all, score_city
from app.score.city.actions.switch import switch
from app.score.current.actions import read as read_actions
from app.score.current.actions.rescore import RESCORE_CHUNK, rescore, rescore_waiting
from app.score.current.views import show_explanation
from app.values.days import shanghai_day
from load_tests.figure import Figure
from load_tests.figures_local import count_rescored
from tests.support.recording import put_records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

PATIENCE_SECONDS = 1800
RESCORINGS, EXPLANATIONS, LONG_HISTORY = 200, 50, 200
CITY_SECONDS, NIGHT_SECONDS, MILLION = 52, 5, 1_000_000
RESCORE_MS_MAX, EXPLAIN_MS_MAX = 2.5, 10
USES = ("USE_PARK_PAID", "USE_LIB_ONTIME", "USE_RENT_ONTIME", "POS_CLUE", "POS_SUPERVISE")


async def measure_scores(database_url: str, citizens: int) -> list[Figure]:
    """Measure every figure about scores in a city that is there; first everybody gets a score to be followed."""
    async with database_lifespan(command_seconds_max=PATIENCE_SECONDS):
        await score_city(pace=FULL)
        everybody = await measure_city(database_url, citizens)
        return [everybody, await measure_night(citizens), await measure_one(citizens), await measure_long(citizens)]


async def measure_city(database_url: str, citizens: int) -> Figure:
    """Score everybody into the logged table beside the current scores and switch; beside a bare GROUP BY."""
    scan = await measure_scan(database_url)
    first = now()
    records = await fetch_value("SELECT count(*) FROM record")
    begin = time.perf_counter()
    preparation = await open_preparation(await find_active_book_id(), shanghai_day(now()), at=now())
    await prepare_all(preparation, pace=FULL)
    prepared = time.perf_counter() - begin
    await switch(preparation, at=now())
    seconds = time.perf_counter() - begin
    await score_city(pace=FULL)  # writes the events of the switch
    telling = time.perf_counter() - begin - seconds
    scored = await fetch_value("SELECT count(*) FROM score_snapshot WHERE computed_at >= $1", first)
    members = await fetch_value("SELECT count(*) FROM citizen WHERE state = 'active'")
    return Figure(
        name=f"score everybody, {citizens:,}", workers=2, value=seconds, unit="s", is_upper_bound=True,
        asked=CITY_SECONDS * citizens / MILLION, is_clean=scored >= members > 0,
        detail={
            "scored": scored, "members": members, "records": records,
            "group_by_seconds": round(scan, 2), "times_group_by": round(seconds / scan, 1),
            "us_per_citizen": round(seconds / citizens * 1e6, 1), "switch_seconds": round(seconds - prepared, 2),
            "telling_seconds": round(telling, 1),
        },
    )  # fmt: skip


async def measure_scan(database_url: str) -> float:
    """Return the seconds a bare GROUP BY over the records takes."""
    connection = await asyncpg.connect(database_url, server_settings={"jit": "off"})
    await connection.execute("SET work_mem = '256MB'")
    begin = time.perf_counter()
    await connection.fetch(
        """SELECT count(*) FROM (
            SELECT citizen_id, count(*), sum(quantity), max(event_on) FROM record GROUP BY citizen_id) each"""
    )
    seconds = time.perf_counter() - begin
    await connection.close()
    return seconds


async def measure_night(citizens: int) -> Figure:
    """Rescore the hundredth of the city that is due tonight."""
    await execute("DELETE FROM score_due")
    await execute("UPDATE score_snapshot SET next_change_on = NULL WHERE next_change_on <= $1", shanghai_day(now()))
    due = await execute(
        """UPDATE score_snapshot SET next_change_on = $1, as_of = $1, inputs_hash = sha256('yesterday')
        WHERE citizen_id IN (SELECT citizen_id FROM score_snapshot ORDER BY random() LIMIT $2)""",
        shanghai_day(now()) - timedelta(days=1),
        citizens // 100,
    )
    begin = time.perf_counter()
    done = 0
    while taken := await rescore_waiting(RESCORE_CHUNK, at=now()):
        done += taken
    seconds = time.perf_counter() - begin
    return Figure(
        name=f"a night, 1 % of {citizens:,}", workers=1, value=seconds, unit="s", is_upper_bound=True,
        asked=NIGHT_SECONDS * max(citizens / MILLION, 1), is_clean=done >= due,
        detail={"citizens": due, "ms_per_citizen": round(seconds / max(done, 1) * 1000, 3)},
    )  # fmt: skip


async def measure_one(citizens: int) -> Figure:
    """Put one record on a citizen and rescore them, in one transaction; the rescoring alone counts."""
    milliseconds: list[float] = []
    first, drawn = now(), await _draw(RESCORINGS)
    for citizen_id in drawn:
        async with transaction():
            await put_records(_records(citizen_id, 1), at=now(), entered_by=None)
            begin = time.perf_counter()
            await rescore([citizen_id], at=now())
            milliseconds.append((time.perf_counter() - begin) * 1000)
    rescored = await count_rescored(drawn, first)
    return _median(
        f"rescore one of {citizens:,}, median", milliseconds, RESCORE_MS_MAX, is_clean=rescored == RESCORINGS
    )


async def measure_long(citizens: int) -> Figure:
    """Explain the score of somebody with 200 records, down to the bytes of the answer."""
    milliseconds: list[float] = []
    for citizen_id in await _draw(5):
        async with transaction():
            await put_records(_records(citizen_id, LONG_HISTORY), at=now(), entered_by=None)
            await rescore([citizen_id], at=now())
        for _ in range(EXPLANATIONS // 5):
            begin = time.perf_counter()
            explanation, book = await read_actions.explain_score(citizen_id)
            msgspec.json.encode(show_explanation(explanation, book, "zh"))
            milliseconds.append((time.perf_counter() - begin) * 1000)
    return _median(f"explain 200 records, {citizens:,}", milliseconds, EXPLAIN_MS_MAX)


async def _draw(count: int) -> list[UUID]:
    async with Pace().work():
        rows = await fetch_value(
            """SELECT array_agg(citizen_id) FROM (
                SELECT citizen_id FROM score_snapshot ORDER BY random() LIMIT $1) drawn""",
            count,
        )
    return list(rows)


def _records(citizen_id: UUID, count: int) -> list[NewRecord]:
    today = shanghai_day(now())
    return [
        NewRecord(
            citizen_id=citizen_id, indicator=USES[number % len(USES)], honour=None, source="bench",
            event_id=f"{uuid7().hex}{secrets.token_hex(4)}", event_on=today - timedelta(days=number),
        )
        for number in range(count)
    ]  # fmt: skip


def _median(name: str, milliseconds: Sequence[float], asked: float, *, is_clean: bool = True) -> Figure:
    ordered = sorted(milliseconds)
    return Figure(
        name=name, workers=1, value=statistics.median(ordered), unit="ms", asked=asked, is_upper_bound=True,
        is_clean=is_clean, detail={"p90_ms": round(ordered[len(ordered) * 9 // 10], 2), "runs": len(ordered)},
    )  # fmt: skip

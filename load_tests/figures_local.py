"""Figures that need no load: opening a code, rescoring one citizen, a cold start."""

from __future__ import annotations

import os
import shutil
import statistics
import time
from typing import TYPE_CHECKING

from app.credit_code.short_form import open_code
from app.kit.clock import now, uuid7
from app.kit.db.database import database_lifespan, fetch_value, transaction
from app.kit.process.embedded import free_port
from app.kit.security.keys import KEYS
from app.record.catalogue import NewRecord
from app.score.current.actions.rescore import rescore
from load_tests.figure import Figure
from load_tests.loads import make_codes
from load_tests.servers import FOLDER, serve_huixin, serving
from tests.support.recording import put_records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from load_tests.city import City

CODES = 20_000
RESCORINGS = 200
COLD_STARTS = 3
RESCORE_CHUNK = 500
RESCORE_MS_MAX, COLD_START_SECONDS_MAX = 2.5, 5


async def score_readers(city: City) -> None:
    """Give the citizens who read their score a real one."""
    async with database_lifespan():
        for begin in range(0, len(city.readers), RESCORE_CHUNK):
            async with transaction():
                await rescore(city.readers[begin : begin + RESCORE_CHUNK], at=now())


def measure_opening(city: City) -> Figure:
    """Open codes on one core."""
    at, keys = now(), [KEYS.code_keys()[0].key]
    codes = make_codes(city.accounts, CODES)
    begin = time.process_time()
    for code in codes:
        open_code(code, keys, at)
    rate = CODES / (time.process_time() - begin)
    return Figure(name="open a code", workers=1, value=rate, unit="/s/core", asked=30_000)


async def measure_rescoring(city: City) -> Figure:
    """Put one record on a citizen and rescore them, in one transaction; the median counts the rescoring alone."""
    seconds: list[float] = []
    first = now()
    async with database_lifespan():
        for number in range(RESCORINGS):
            citizen_id, at = city.readers[number], now()
            record = NewRecord(
                citizen_id=citizen_id, indicator="POS_RESCUE", honour=None, source="bench", event_id=str(uuid7()),
                event_on=at.date(),
            )  # fmt: skip
            async with transaction():
                await put_records([record], at=at, entered_by=None)
                begin = time.perf_counter()
                await rescore([citizen_id], at=at)
                seconds.append(time.perf_counter() - begin)
        rescored = await count_rescored(city.readers[:RESCORINGS], first)
    milliseconds = [one * 1000 for one in seconds]
    return Figure(
        name="rescore one citizen, median", workers=1, value=statistics.median(milliseconds), unit="ms",
        asked=RESCORE_MS_MAX, is_upper_bound=True, is_clean=rescored == RESCORINGS,
        detail={"p90_ms": round(sorted(milliseconds)[RESCORINGS * 9 // 10], 2)},
    )  # fmt: skip


async def count_rescored(citizen_ids: Sequence[UUID], since: datetime) -> int:
    """Return how many of these citizens have a score computed since then."""
    return int(
        await fetch_value(
            "SELECT count(*) FROM score_snapshot WHERE citizen_id = ANY($1) AND computed_at >= $2", citizen_ids, since
        )
    )


def measure_cold_start() -> Figure:
    """Start with nothing but the program: servers of its own, keys, migrations, until the first answer."""
    folder = FOLDER / "cold"
    moved = {name: os.environ.pop(name) for name in ("DATABASE_URL", "VALKEY_URL", "WECHAT_BASE_URL")}
    saved = {name: os.environ[name] for name in ("HUIXIN_VAR", "KEY_FILE")}
    os.environ.update(HUIXIN_VAR=str(folder), KEY_FILE=str(folder / "keys.json"))
    seconds: list[float] = []
    for _ in range(COLD_STARTS):
        shutil.rmtree(folder, ignore_errors=True)
        port = free_port()
        with serving(serve_huixin(port, 1), port) as served:
            seconds.append(served.seconds)
    os.environ.update(moved | saved)
    return Figure(
        name="cold start, median", workers=1, value=statistics.median(seconds), unit="s",
        asked=COLD_START_SECONDS_MAX, is_upper_bound=True,
    )  # fmt: skip

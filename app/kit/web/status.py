"""How the service is: alive, ready, and in figures.

A line goes to the log only for what failed here or took long; the figures count everything, and
kit.process.figures shows them.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from litestar import get

from app.kit.background import find_ended, in_background
from app.kit.clock import now
from app.kit.db.cache import find_stale
from app.kit.db.migration import find_missing_migrations
from app.kit.db.partitions import count_days_ahead
from app.kit.errors import Refusal
from app.kit.outside.valkey import VALKEY
from app.kit.process.counts import Counts, write_file
from app.kit.process.surroundings import METRICS_VARIABLE
from app.kit.web.docs import DOCS_ROUTES
from app.kit.web.http import TRACE_KEY, Wire, refusals
from app.values.days import shanghai_day
from app.values.reason import Reason

LOG = logging.getLogger("huixin.request")
SLOW_SECONDS = 1.0
COUNT_SECONDS = 0.5
SERVER_ERROR, TIMED_OUT = 500, 408
UNMATCHED = "unmatched"
METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"})

COUNTS = Counts()
_noted: dict[tuple[str, str, int], list[float]] = {}  # seconds of each request since the last count


class NotReady(Refusal):
    """The service is not ready to take requests."""

    code = "not_ready"
    status_code = 503
    zh = "服务尚未就绪"
    retryable = True
    wait_seconds = 5


class Liveness(Wire):
    """The process answers."""

    status: Literal["alive"]


class Readiness(Wire):
    """Every part answers; without Valkey the service is slower to refuse, not wrong."""

    status: Literal["ready"]
    valkey: Literal["ok", "degraded"]
    partition_days_ahead: int


@get("/health/live", operation_id="getLiveness", tags=["health"])
async def get_liveness() -> Liveness:
    """Tell whether the process answers at all."""
    return Liveness(status="alive")


@get("/health/ready", operation_id="getReadiness", tags=["health"], responses=refusals(NotReady))
async def get_readiness() -> Readiness:
    """Tell whether requests may be sent here.

    The database answers, is migrated and has room for tomorrow; what is kept in memory is fresh, and whatever runs
    beside the requests is running.
    """
    if find_ended():
        raise NotReady(reasons=[Reason(code="background", zh="后台任务已停止", en="A background task has ended.")])
    if find_stale(time.monotonic()):
        raise NotReady(reasons=[Reason(code="catalogue", zh="机构与活动目录已过时", en="A catalogue is out of date.")])
    try:
        missing = await find_missing_migrations()
        days_ahead = await count_days_ahead(shanghai_day(now()))
    except Exception as error:  # whatever it is, nothing can be done without it
        raise NotReady(reasons=[Reason(code="database", zh="数据库无应答", en="The database is silent.")]) from error
    if missing:
        raise NotReady(reasons=[Reason(code="migrations", zh="数据库未迁移", en="The database is not migrated.")])
    if days_ahead < 1:
        raise NotReady(reasons=[Reason(code="partitions", zh="缺少明日分区", en="Tomorrow has no partitions.")])
    valkey: Literal["ok", "degraded"] = "ok" if await VALKEY.is_alive() else "degraded"
    return Readiness(status="ready", valkey=valkey, partition_days_ahead=days_ahead)


STATUS_ROUTES = [get_liveness, get_readiness, *DOCS_ROUTES]


def note_request(scope: Any, method: str, status: int, seconds: float) -> None:
    """Note one request under its route's template, never under its path: paths carry ids."""
    key = (method, scope.get("path_template") or UNMATCHED, status)
    noted = _noted.get(key)
    if noted is None:
        noted = _noted[key] = []
    noted.append(seconds)
    if status >= SERVER_ERROR or (seconds >= SLOW_SECONDS and status != TIMED_OUT):  # there the caller took long
        LOG.warning(
            "failed" if status >= SERVER_ERROR else "slow",
            extra={
                "method": _show_method(key[0]),
                "route": key[1],
                "status": status,
                "milliseconds": round(seconds * 1000),
                "trace": scope.get("state", {}).get(TRACE_KEY),
            },
        )


def count_noted() -> None:
    """Count what was noted, many requests at a time."""
    taken = dict(_noted)
    _noted.clear()  # first: a failure below must not keep what comes later from being counted
    for (method, route, status), noted in taken.items():
        COUNTS.add(_show_method(method), route, status, noted)


async def write_noted() -> None:
    """Count what was noted and write all counts where the supervisor reads them.

    A thread writes, awaited by its one caller: the disk holds up no request, and no two write at once.
    """
    count_noted()
    folder = os.environ.get(METRICS_VARIABLE)
    if folder:
        await asyncio.to_thread(write_file, Path(folder), os.getpid(), COUNTS.encode())


@asynccontextmanager
async def counting_lifespan() -> AsyncIterator[None]:
    """Count requests, and write the counts, twice a second beside the block."""
    async with in_background("counting requests", _count_soon):
        yield


async def _count_soon() -> None:
    await asyncio.sleep(COUNT_SECONDS)
    if _noted:
        await write_noted()


def _show_method(method: str) -> str:
    return method if method in METHODS else "OTHER"

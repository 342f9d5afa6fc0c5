"""The figures over HTTP, and the order in which everything is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.event.actions import ensure_epoch
from app.kit.clock import now, shanghai_day
from app.kit.database import database_lifespan
from app.kit.embedded import free_port
from app.kit.keys import ensure_keys
from app.kit.migration import migrate
from app.kit.partitions import make_partitions
from load_tests.ceilings import run_pgbench, write_script
from load_tests.city import make_city
from load_tests.client import run_closed, run_open
from load_tests.figure import Figure
from load_tests.figures_local import measure_cold_start, measure_opening, measure_rescoring, score_readers
from load_tests.loads import code_issues, constant_reads, redemptions, score_reads
from load_tests.servers import FOLDER, serve_constant, serve_huixin, serving

if TYPE_CHECKING:
    from load_tests.city import City
    from load_tests.client import Result

CLIENTS = 64
PGBENCH_CLIENTS = (16, CLIENTS)
WARM_UP_SECONDS = 2.0
P99_MS_MAX = 25
SUCCESSES = range(200, 300)


async def measure_all(database_url: str, worker_counts: list[int], seconds: float) -> list[Figure]:
    """Measure every figure in one run."""
    city = await prepare(database_url)
    figures = [measure_opening(city), await measure_rescoring(city), measure_cold_start()]
    ceilings = measure_pgbench(database_url, city, seconds)
    for workers in worker_counts:
        constant = await measure_constant(workers, seconds)
        port = free_port()
        with serving(serve_huixin(port, workers), port):
            figures += await measure_redeeming(port, city, workers, seconds, ceilings)
            figures += await measure_phone(port, city, workers, seconds, constant.rate)
    return figures


async def prepare(database_url: str) -> City:
    """Migrate, and make the city."""
    ensure_keys()
    await migrate()
    async with database_lifespan():
        await make_partitions(shanghai_day(now()))
        await ensure_epoch()
    city = await make_city(database_url)
    await score_readers(city)
    return city


def measure_pgbench(database_url: str, city: City, seconds: float) -> dict[str, float]:
    """Run the redeem statement for single items, spread and on one hot row; the better number of clients counts."""
    rates: dict[str, float] = {}
    for name in ("spread", "hot"):
        script = write_script(FOLDER, city, is_hot=name == "hot")
        rates[name] = max(
            run_pgbench(database_url, script, clients=clients, seconds=int(seconds)) for clients in PGBENCH_CLIENTS
        )
    return rates


async def measure_redeeming(
    port: int, city: City, workers: int, seconds: float, ceilings: dict[str, float]
) -> list[Figure]:
    """Redeem spread over the city, then on one benefit, then spread at half the peak rate."""
    await run_closed(port, redemptions(city.accounts, city.tills), clients=CLIENTS, seconds=WARM_UP_SECONDS)
    spread = await run_closed(port, redemptions(city.accounts, city.tills), clients=CLIENTS, seconds=seconds)
    hot = await run_closed(port, redemptions(city.accounts, [city.hot]), clients=CLIENTS, seconds=seconds)
    half = await run_open(
        port, redemptions(city.accounts, city.tills), rate=spread.rate / 2, clients=2 * CLIENTS, seconds=seconds
    )
    return [
        _figure("redeem, spread", workers, spread, ceilings["spread"], "pgbench, same statement", 0.8),
        _figure("redeem, one hot benefit", workers, hot, spread.rate, "spread", 0.95),
        _figure("redeem, one hot benefit", workers, hot, ceilings["hot"], "pgbench, one hot row", 3.0),
        Figure(
            name="redeem p99 at half its peak", workers=workers, value=half.p99_ms, unit="ms", asked=P99_MS_MAX,
            is_upper_bound=True, is_clean=_is_clean(half), detail=_detail(half),
        ),
    ]  # fmt: skip


async def measure_phone(port: int, city: City, workers: int, seconds: float, constant_rate: float) -> list[Figure]:
    """Read scores and issue codes, as phones do."""
    await run_closed(port, score_reads(city), clients=CLIENTS, seconds=WARM_UP_SECONDS)
    score = await run_closed(port, score_reads(city), clients=CLIENTS, seconds=seconds)
    issue = await run_closed(port, code_issues(city), clients=CLIENTS, seconds=seconds)
    return [
        _figure("read score", workers, score, constant_rate, "constant route", 0.6),
        _figure("issue a code", workers, issue, constant_rate, "constant route", 0.6),
    ]


async def measure_constant(workers: int, seconds: float) -> Result:
    """Measure the ceiling of a route."""
    port = free_port()
    with serving(serve_constant(port, workers), port):
        await run_closed(port, constant_reads(), clients=CLIENTS, seconds=WARM_UP_SECONDS)
        return await run_closed(port, constant_reads(), clients=CLIENTS, seconds=seconds)


def _figure(name: str, workers: int, result: Result, ceiling: float, ceiling_name: str, asked: float) -> Figure:
    return Figure(
        name=name, workers=workers, value=result.rate, unit="/s", ceiling=ceiling, ceiling_name=ceiling_name,
        asked=asked, is_clean=_is_clean(result), detail=_detail(result),
    )  # fmt: skip


def _is_clean(result: Result) -> bool:
    return all(status in SUCCESSES for status in result.statuses)


def _detail(result: Result) -> dict[str, object]:
    return {"p50_ms": round(result.p50_ms, 2), "p99_ms": round(result.p99_ms, 2), "statuses": result.statuses}

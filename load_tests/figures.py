"""The figures over HTTP, and the order in which everything is measured.

What is compared is measured in turns, several rounds of it, because a machine is not equally fast all the time; the
round with the median ratio is reported, with both its sides.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from app.event.actions import ensure_epoch
from app.kit.clock import now
from app.kit.db.database import database_lifespan
from app.kit.db.migration import migrate
from app.kit.db.partitions import make_partitions
from app.kit.process.embedded import free_port
from app.kit.security.keys import ensure_keys
from app.values.days import shanghai_day
from load_tests.ceilings import run_pgbench, write_script
from load_tests.city import make_city
from load_tests.client import Result, run_closed, run_open
from load_tests.figure import Figure
from load_tests.figures_local import measure_cold_start, measure_opening, measure_rescoring, score_readers
from load_tests.grown import Growth, watching
from load_tests.loads import code_issues, constant_posts, constant_reads, redemptions, score_reads
from load_tests.servers import FOLDER, serve_constant, serve_huixin, serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping
    from pathlib import Path

    from load_tests.city import City, Till

CLIENTS = 64
CODES_PER_SECOND = 8_000  # made before the clock starts: more than are redeemed in that time
PGBENCH_CLIENTS = (16, CLIENTS)
WARM_UP_SECONDS = 2.0
# A city's redemptions come when they come, not when we have answered; this many a second is more than a city has.
OPEN_RATE, OPEN_CLIENTS = 1_000, 2 * CLIENTS
P99_MS_MAX = {1: 15, 2: 20}
P99_MS_MAX_MORE = 20
SUCCESSES = range(200, 300)
MADE = 201


async def measure_all(database_url: str, worker_counts: list[int], seconds: float, rounds: int) -> list[Figure]:
    """Measure every figure in one run."""
    city = await prepare(database_url)
    figures = [measure_opening(city), await measure_rescoring(city), measure_cold_start()]
    scripts = {name: await write_script(FOLDER, city, is_hot=name == "hot") for name in ("spread", "hot")}
    for workers in worker_counts:
        port, constant_port = free_port(), free_port()
        with (
            serving(serve_constant(constant_port, workers), constant_port),
            serving(serve_huixin(port, workers), port),
        ):
            bench = Bench(database_url, port, constant_port, city, workers, seconds, rounds)
            figures += await bench.measure_redeeming(scripts)
            figures.append(await bench.measure_open())
            figures += await bench.measure_phone()
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


async def redeem_closed(port: int, city: City, tills: list[Till], seconds: float, growth: Growth) -> Result:
    """Redeem as fast as it goes; each 201 has to be found in the table afterwards."""
    requests = redemptions(city.accounts, tills, number=int(seconds * CODES_PER_SECOND))
    result = await run_closed(port, requests, clients=CLIENTS, seconds=seconds)
    growth.expect(result.statuses.get(MADE, 0), rate=result.rate, seconds=seconds, what="redeem")
    return result


class Bench:
    """Servers that run, the city they serve, and how long each turn takes."""

    def __init__(
        self, database_url: str, port: int, constant_port: int, city: City, workers: int, seconds: float, rounds: int
    ) -> None:
        self._database_url = database_url
        self._port = port
        self._constant_port = constant_port
        self._city = city
        self._workers = workers
        self._seconds = seconds
        self._rounds = rounds

    async def measure_redeeming(self, scripts: dict[str, Path]) -> list[Figure]:
        """Redeem spread over the city and on one benefit, each beside the same statement for one item."""
        async with watching(self._database_url) as growth:
            await redeem_closed(self._port, self._city, self._city.tills, WARM_UP_SECONDS, growth)
        turns = {
            "spread": partial(self._redeem, self._city.tills), "hot": partial(self._redeem, [self._city.hot]),
            "pgbench spread": partial(self._run_pgbench, scripts["spread"]),
            "pgbench hot": partial(self._run_pgbench, scripts["hot"]),
        }  # fmt: skip
        took = await take_turns(turns, self._rounds)
        spread, hot = took["spread"], took["hot"]
        return [
            self._compare("redeem, spread", spread, took["pgbench spread"], "pgbench, same statement", 1.3),
            self._compare("redeem, one hot benefit", hot, spread, "spread", 0.95),
            self._compare("redeem, one hot benefit", hot, took["pgbench hot"], "pgbench, one hot row", 4),
        ]

    async def measure_open(self) -> Figure:
        """Redeem at a fixed rate, whatever the answers do."""
        results = [await self._redeem_open() for _ in range(self._rounds)]
        middle = sorted(results, key=lambda result: result.p99_ms)[len(results) // 2]
        return Figure(
            name=f"redeem p99 at {OPEN_RATE:,}/s", workers=self._workers, value=middle.p99_ms, unit="ms",
            asked=P99_MS_MAX.get(self._workers, P99_MS_MAX_MORE), is_upper_bound=True,
            is_clean=all(map(_is_clean, results)),
            detail=_detail(middle) | {"rounds_p99_ms": [round(result.p99_ms, 1) for result in results]},
        )  # fmt: skip

    async def measure_phone(self) -> list[Figure]:
        """Read scores and issue codes, as phones do, each beside the constant route with the same method."""
        turns = {
            "score": partial(self._run, self._port, partial(score_reads, self._city)),
            "constant GET": partial(self._run, self._constant_port, constant_reads),
            "code": partial(self._run, self._port, partial(code_issues, self._city)),
            "constant POST": partial(self._run, self._constant_port, partial(constant_posts, self._city)),
        }
        await take_turns(turns, 1)  # to warm up
        took = await take_turns(turns, self._rounds)
        return [
            self._compare("read score", took["score"], took["constant GET"], "constant GET", 0.75),
            self._compare("issue a code", took["code"], took["constant POST"], "constant POST", 0.7),
        ]

    async def _run(self, port: int, requests: Callable[[], Iterator[bytes]]) -> Result:
        return await run_closed(port, requests(), clients=CLIENTS, seconds=self._seconds)

    async def _redeem(self, tills: list[Till]) -> Result:
        async with watching(self._database_url) as growth:
            return await redeem_closed(self._port, self._city, tills, self._seconds, growth)

    async def _redeem_open(self) -> Result:
        requests = redemptions(self._city.accounts, self._city.tills)
        async with watching(self._database_url) as growth:
            result = await run_open(
                self._port, requests, rate=OPEN_RATE, clients=OPEN_CLIENTS, seconds=self._seconds
            )  # fmt: skip
            growth.expect(result.statuses.get(MADE, 0), rate=OPEN_RATE, seconds=self._seconds, what="redeem, open")
        return result

    async def _run_pgbench(self, script: Path) -> Result:
        """Run the statement for single items; the better number of clients counts."""
        rates = [
            await run_pgbench(self._database_url, script, clients=clients, seconds=max(1, int(self._seconds)))
            for clients in PGBENCH_CLIENTS
        ]
        return Result(rate=max(rates), p50_ms=0, p99_ms=0, statuses={})

    def _compare(
        self, name: str, results: list[Result], ceilings: list[Result], ceiling_name: str, asked: float
    ) -> Figure:
        return compare(name, self._workers, results, ceilings, ceiling_name, asked)


async def take_turns(turns: Mapping[str, Callable[[], Awaitable[Result]]], rounds: int) -> dict[str, list[Result]]:
    """Do one after the other, and all again; return what each gave in every round."""
    took: dict[str, list[Result]] = {name: [] for name in turns}
    for _ in range(rounds):
        for name, turn in turns.items():
            took[name].append(await turn())
    return took


def compare(
    name: str, workers: int, results: list[Result], ceilings: list[Result], ceiling_name: str, asked: float
) -> Figure:
    """Return the round with the median ratio as a figure; all rounds must have been clean."""
    pairs = sorted(zip(results, ceilings, strict=True), key=lambda pair: pair[0].rate / pair[1].rate)
    result, ceiling = pairs[len(pairs) // 2]
    return Figure(
        name=name, workers=workers, value=result.rate, unit="/s", ceiling=ceiling.rate, ceiling_name=ceiling_name,
        asked=asked, is_clean=all(map(_is_clean, results + ceilings)),
        detail=_detail(result)
        | {"rounds": [[round(one.rate), round(other.rate)] for one, other in zip(results, ceilings, strict=True)]},
    )  # fmt: skip


def _is_clean(result: Result) -> bool:
    return all(status in SUCCESSES for status in result.statuses)


def _detail(result: Result) -> dict[str, object]:
    return {"p50_ms": round(result.p50_ms, 2), "p99_ms": round(result.p99_ms, 2), "statuses": result.statuses}

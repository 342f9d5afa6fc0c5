"""The figures: what is measured, against which ceiling, and what is asked."""

from __future__ import annotations

import itertools
import random
import secrets
import time
from collections.abc import Iterator

from app.credit_code.rules import compute_slot, encode_code, open_code
from app.event.actions import ensure_epoch
from app.kit.clock import now, shanghai_day
from app.kit.database import database_lifespan, transaction
from app.kit.keys import KEYS, ensure_keys
from app.kit.migration import migrate
from app.kit.partitions import make_partitions
from app.kit.embedded import free_port
from app.score.actions import rescore
from load_tests.bench import FOLDER, Figure, serve_constant, serve_huixin, serving
from load_tests.ceilings import run_pgbench, write_script
from load_tests.city import CITIZENS, City, Till, make_city
from load_tests.client import Result, make_request, run_closed, run_open

CLIENTS = 64
WARM_UP_SECONDS = 2.0
CODES_PER_RUN = 60_000
RESCORE_CHUNK = 500


async def measure_all(database_url: str, worker_counts: list[int], seconds: float, only: set[str]) -> list[Figure]:
    """Measure every figure (or only some) in one run."""
    city = await prepare(database_url)
    figures: list[Figure] = []
    if not only or "code" in only:
        figures.append(measure_opening())
    ceilings = measure_pgbench(database_url, city, seconds)
    for workers in worker_counts:
        figures += await measure_http(city, workers, seconds, ceilings, only)
    return figures


async def prepare(database_url: str) -> City:
    """Migrate, and make the city."""
    ensure_keys()
    await migrate()
    async with database_lifespan():
        await make_partitions(shanghai_day(now()))
        await ensure_epoch()
    city = await make_city(database_url)
    async with database_lifespan():
        for begin in range(0, len(city.readers), RESCORE_CHUNK):
            async with transaction():
                await rescore(city.readers[begin : begin + RESCORE_CHUNK], at=now())
    return city


def measure_opening() -> Figure:
    """Open codes on one core."""
    at, key = now(), KEYS.code_keys()[0].key
    codes = make_codes(list(range(1000, 21_000)), 20_000)
    keys = [key]
    begin = time.perf_counter()
    for code in codes:
        open_code(code, keys, at)
    rate = len(codes) / (time.perf_counter() - begin)
    return Figure(
        name="open a code", workers=1, value=rate, unit="/s/core", ceiling=None, ceiling_name="",
        target=">= 30,000/s per core", is_met=rate >= 30_000,
    )  # fmt: skip


def measure_pgbench(database_url: str, city: City, seconds: float) -> dict[str, float]:
    """Run the redeem statement for single items, spread and on one hot row."""
    return {
        name: max(
            run_pgbench(
                database_url, write_script(FOLDER, city, hot=name == "hot"), clients=clients, seconds=int(seconds)
            )
            for clients in (16, CLIENTS)
        )
        for name in ("spread", "hot")
    }


async def measure_http(
    city: City, workers: int, seconds: float, ceilings: dict[str, float], only: set[str]
) -> list[Figure]:
    """Measure what goes over HTTP with a number of workers."""
    constant = await measure_constant(workers, seconds)
    port = free_port()
    figures: list[Figure] = []
    with serving(serve_huixin(port, workers), port):
        await run_closed(port, redemptions(city.accounts, city.tills), clients=CLIENTS, seconds=WARM_UP_SECONDS)
        spread = await run_closed(port, redemptions(city.accounts, city.tills), clients=CLIENTS, seconds=seconds)
        hot = await run_closed(port, redemptions(city.accounts, [city.hot]), clients=CLIENTS, seconds=seconds)
        score = await run_closed(port, score_reads(city), clients=CLIENTS, seconds=seconds)
        issue = await run_closed(port, code_issues(city), clients=CLIENTS, seconds=seconds)
        half = await run_open(
            port, redemptions(city.accounts, city.tills), rate=spread.rate / 2, clients=CLIENTS * 2, seconds=seconds
        )
    figures += [
        _figure("redeem, spread", workers, spread, ceilings["spread"], "pgbench, same statement", 0.8),
        _figure("redeem, one hot benefit", workers, hot, spread.rate, "spread", 0.95),
        _figure("redeem, one hot benefit", workers, hot, ceilings["hot"], "pgbench, hot row", 3.0),
        _figure("read score", workers, score, constant.rate, "constant route", 0.6),
        _figure("issue a code", workers, issue, constant.rate, "constant route", 0.6),
        Figure(
            name="redeem p99 at half its peak", workers=workers, value=half.p99_ms, unit="ms", ceiling=None,
            ceiling_name="", target="<= 25 ms", is_met=half.p99_ms <= 25, detail={"statuses": half.statuses},
        ),
    ]  # fmt: skip
    return figures


async def measure_constant(workers: int, seconds: float) -> Result:
    """Measure the ceiling of a route."""
    port = free_port()
    with serving(serve_constant(port, workers), port):
        request = itertools.repeat(make_request("GET", "/constant", {}))
        await run_closed(port, request, clients=CLIENTS, seconds=WARM_UP_SECONDS)
        return await run_closed(port, request, clients=CLIENTS, seconds=seconds)


def redemptions(accounts: list[int], tills: list[Till]) -> Iterator[bytes]:
    """Yield redemptions by code, each by somebody, at some till, of one of its benefits."""
    codes = make_codes(random.sample(accounts, len(accounts)), CODES_PER_RUN)
    for code in codes:
        till = random.choice(tills)
        body = {
            "code": code, "benefitId": str(random.choice(till.benefit_ids) if len(tills) > 1 else till.benefit_ids[0]),
            "terminalId": str(till.terminal_id), "reference": secrets.token_hex(10), "amountFen": 10000,
        }  # fmt: skip
        headers = {"Authorization": f"Bearer {till.api_key}", "Idempotency-Key": secrets.token_hex(12)}
        yield make_request("POST", "/v1/partner/redemptions", headers, body)


_salt_bases = itertools.count(step=1 + CODES_PER_RUN // CITIZENS)


def make_codes(accounts: list[int], number: int) -> list[str]:
    """Make codes of this slot: several for each citizen, each with another salt, and no run with another's."""
    base = next(_salt_bases)
    key, slot = KEYS.code_keys()[0].key, compute_slot(now())
    return [
        encode_code(
            key=key, account_number=accounts[n % len(accounts)], slot=slot, generation=0, salt=(base + n // len(accounts)) % 100
        )
        for n in range(number)
    ]  # fmt: skip


def score_reads(city: City) -> Iterator[bytes]:
    """Yield score reads by many citizens in turn."""
    requests = [make_request("GET", "/v1/me/score", {"Authorization": f"Bearer {token}"}) for token in city.tokens]
    return itertools.cycle(requests)


def code_issues(city: City) -> Iterator[bytes]:
    """Yield requests for one code by many citizens in turn."""
    requests = [
        make_request("POST", "/v1/me/codes", {"Authorization": f"Bearer {token}"}, {"count": 1})
        for token in city.tokens
    ]
    return itertools.cycle(requests)


def _figure(name: str, workers: int, result: Result, ceiling: float, ceiling_name: str, asked: float) -> Figure:
    is_clean = all(200 <= status < 300 for status in result.statuses)
    detail = {"p50_ms": round(result.p50_ms, 2), "p99_ms": round(result.p99_ms, 2), "statuses": result.statuses}
    return Figure(
        name=name, workers=workers, value=result.rate, unit="/s", ceiling=ceiling, ceiling_name=ceiling_name,
        target=f">= {asked} x", is_met=is_clean and result.rate >= asked * ceiling, detail=detail,
    )  # fmt: skip

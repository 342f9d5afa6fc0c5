"""Redeeming in a city that has millions of redemptions, beside the same city without any; ``make bench`` runs it too.

Two databases of one server, made alike; one gets a history. Both are measured in turns: first with the plans that were
made while both were empty, and then as nights of autovacuum leave a city.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import click
import msgspec
import uvloop

from app.kit.clock import now
from app.kit.db.database import database_lifespan
from app.kit.process.embedded import embedded_servers, free_port
from app.values.days import shanghai_day
from load_tests.figure import Figure, make_report
from load_tests.figures import compare, prepare, redeem_closed
from load_tests.grown import watching
from load_tests.history import DAYS, fill_history, make_past_partitions
from load_tests.machine import describe_machine
from load_tests.servers import FOLDER, cpu_seconds, postmaster_of, serve_huixin, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from load_tests.city import City
    from load_tests.client import Result
    from load_tests.servers import Served

RESULTS = Path(__file__).parent / "results" / "growth.json"
EMPTY, FULL = "growth_empty", "growth_full"
ROWS = 10_000_000
SHARE_MIN = 0.95
WARM_UP_SECONDS, TOUCH_SECONDS = 2.0, 0.5
TOUCH_EACH_SECONDS = 60  # the pool closes what has been idle for five minutes
WORKERS = 1
NOWHERE = "http://127.0.0.1:9"
# While the history is put in: no statistics, which would have statements planned anew, and no full page images.
QUIET = {"autovacuum": "off", "full_page_writes": "off"}


class Place(msgspec.Struct, frozen=True):
    """A database and the port of the service on it."""

    url: str
    port: int


@click.command()
@click.option("--rows", default=ROWS, show_default=True, help="Redemptions of the history.")
@click.option("--seconds", default=5.0, show_default=True, help="Length of each turn.")
@click.option("--rounds", default=3, show_default=True)
def main(rows: int, seconds: float, rounds: int) -> None:
    """Measure, print, and write the results; exit 1 when a figure is missed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        HUIXIN_VAR=str(FOLDER), KEY_FILE=str(FOLDER / "keys.json"), WECHAT_BASE_URL=NOWHERE, IDENTITY_BASE_URL=NOWHERE
    )
    with embedded_servers(FOLDER) as servers:
        machine = uvloop.run(describe_machine(servers.database_url))
        uvloop.run(_forget(servers.database_url))
        uvloop.run(_execute(servers.database_url, f"CREATE DATABASE {EMPTY}"))
        os.environ.update(DATABASE_URL=_url_of(servers.database_url, EMPTY), VALKEY_URL=servers.valkey_url)
        try:
            figures = uvloop.run(_measure(servers.database_url, rows, seconds, rounds))
        finally:
            uvloop.run(_forget(servers.database_url))
    click.echo(machine.describe())
    for figure in figures:
        click.echo(figure.describe())
        click.echo(f"         {figure.detail}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_bytes(make_report(machine, figures))
    sys.exit(0 if all(figure.is_met for figure in figures) else 1)


async def _measure(database_url: str, rows: int, seconds: float, rounds: int) -> list[Figure]:
    city = await _make_cities(database_url)
    empty, full = (Place(_url_of(database_url, name), free_port()) for name in (EMPTY, FULL))
    with _serving(empty):
        with _serving(full):
            for place in (empty, full):
                await _redeem(place, city, WARM_UP_SECONDS)
            async with _quiet(database_url):
                await _fill(full, city, rows)
            early = await _compare(f"redeem, {rows:,} rows, plans met empty", empty, full, city, seconds, rounds)
        await _execute(full.url, "VACUUM ANALYZE")
        with _serving(full):
            await _redeem(full, city, WARM_UP_SECONDS)
            late = await _compare(f"redeem, {rows:,} rows", empty, full, city, seconds, rounds)
    return [early, late]


async def _make_cities(database_url: str) -> City:
    """Make one city with room for its past, and another one like it."""
    city = await prepare(_url_of(database_url, EMPTY))
    async with database_lifespan():
        await make_past_partitions(shanghai_day(now()))
    await _execute(database_url, f"CREATE DATABASE {FULL} TEMPLATE {EMPTY}")
    return city


async def _fill(full: Place, city: City, rows: int) -> None:
    """Put the history in, using the service's connections meanwhile: idle ones are closed, and their plans lost."""
    begin = touched = time.perf_counter()
    async for done in fill_history(full.url, city, rows):
        if time.perf_counter() - touched > TOUCH_EACH_SECONDS:
            await _redeem(full, city, TOUCH_SECONDS)
            touched = time.perf_counter()
        if done % 10 == 0:
            click.echo(f"{done} of {DAYS} days after {time.perf_counter() - begin:.0f} s")
    # The first reader of a row marks it as committed, which is no part of any redemption.
    connection = await asyncpg.connect(full.url, server_settings={"enable_indexonlyscan": "off"})
    there = await connection.fetchval("SELECT count(*) FROM redemption")
    await connection.close()
    if there < rows // DAYS * DAYS:
        raise SystemExit(f"the history has {there} redemptions, not {rows}")


async def _redeem(place: Place, city: City, seconds: float) -> Result:
    async with watching(place.url) as growth:
        return await redeem_closed(place.port, city, city.tills, seconds, growth)


async def _compare(name: str, empty: Place, full: Place, city: City, seconds: float, rounds: int) -> Figure:
    """Let both redeem in turns, each round after a checkpoint, so that each page is written whole once more."""
    took: dict[str, list[Result]] = {empty.url: [], full.url: []}
    costs: dict[str, list[dict[str, int]]] = {empty.url: [], full.url: []}
    postmaster = postmaster_of(FOLDER)
    for _ in range(rounds):
        await _execute(full.url, "CHECKPOINT")
        for place in (empty, full):
            written, spent = await _read_written(place), cpu_seconds(postmaster)
            result = await _redeem(place, city, seconds)
            took[place.url].append(result)
            written, spent = await _read_written(place) - written, cpu_seconds(postmaster) - spent
            items = sum(result.statuses.values())
            costs[place.url].append({"wal_bytes": written // items, "postgres_us": round(spent / items * 1e6)})
    figure = compare(name, WORKERS, took[full.url], took[empty.url], "empty", SHARE_MIN)
    each = {"each": costs[full.url], "each_empty": costs[empty.url]}
    return msgspec.structs.replace(figure, detail=figure.detail | each)


@asynccontextmanager
async def _quiet(database_url: str) -> AsyncIterator[None]:
    """Change settings of the server for a block; autovacuum stays off until both cities are forgotten."""
    for name, value in QUIET.items():
        await _execute(database_url, f"ALTER SYSTEM SET {name} = {value}")
    await _execute(database_url, "SELECT pg_reload_conf()")
    try:
        yield
    finally:
        await _execute(database_url, "ALTER SYSTEM RESET full_page_writes")
        await _execute(database_url, "SELECT pg_reload_conf()")


async def _forget(database_url: str) -> None:
    """Drop both databases: the disk is needed again."""
    for name in (FULL, EMPTY):
        await _execute(database_url, f"DROP DATABASE IF EXISTS {name}")
    await _execute(database_url, "ALTER SYSTEM RESET ALL")
    await _execute(database_url, "SELECT pg_reload_conf()")


async def _read_written(place: Place) -> int:
    connection = await asyncpg.connect(place.url)
    position = await connection.fetchval("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
    await connection.close()
    return int(position)


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(sql)
    await connection.close()


def _serving(place: Place) -> AbstractContextManager[Served]:
    return serving(serve_huixin(place.port, WORKERS), place.port, DATABASE_URL=place.url)


def _url_of(database_url: str, name: str) -> str:
    return database_url.replace("/postgres?", f"/{name}?")


if __name__ == "__main__":
    main()

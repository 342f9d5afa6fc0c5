"""The figures of a large city, from 250,000 citizens on, in a database of its own; ``make bench`` runs this second.

The city grows: the same people stay and others move in, so that every size is measured in one run.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import asyncpg
import click
import uvloop

from app.kit.process.embedded import embedded_servers
from load_tests.command import run_command
from load_tests.figure import Figure, make_report
from load_tests.figures_gentle import measure_gentle
from load_tests.figures_import import measure_imports
from load_tests.figures_score import measure_scores
from load_tests.figures_throttle import measure_throttle
from load_tests.machine import describe_machine
from load_tests.servers import FOLDER

RESULTS = Path(__file__).parent / "results" / "city.json"
RECORDS_EACH = 10
SIZES = "250000,1000000"
NOWHERE = "http://127.0.0.1:9"


@click.command()
@click.option("--citizens", "sizes", default=SIZES, show_default=True, help="Sizes to measure at, rising.")
@click.option("--imports/--no-imports", default=True, show_default=True)
@click.option("--keep", "may_reuse", is_flag=True, help="Go on with the city an earlier run has made.")
def main(sizes: str, *, imports: bool, may_reuse: bool) -> None:
    """Measure, print, and write the results."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        HUIXIN_VAR=str(FOLDER), KEY_FILE=str(FOLDER / "keys.json"), WECHAT_BASE_URL=NOWHERE, IDENTITY_BASE_URL=NOWHERE
    )
    with embedded_servers(FOLDER) as servers:
        url = servers.database_url.replace("/postgres?", "/city?")
        if not may_reuse:
            uvloop.run(_create(servers.database_url))
        os.environ.update(DATABASE_URL=url, VALKEY_URL=servers.valkey_url)
        numbers = [int(size) for size in sizes.split(",")]
        machine = uvloop.run(describe_machine(servers.database_url))
        figures = uvloop.run(_measure(url, numbers, imports=imports))
    click.echo(machine.describe())
    for figure in figures:
        click.echo(figure.describe())
        click.echo(f"         {figure.detail}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_bytes(make_report(machine, figures))
    sys.exit(0 if all(figure.is_met for figure in figures) else 1)


async def _create(database_url: str) -> None:
    """Make an empty database beside the other figures' one."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("DROP DATABASE IF EXISTS city")
    await connection.execute("CREATE DATABASE city")
    await connection.close()


async def _measure(database_url: str, sizes: list[int], *, imports: bool) -> list[Figure]:
    figures: list[Figure] = []
    for citizens in sizes:
        await _grow(database_url, citizens)
        for figure in await measure_scores(database_url, citizens):
            figures.append(figure)
            click.echo(figure.describe())
        if imports:
            figures += await measure_imports(database_url, citizens)
        if imports and citizens == sizes[0]:
            figures += measure_throttle(citizens)
    return figures + (await measure_gentle(database_url, sizes[-1]) if imports else [])


async def _grow(database_url: str, citizens: int) -> None:
    """Let people move in until the city has so many, and let PostgreSQL take stock as autovacuum would overnight."""
    begin = time.perf_counter()
    records = str(citizens * RECORDS_EACH)
    run_command("city", "generate", "--citizens", str(citizens), "--records", records, "--no-score")
    click.echo(f"{citizens:,} citizens after {time.perf_counter() - begin:.0f} s")
    connection = await asyncpg.connect(database_url)
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
    await connection.close()


if __name__ == "__main__":
    main()

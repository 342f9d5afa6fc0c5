"""``make bench``: every figure beside its ceiling, from one run on one machine, into ``results/latest.json``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import uvloop

from app.kit.process.embedded import embedded_servers
from load_tests.figure import make_report
from load_tests.figures import measure_all
from load_tests.machine import describe_machine
from load_tests.servers import FOLDER

RESULTS = Path(__file__).parent / "results" / "latest.json"
NOWHERE = "http://127.0.0.1:9"  # nothing measured here speaks to an outside service


@click.command()
@click.option("--seconds", default=5.0, show_default=True, help="Length of each turn; codes live 45 seconds at most.")
@click.option("--rounds", default=3, show_default=True, help="So often everybody has a turn; the median counts.")
@click.option("--workers", "worker_counts", default="1,2", show_default=True)
@click.option("--city/--no-city", "has_city", default=True, show_default=True, help="Go on with a million citizens.")
@click.option("--rows", default=10_000_000, show_default=True, help="Redemptions of a grown city; 0: none is grown.")
def main(seconds: float, rounds: int, worker_counts: str, rows: int, *, has_city: bool) -> None:
    """Measure, print, and write the results; exit 1 when a figure is missed."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    os.environ.update(
        HUIXIN_VAR=str(FOLDER), KEY_FILE=str(FOLDER / "keys.json"), WECHAT_BASE_URL=NOWHERE, IDENTITY_BASE_URL=NOWHERE
    )
    with embedded_servers(FOLDER) as servers:
        os.environ.update(DATABASE_URL=servers.database_url, VALKEY_URL=servers.valkey_url)
        counts = [int(count) for count in worker_counts.split(",")]
        machine = uvloop.run(describe_machine(servers.database_url))
        figures = uvloop.run(measure_all(servers.database_url, counts, seconds, rounds))
    click.echo(machine.describe())
    for figure in figures:
        click.echo(figure.describe())
        if figure.detail:
            click.echo(f"         {figure.detail}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_bytes(make_report(machine, figures))
    others = [["load_tests.bench_growth", "--rows", str(rows)]] if rows else []
    others += [["load_tests.bench_city"]] if has_city else []
    is_met = [
        subprocess.run([sys.executable, "-m", *other], check=False).returncode == 0  # noqa: S603 - our own commands
        for other in others
    ]
    sys.exit(0 if all(is_met) and all(figure.is_met for figure in figures) else 1)


if __name__ == "__main__":
    main()

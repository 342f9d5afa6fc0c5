"""``make bench``: every figure beside its ceiling, from one run on one machine, into ``results/latest.json``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import uvloop

from app.kit.embedded import embedded_servers
from load_tests.figure import make_report
from load_tests.servers import FOLDER

RESULTS = Path(__file__).parent / "results" / "latest.json"
NOWHERE = "http://127.0.0.1:9"  # nothing measured here speaks to an outside service


@click.command()
@click.option("--seconds", default=6.0, show_default=True, help="Length of each run; codes live 45 seconds at most.")
@click.option("--workers", "worker_counts", default="1,2", show_default=True)
@click.option("--city/--no-city", "has_city", default=True, show_default=True, help="Go on with a million citizens.")
def main(seconds: float, worker_counts: str, *, has_city: bool) -> None:
    """Measure, print, and write the results; exit 1 when a figure is missed."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    os.environ.update(
        HUIXIN_VAR=str(FOLDER), KEY_FILE=str(FOLDER / "keys.json"), WECHAT_BASE_URL=NOWHERE, IDENTITY_BASE_URL=NOWHERE
    )
    with embedded_servers(FOLDER) as servers:
        os.environ.update(DATABASE_URL=servers.database_url, VALKEY_URL=servers.valkey_url)
        from load_tests.figures import measure_all  # noqa: PLC0415 - the settings are read when this is imported

        counts = [int(count) for count in worker_counts.split(",")]
        figures = uvloop.run(measure_all(servers.database_url, counts, seconds))
    for figure in figures:
        click.echo(figure.tell())
        if figure.detail:
            click.echo(f"         {figure.detail}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_bytes(make_report(figures))
    if has_city:
        subprocess.run([sys.executable, "-m", "load_tests.bench_city"], check=True)
    sys.exit(0 if all(figure.is_met for figure in figures) else 1)


if __name__ == "__main__":
    main()

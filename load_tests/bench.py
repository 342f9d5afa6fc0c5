"""``make bench``: every figure beside its ceiling, from one run on one machine, into ``results/latest.json``."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
import uvloop

from app.kit.embedded import embedded_servers

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "var" / "bench"
RESULTS = Path(__file__).parent / "results" / "latest.json"
START_SECONDS_MAX = 30


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured thing: its value, its ceiling, and what is asked of the two."""

    name: str
    workers: int
    value: float
    unit: str
    ceiling: float | None
    ceiling_name: str
    target: str
    is_met: bool
    detail: dict[str, Any] = {}

    @property
    def ratio(self) -> float | None:
        """Return value ÷ ceiling."""
        return None if not self.ceiling else self.value / self.ceiling


@contextlib.contextmanager
def serving(command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until it answers, and stop it by its id."""
    process = subprocess.Popen(command, cwd=ROOT)  # noqa: S603 - our own command
    try:
        wait_for(port, process)
        yield process
    finally:
        process.terminate()
        process.wait(START_SECONDS_MAX)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a port answers."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit("the server did not start")


def serve_huixin(port: int, workers: int) -> list[str]:
    """Return the command that serves the API."""
    return [sys.executable, "-m", "app.cli", "serve", "--workers", str(workers), "--port", str(port)]


def serve_constant(port: int, workers: int) -> list[str]:
    """Return the command that serves the constant route with the same server settings."""
    return [
        sys.executable, "-m", "granian", "--interface", "asgi", "--loop", "uvloop", "--no-ws", "--log-level", "error",
        "--workers", str(workers), "--port", str(port), "--factory", "load_tests.constant:create_app",
    ]  # fmt: skip


@click.command()
@click.option("--seconds", default=6.0, show_default=True, help="Length of each run; a code lives 45 at most.")
@click.option("--workers", "worker_counts", default="1,2", show_default=True)
@click.option("--only", default="", help="Comma-separated names of the figures to measure.")
def main(seconds: float, worker_counts: str, only: str) -> None:
    """Measure, print, and write the results; exit 1 when a figure is missed."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    os.environ.update(HUIXIN_VAR=str(FOLDER), KEY_FILE=str(FOLDER / "keys.json"))
    with embedded_servers(FOLDER) as servers:
        os.environ.update(DATABASE_URL=servers.database_url, VALKEY_URL=servers.valkey_url)
        os.environ.update(WECHAT_BASE_URL="http://127.0.0.1:9", IDENTITY_BASE_URL="http://127.0.0.1:9")
        from load_tests.figures import measure_all  # noqa: PLC0415

        counts = [int(count) for count in worker_counts.split(",")]
        figures = uvloop.run(measure_all(servers.database_url, counts, seconds, set(filter(None, only.split(",")))))
    report(figures)


def report(figures: list[Figure]) -> None:
    """Print the table and write the file."""
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{figure.ratio:6.2f} × {figure.ceiling_name} {figure.ceiling:,.0f}"
        mark = "met   " if figure.is_met else "MISSED"
        click.echo(
            f"{mark} {figure.name:32} w={figure.workers} {figure.value:12,.2f} {figure.unit:8} {ratio:40} ({figure.target})"
        )
        if figure.detail:
            click.echo(f"       {figure.detail}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")


if __name__ == "__main__":
    main()

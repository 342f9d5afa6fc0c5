"""Starts what is measured, waits until it answers, and stops it by its id."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "var" / "bench"
START_SECONDS_MAX = 30


class Served(NamedTuple):
    """A server that answers, and how long that took."""

    pid: int
    seconds: float


@contextlib.contextmanager
def serving(command: list[str], port: int, *, cwd: Path = ROOT, **environment: str) -> Iterator[Served]:
    """Run a server until the block ends, with more of an environment; yields it once it answers."""
    begin = time.perf_counter()
    with (FOLDER / "server.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=cwd, stdout=log, stderr=log, env=os.environ | environment
        )
    try:
        _wait_for(port, process)
        yield Served(process.pid, time.perf_counter() - begin)
    finally:
        process.terminate()
        process.wait(START_SECONDS_MAX)


def postmaster_of(folder: Path) -> int:
    """Return the id of the first process of the PostgreSQL under a folder."""
    return int((folder / "postgres" / "postmaster.pid").read_text().split()[0])


def cpu_seconds(pid: int) -> float:
    """Return the CPU a process, its children that live and those that have ended took so far."""
    parent = psutil.Process(pid)
    ended, total = parent.cpu_times(), 0.0
    for process in (parent, *parent.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total + ended.children_user + ended.children_system


def serve_huixin(port: int, workers: int) -> list[str]:
    """Return the command that serves the API."""
    return [sys.executable, "-m", "app.cli", "serve", "--workers", str(workers), "--port", str(port)]


def serve_constant(port: int, workers: int) -> list[str]:
    """Return the command that serves the constant route with the same server and loop."""
    return [
        sys.executable, "-m", "granian", "--interface", "asgi", "--loop", "uvloop", "--no-ws", "--log-level", "error",
        "--workers", str(workers), "--port", str(port), "--factory", "load_tests.constant:create_app",
    ]  # fmt: skip


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as probe:
            probe.sendall(b"GET /health/live HTTP/1.1\r\nHost: bench\r\n\r\n")
            if probe.recv(12).startswith(b"HTTP/1.1"):
                return
        time.sleep(0.02)
    raise SystemExit(f"the server did not start; see {FOLDER / 'server.log'}")

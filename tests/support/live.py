"""A real server of two worker processes on the test's own database, and many clients at once."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import psutil
from httpx2 import AsyncClient, Limits, Response

START_SECONDS_MAX = 30
WORKERS = 2
CONNECTIONS = 200


class LiveServer:
    """The service as a city runs it: a supervisor and two workers."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.base_url = f"http://127.0.0.1:{port}"

    def worker_pids(self) -> list[int]:
        """Return the processes that answer requests."""
        return [child.pid for child in psutil.Process(self.process.pid).children()]

    def all_pids(self) -> list[int]:
        """Return every process of the service but its supervisor."""
        return [child.pid for child in psutil.Process(self.process.pid).children(recursive=True)]

    def signal_workers(self, number: signal.Signals) -> None:
        """Send a signal to every worker; killed ones are started again by the supervisor."""
        for pid in self.worker_pids():
            os.kill(pid, number)

    def client(self, connections: int = CONNECTIONS) -> AsyncClient:
        """Return a client with many connections."""
        limits = Limits(max_connections=connections, max_keepalive_connections=connections)
        return AsyncClient(base_url=self.base_url, limits=limits, timeout=30)


@contextmanager
def live_server(environment: Mapping[str, str] | None = None) -> Iterator[LiveServer]:
    """Serve the test's database, or what an environment says, with two workers on a free port until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "app.cli", "serve", "--workers", str(WORKERS), "--port", str(port)]
    process = subprocess.Popen(command, env={**(environment or os.environ), "DATABASE_POOL_SIZE": "8"})
    try:
        _wait_until_ready(port)
        yield LiveServer(process, port)
    finally:
        process.terminate()
        process.wait(START_SECONDS_MAX)


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("the server did not start")


async def all_at_once(calls: Sequence[Callable[[], Awaitable[Response]]]) -> list[Response]:
    """Make every call at the same moment."""
    return list(await asyncio.gather(*(call() for call in calls)))

"""A real server of two worker processes on the test's own database, and many clients at once."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

import psutil
from httpx2 import AsyncClient, Limits, Response

from tests.support.waiting import block_until, is_listening, wait_as_told

if TYPE_CHECKING:
    from tests.support.partners import Partner

START_SECONDS_MAX = 60
WORKERS = 2
CONNECTIONS = 200
ANSWER_SECONDS_MAX = 120
TRIES_FOR_EACH_WORKER = 20  # that all of them meet the same one of two: once in a million


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

    async def wait_until_known(self, headers: dict[str, str]) -> None:
        """Wait until every worker knows a key; each connection comes to one of them, and they are tried often."""
        from tests.support.waiting import wait_until  # noqa: PLC0415 - not before the settings are there

        async def is_known() -> bool:
            async with AsyncClient(base_url=self.base_url, limits=Limits(max_keepalive_connections=0)) as http:
                for _ in range(TRIES_FOR_EACH_WORKER):
                    if (await http.get("/v1/partner/me", headers=headers)).status_code != HTTPStatus.OK:
                        return False
            return True

        await wait_until(is_known)

    def client(self, connections: int = CONNECTIONS) -> AsyncClient:
        """Return a client with many connections."""
        # Not before the settings are in the environment: conftest files import this one.
        from tests.support.contract import ContractClient  # noqa: PLC0415

        limits = Limits(max_connections=connections, max_keepalive_connections=connections)
        return ContractClient(base_url=self.base_url, limits=limits, timeout=30)


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
    block_until(lambda: is_listening(port), START_SECONDS_MAX, what="the server did not start")


async def settle(server: LiveServer, partner: Partner) -> None:
    """Wait until every worker sees the partner and all that was put in force before this call.

    A worker reads which catalogues have changed, and loads them one after another, keys before benefits. So whoever
    knows a key has begun to load; and whoever knows one that was made afterwards has done so.
    """
    from tests.support.partners import bearer, make_key  # noqa: PLC0415 - not before the settings are there

    for _ in range(2):
        await server.wait_until_known(bearer(await make_key(partner.institution_id)))


async def all_at_once(calls: Sequence[Callable[[], Awaitable[Response]]]) -> list[Response]:
    """Make every call at the same moment; each is one that may be repeated, as a till does that was told to wait."""
    return list(await asyncio.gather(*map(_ask_until_answered, calls)))


async def _ask_until_answered(call: Callable[[], Awaitable[Response]]) -> Response:
    async with asyncio.timeout(ANSWER_SECONDS_MAX):
        while True:
            answer = await call()
            if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                return answer
            await wait_as_told(answer)

"""``huixin serve`` with nothing given starts its own servers, outlives its workers, drains, finds its data again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil
import pytest

from app.kit.embedded import free_port
from app.kit.surroundings import NEEDED_IN_PRODUCTION
from app.settings import Settings

START_SECONDS_MAX = 60
ROOT = Path(__file__).parents[2]
# What a test run sets would be taken for the city's own.
BARE = {
    name: value
    for name, value in os.environ.items()
    if name.lower() not in Settings.__struct_fields__ and name != "HUIXIN_VAR"
}


class Service:
    """A running ``huixin serve``."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    def workers(self) -> list[psutil.Process]:
        """Return the processes that serve: they were forked, so they have the supervisor's command line."""
        parent = psutil.Process(self.process.pid)
        return [child for child in parent.children() if child.cmdline() == parent.cmdline()]

    def is_ready(self) -> bool:
        try:
            return httpx2.get(self.url + "/health/ready", timeout=2).status_code == 200
        except httpx2.HTTPError:
            return False

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self.is_ready():
            assert self.process.poll() is None, "the service ended"
            assert time.monotonic() < deadline, "never ready"
            time.sleep(0.05)


@contextmanager
def serving(folder: Path, *, workers: int = 1) -> Iterator[Service]:
    """Run the service with its own servers under ``folder``; end it as an operator would."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve", "--workers", str(workers), "--port", str(port)],
        env={**BARE, "HUIXIN_VAR": str(folder)},
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    service = Service(process, port)
    try:
        service.wait_until_ready()
        yield service
    finally:
        process.terminate()
        process.wait(START_SECONDS_MAX)


def servers_of(folder: Path) -> list[str]:
    """Return the names of the running servers whose data lies under ``folder``."""
    pids = [*folder.glob("postgres/postmaster.pid"), *folder.glob("valkey/valkey.pid")]
    return [psutil.Process(int(path.read_text().split()[0])).name() for path in pids]


async def ask_until_it_ends(service: Service) -> tuple[list[int], list[Exception]]:
    """Ask without a pause while the service is told to stop; return every answer and how it ended."""
    statuses: list[int] = []

    async def ask(client: httpx2.AsyncClient) -> None:
        while True:
            statuses.append((await client.get("/health/ready")).status_code)

    async with httpx2.AsyncClient(base_url=service.url, timeout=10) as client:
        asking = [asyncio.create_task(ask(client)) for _ in range(8)]
        async with asyncio.timeout(START_SECONDS_MAX):
            while len(statuses) < 100:  # noqa: ASYNC110 - until it is asked without a pause
                await asyncio.sleep(0.01)
        service.process.terminate()
        ended = await asyncio.gather(*asking, return_exceptions=True)
    return statuses, [one for one in ended if isinstance(one, Exception)]


@pytest.mark.xdist_group("supervisor")
def test_a_service_outlives_its_workers_drains_and_finds_its_data_again(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 25)  # too long for a socket
    with serving(folder, workers=2) as service:
        assert servers_of(folder) == ["postgres", "valkey-server"]
        keys = (folder / "keys.json").read_bytes()
        check_it_outlives_its_workers(service)
        check_a_second_one_is_refused(folder)
    assert service.process.returncode == 0
    assert servers_of(folder) == []
    with serving(folder) as service:
        assert (folder / "keys.json").read_bytes() == keys
        os.kill(service.process.pid, signal.SIGKILL)
        deadline = time.monotonic() + START_SECONDS_MAX
        while service.is_ready():
            assert time.monotonic() < deadline, "an orphan goes on serving"
            time.sleep(0.05)
    with serving(folder) as service:
        assert (folder / "keys.json").read_bytes() == keys
        statuses, ended = asyncio.run(ask_until_it_ends(service))
    assert len(statuses) > 8
    assert set(statuses) == {200}
    assert len(ended) == 8
    assert all(isinstance(one, httpx2.ConnectError | httpx2.ReadError | httpx2.RemoteProtocolError) for one in ended)
    assert not [one for one in ended if "complete" in str(one)], "an answer was cut in two"
    assert service.process.returncode == 0
    assert servers_of(folder) == []


def check_it_outlives_its_workers(service: Service) -> None:
    """Kill the newest worker more often than Granian's own patience allows; both come back."""
    for _ in range(3):
        victim = max(service.workers(), key=lambda one: one.create_time())
        victim.kill()
        victim.wait()
        service.wait_until_ready()
    deadline = time.monotonic() + START_SECONDS_MAX
    while len(service.workers()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def check_a_second_one_is_refused(folder: Path) -> None:
    """Start another city in the same folder: it would stop the first one's servers."""
    second = subprocess.run(
        [sys.executable, "-m", "app.cli", "serve", "--port", str(free_port())],
        env={**BARE, "HUIXIN_VAR": str(folder)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert "another huixin already runs" in second.stderr


@pytest.mark.parametrize("missing", NEEDED_IN_PRODUCTION)
def test_production_refuses_to_start_without_its_own(missing: str, tmp_path: Path) -> None:
    given = {name: "x" for name in NEEDED_IN_PRODUCTION if name != missing}
    environment = {**BARE, **given, "ENVIRONMENT": "production", "HUIXIN_VAR": str(tmp_path)}
    code = f"""
import os, sys
os.environ.clear(); os.environ.update({environment!r})
from app.cli import main
main(["serve"])
"""
    refused = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert f"production needs its own {missing};" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_said_so(tmp_path: Path) -> None:
    code = """
import socket
from app.kit.supervisor import run_workers
with socket.create_server(("127.0.0.1", 0)) as taken:
    run_workers(lambda: None, workers=1, host="127.0.0.1", port=taken.getsockname()[1], log_level="info")
"""
    refused = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "cannot listen on 127.0.0.1" in refused.stderr
    assert list(tmp_path.iterdir()) == []

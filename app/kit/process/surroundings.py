"""What a city has not got of its own: fills the environment before the settings are read, at their first use."""

from __future__ import annotations

import ctypes
import fcntl
import gc
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from app.kit.background import in_thread
from app.kit.process.embedded import embedded_postgres, embedded_valkey, free_port
from app.settings import var_folder

LOG = logging.getLogger("huixin.surroundings")
NEEDED_IN_PRODUCTION = (
    "DATABASE_URL", "VALKEY_URL", "KEY_FILE", "WECHAT_APP_ID", "WECHAT_APP_SECRET", "WECHAT_BASE_URL",
    "IDENTITY_BASE_URL", "IDENTITY_SECRET_ID", "IDENTITY_SECRET_KEY",
)  # fmt: skip
METRICS_VARIABLE = "HUIXIN_METRICS"  # the folder in which every worker counts its requests
SANDBOX_SECONDS_MAX = 20
CONTAINERS_MAX = 200_000  # made and not freed, until cycles are looked for: a few chunks of rows
STOP_SECONDS_MAX = 10
WATCH_SECONDS, RESTART_SECONDS = 0.2, 1.0
PR_SET_PDEATHSIG = 1


@contextmanager
def database() -> Iterator[None]:
    """Make sure there is a database: the city's own by DATABASE_URL, else an embedded one."""
    with ExitStack() as stack:
        _refuse_bare_production()
        if not os.environ.get("DATABASE_URL"):
            os.environ["DATABASE_URL"] = stack.enter_context(embedded_postgres(var_folder()))
        yield


@contextmanager
def scratch_database() -> Iterator[None]:
    """Run an empty PostgreSQL that is nobody's city, and point the settings at it before they are read.

    It has keys of its own, because migrations begin chains that are signed; no city's key file is opened or made.
    """
    with TemporaryDirectory(prefix="huixin-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root the server runs as a user of its own, who must get in
        with embedded_postgres(folder) as url:
            os.environ.update(DATABASE_URL=url, KEY_FILE=str(folder / "keys.json"), ENVIRONMENT="development")
            yield


@contextmanager
def whole_city(*, workers: int, sandbox: str, sandbox_environment: Mapping[str, str]) -> Iterator[None]:
    """Make sure there is all the API needs.

    ``sandbox`` is the ASGI target that speaks for the outside services where none is set, with its credentials.
    """
    with ExitStack() as stack:
        _refuse_bare_production()
        if not (os.environ.get("DATABASE_URL") and os.environ.get("VALKEY_URL")):
            stack.enter_context(_only_one(var_folder() / "serve.lock"))
        sandbox_port = None
        if not os.environ.get("WECHAT_BASE_URL"):  # started first: it comes up while the servers do
            sandbox_port = stack.enter_context(_sandbox(sandbox))
            url = f"http://127.0.0.1:{sandbox_port}"
            os.environ.update(sandbox_environment, WECHAT_BASE_URL=url, IDENTITY_BASE_URL=url, SMS_BASE_URL=url)
        stack.enter_context(database())
        if not os.environ.get("VALKEY_URL"):
            os.environ["VALKEY_URL"] = stack.enter_context(embedded_valkey(var_folder()))
        if sandbox_port is not None:
            wait_for_port(sandbox_port, SANDBOX_SECONDS_MAX)
        os.environ["WORKERS"] = str(workers)
        os.environ[METRICS_VARIABLE] = str(_empty_folder(var_folder() / "metrics"))
        yield


def wait_for_port(port: int, seconds_max: float) -> None:
    """Wait until somebody listens on a loopback port."""
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on port {port}")


def die_with_parent() -> None:
    """Ask Linux to end this process when its parent is killed, so that no orphan goes on serving."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def collect_rarely() -> None:
    """Have this process look for cycles of garbage seldom, and never in its code, which stays as it is.

    For work on rows by the thousand: they die without cycles, and looking through them was a fifth of an import's time.
    """
    gc.freeze()
    gc.set_threshold(CONTAINERS_MAX)


@contextmanager
def beside(command: Sequence[str]) -> Iterator[None]:
    """Run a process beside the block, again whenever it ends by itself; it ends with the block, and with us.

    It is started from this thread the first time: Linux ends it with the thread that started it.
    """
    processes = [_start(command)]
    try:
        with in_thread(f"keeping {command[-1]} up", partial(_keep_up, command, processes)):
            yield
    finally:
        processes[0].terminate()
        try:
            processes[0].wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:  # it may be killed anywhere, and must not keep us from stopping the rest
            processes[0].kill()
            processes[0].wait()


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, start_new_session=True, preexec_fn=die_with_parent)  # noqa: PLW1509, S603


def _keep_up(command: Sequence[str], processes: list[subprocess.Popen[bytes]], stopping: threading.Event) -> None:
    """Start the process again when it has ended, after a pause: one that cannot run must not be started in a loop."""
    if stopping.wait(WATCH_SECONDS) or processes[0].poll() is None:
        return
    LOG.warning("%s has ended and is started again", command[-1])
    if not stopping.wait(RESTART_SECONDS):
        processes[0] = _start(command)


def _refuse_bare_production() -> None:
    if os.environ.get("ENVIRONMENT") == "production":
        missing = [name for name in NEEDED_IN_PRODUCTION if not os.environ.get(name)]
        if missing:
            raise SystemExit("production needs its own " + ", ".join(missing) + "; see the settings in README.md")


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Hold a folder for one city: two would stop each other's servers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SystemExit(
                f"another huixin already runs with {path.parent}; set HUIXIN_VAR to another folder"
            ) from None
        yield


@contextmanager
def _sandbox(target: str) -> Iterator[int]:
    """Run the sandbox as a process of its own and yield its port."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port),
               "--no-ws", "--log-level", "error", target]  # fmt: skip
    with beside(command):
        yield port


def _empty_folder(path: Path) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path.resolve()

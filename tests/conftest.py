"""Every test runs on the real application with a real PostgreSQL 18 and Valkey 9.

One PostgreSQL serves the whole run; every xdist worker has a database of its own. Outside services are the sandbox,
in a process of its own, spoken to by the real clients.
"""

# ruff: noqa: PLC0415 - the app is imported after its settings are in the environment

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from tests.support.queries import ENTERED, compare_rows, find_idle, note_queries
from tests.support.waiting import block_until, is_listening

# Settings are read once: point them at this worker's own parts before anything asks for one.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
SERVERS_FOLDER = Path(tempfile.gettempdir()) / f"huixin-tests-{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}"
STACK = ExitStack()
START_SECONDS_MAX = 60
ID_CHARACTERS_MAX = 16
TEST_SECONDS = 10  # what a test takes that looks at the day
DAY_SECONDS, SHANGHAI_SECONDS = 86_400, 8 * 3600
# A shell starts what it runs in the background deaf to Ctrl-C, and the processes that tests interrupt inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _start_sandbox(port: int) -> None:
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--port", str(port), "--no-ws",
               "--log-level", "error", "app.sandbox.main:app"]  # fmt: skip
    process = subprocess.Popen(command)
    STACK.callback(process.wait, 10)
    STACK.callback(process.terminate)


async def _create_database(url: str, name: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(f'DROP DATABASE IF EXISTS "{name}"')
    await connection.execute(f'CREATE DATABASE "{name}"')
    await connection.close()


def _prepare() -> None:
    from app.kit.process.embedded import embedded_postgres, embedded_valkey, free_port
    from app.sandbox.answers import ENVIRONMENT

    SERVERS_FOLDER.mkdir(parents=True, exist_ok=True)
    folder = SERVERS_FOLDER / WORKER
    folder.mkdir(exist_ok=True)
    server_url = STACK.enter_context(embedded_postgres(SERVERS_FOLDER))
    database = f"huixin_{WORKER}_{os.getpid()}"
    asyncio.run(_create_database(server_url, database))
    port = free_port()
    _start_sandbox(port)
    os.environ.update(
        HUIXIN_VAR=str(folder),
        KEY_FILE=str(folder / "keys.json"),
        DATABASE_URL=server_url.replace("/postgres?", f"/{database}?"),
        VALKEY_URL=STACK.enter_context(embedded_valkey(folder)),
        WECHAT_BASE_URL=f"http://127.0.0.1:{port}",
        IDENTITY_BASE_URL=f"http://127.0.0.1:{port}",
        SMS_BASE_URL=f"http://127.0.0.1:{port}",
        **ENVIRONMENT,  # the sandbox's credentials
    )
    block_until(lambda: is_listening(port), START_SECONDS_MAX, what="the sandbox did not start")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """All async tests of a worker share one loop, so that they share the application."""
    return "asyncio"


if TYPE_CHECKING:
    from httpx2 import AsyncClient


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers where tests run: in each xdist worker, or here when there are none."""
    is_controller = not hasattr(config, "workerinput") and bool(config.getoption("numprocesses", default=None))
    if not is_controller and not config.getoption("collectonly"):
        note_queries()
        _prepare()
        compare_rows(import_module("app.kit.db.database"))


def pytest_testnodedown(node: Any) -> None:
    """Take over which queries an xdist worker has sent."""
    ENTERED.update(getattr(node, "workeroutput", {}).get("entered", ()))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a whole run that went well but has sent some query never; an xdist worker says which it has sent."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["entered"] = sorted(ENTERED)
    elif exitstatus == pytest.ExitCode.OK and _is_whole(session.config):
        idle = find_idle(ENTERED)
        if idle:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            _say(session.config, "no test sends these queries:\n  " + "\n  ".join(idle))


def _is_whole(config: pytest.Config) -> bool:
    """Whether every test is run: nothing is named, chosen, left out or only listed."""
    chosen = ("keyword", "markexpr", "lf", "deselect", "ignore", "ignore_glob", "collectonly", "stepwise")
    is_all = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return is_all and not any(config.getoption(name, default=None) for name in chosen)


def _say(config: pytest.Config, text: str) -> None:
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    reporter.write_line("")
    reporter.write_line(text, red=True)


def pytest_runtest_setup() -> None:
    """Let no test run across a turn of the clock: a minute in which tries are counted, or the city's day.

    Limits count by a clock that stands still during a test. The last seconds before midnight are waited out: what is
    due, capped or counted today is so by the database's and the application's own clocks. Nor does a catalogue grow old
    while tests run that have no loop: nothing could have refreshed it.
    """
    from app.kit.db import cache
    from app.kit.outside import rate_limit

    block_until(lambda: DAY_SECONDS - (time.time() + SHANGHAI_SECONDS) % DAY_SECONDS >= TEST_SECONDS)
    begun = time.time()
    rate_limit.time = SimpleNamespace(**vars(time) | {"time": lambda: begun})  # type: ignore[assignment,attr-defined]
    for catalogue in cache._refreshed:
        catalogue.confirm(time.monotonic())


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a long text by its argument: it may be random, and parallel runs must collect the same names."""
    return argname if isinstance(val, str) and len(val) > ID_CHARACTERS_MAX else None


def pytest_unconfigure() -> None:
    """Stop what this worker started, and leave nothing behind; the last worker takes the servers' folder with it."""
    STACK.close()
    shutil.rmtree(SERVERS_FOLDER / WORKER, ignore_errors=True)
    if not (SERVERS_FOLDER / "postgres" / "postmaster.pid").exists():
        shutil.rmtree(SERVERS_FOLDER, ignore_errors=True)


@pytest.fixture
def var_folder() -> Iterator[Path]:
    """Give a city of the test's own a folder.

    Not under ``tmp_path``: every pytest that starts shuts other users out of the folder they share, and as root
    PostgreSQL is another user.
    """
    with tempfile.TemporaryDirectory(prefix="huixin-var-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
async def app(anyio_backend: str) -> AsyncIterator[object]:
    """Migrate, and start the application."""
    del anyio_backend  # asked for, so that the application lives on the loop all tests share
    from app.kit.db.migration import migrate
    from app.kit.security.keys import ensure_keys
    from app.main import create_app
    from tests.support.objecting import register_usual_sources
    from tests.support.own_city import keep_empty_city
    from tests.support.words import check_written

    ensure_keys()
    await migrate()
    await register_usual_sources()
    await keep_empty_city()
    application = create_app()
    async with application.lifespan():
        yield application
        await check_written()


@pytest.fixture(scope="module")
async def own_city(app: object) -> AsyncIterator[None]:
    """Give a file whose tests are about everybody a city in which nobody lives yet."""
    from tests.support.own_city import in_own_city

    del app
    async with in_own_city():
        yield


@pytest.fixture(scope="session")
async def client(app: object) -> AsyncIterator[AsyncClient]:
    """Open an HTTP client of the application; authentication goes in each request's headers."""
    from httpx2 import ASGITransport

    from tests.support.contract import ContractClient

    transport = ASGITransport(app=app, raise_app_exceptions=False)  # type: ignore[arg-type]
    async with ContractClient(transport=transport, base_url="http://huixin.test") as http:
        yield http

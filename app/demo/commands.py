"""The demo as one command: serve with two workers, make the city, play the tour, stay up."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
import psutil
from httpx2 import TransportError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from app.demo.actions.guide import Guide, TourFailed
from app.demo.actions.tour import play_tour
from app.demo.clients import call, open_client
from app.kit.db.database import database_lifespan
from app.kit.process import surroundings
from app.kit.process.embedded import free_port
from app.kit.process.prepare import prepare_database
from app.kit.process.surroundings import die_with_parent
from app.sandbox.answers import ENVIRONMENT, TARGET
from app.settings import read_settings, var_folder
from app.town.city.actions.make import (
    are_rules_as_shipped,
    is_here,
    make_city,
    make_tour_officials,
    read_city,
    write_city,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.town.places.actions.places import MadeOfficial
    from app.town.shown import City

    Process = subprocess.Popen[bytes]

HOST, PORT, WORKERS = "127.0.0.1", 8000, 2
READY_SECONDS_MAX, STOP_SECONDS_MAX = 30, 35
LOOK_SECONDS, STAY_SECONDS = 0.05, 1
DEMO_FILE, SERVE_LOG, WORKER_LOG = "demo.json", "demo-serve.log", "demo-worker.log"
READY = 200
OTHER_RULES = (
    "导览讲的是出厂的计分规则，而这里现行的是别的规则；请用 huixin serve 启动服务\n"
    "the tour tells of the rules as shipped, and others are in force here; start the service with huixin serve"
)


@click.command()
@click.option("--once", is_flag=True, help="Exit after the tour.")
@click.option("--citizens", type=click.IntRange(100), default=20_000, show_default=True, help="Of a city not yet made.")
def demo(*, once: bool, citizens: int) -> None:
    """Make a demo city and play the main job in it."""
    with surroundings.whole_city(workers=WORKERS, sandbox=TARGET, sandbox_environment=ENVIRONMENT):
        prepare_database()
        run_demo(once=once, citizens=citizens)


def run_demo(*, once: bool, citizens: int) -> None:
    """Make the demo city unless it is there, play the tour, and stay up until Ctrl-C, or with ``once`` stop.

    Exits with 1 when the tour finds something that is not as promised.
    """
    if read_settings().environment == "production":
        raise SystemExit("the demo fills the city with people who are not real; not in production")
    guide, port = Guide(Console()), _choose_port()
    _greet(guide.console)
    serve = ("serve", "--workers", str(WORKERS), "--host", HOST, "--port", str(port))
    try:
        with _run(serve, SERVE_LOG) as server:
            _show(guide, f"http://{HOST}:{port}", server, citizens)
            if not once:
                with _run(("worker",), WORKER_LOG):
                    _stay(guide.console, server)
    except TourFailed as failure:
        guide.show_failure(failure)
        guide.say(f"服务日志：{var_folder() / SERVE_LOG}", "the service's log")
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        guide.console.print("\n  再见  bye")


def _show(guide: Guide, base_url: str, server: Process, citizens: int) -> None:
    """Prepare the city while the service starts, and play the tour."""
    city, officials = asyncio.run(_prepare(guide, base_url, citizens))
    asyncio.run(_wait_until_ready(base_url, server))
    asyncio.run(play_tour(base_url, city=city, officials=officials, guide=guide, kill_worker=_make_killer(server.pid)))
    console = guide.console
    console.print()
    console.rule(Text("导览结束", "bold green"), align="left", style="green")
    console.print(Text(f"    {guide.checks}项检查全部符合  all {guide.checks} checks hold", "green"))
    console.print()
    console.print(Text.assemble("  接口文档 docs      ", (f"{base_url}/docs", "bold")))
    console.print(Text.assemble("  试用凭证 log in    ", (os.fspath(var_folder() / DEMO_FILE), "bold")))


async def _prepare(guide: Guide, base_url: str, citizens: int) -> tuple[City, dict[str, MadeOfficial]]:
    """Make what is not there yet, and write down how to get in."""
    path = var_folder() / DEMO_FILE
    async with database_lifespan():
        if not await are_rules_as_shipped():
            raise SystemExit(OTHER_RULES)
        city = read_city(path)
        if city is None or not await is_here(city):
            city = await _make(guide, citizens)
        else:
            guide.say("惠信市已经在这里，不再重建", "the city is here already and is not made again")
        write_city(city, path, base_url=base_url)
        return city, await make_tour_officials()


async def _make(guide: Guide, citizens: int) -> City:
    columns = (TextColumn("  ·  {task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=guide.console, transient=True) as progress:
        task = progress.add_task("市民迁入惠信市  people move in", total=citizens)
        city = await make_city(citizens=citizens, moved_in=lambda count: progress.advance(task, count))
    guide.say(
        f"惠信市建成：{citizens:,}位虚构市民，{len(city.partners)}家机构，{len(city.benefits)}项激励措施",
        f"a city is made: {citizens:,} people who are not real, {len(city.partners)} institutions, "
        f"{len(city.benefits)} benefits",
    )
    return city


@contextmanager
def _run(arguments: tuple[str, ...], log_name: str) -> Iterator[Process]:
    """Run a command of ours as a process of its own, with its log in a file, and stop it in the end."""
    command = [sys.executable, "-m", "app.cli", *arguments]
    with (var_folder() / log_name).open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, stdout=log, stderr=log, start_new_session=True, preexec_fn=die_with_parent  # noqa: PLW1509
        )  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            process.wait(STOP_SECONDS_MAX)


async def _wait_until_ready(base_url: str, server: Process) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    async with open_client(base_url) as http:
        while time.monotonic() < deadline and server.poll() is None:
            try:
                if (await call(http, "GET", "/health/ready")).status == READY:
                    return
            except TransportError:
                pass
            await asyncio.sleep(LOOK_SECONDS)
    raise SystemExit(f"the service did not start; see {var_folder() / SERVE_LOG}")


def _make_killer(server_pid: int) -> Callable[[], int]:
    def kill_worker() -> int:
        """Kill the first worker, without a word, and return its process id."""
        worker = psutil.Process(server_pid).children()[0]
        worker.send_signal(signal.SIGKILL)
        return worker.pid

    return kill_worker


def _choose_port() -> int:
    """Return the usual port, or a free one when somebody has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, PORT))
        except OSError:
            return free_port()
    return PORT


def _greet(console: Console) -> None:
    console.print()
    console.print(Text.assemble(("惠信 Huixin", "bold"), "  守信有惠：一次扫码，一次核销，不多不少"))
    console.print(Text("What good credit earns: one scan, one redemption, exactly once", "dim"))
    console.print()


def _stay(console: Console, server: Process) -> None:
    console.print(Text("\n  按 Ctrl-C 结束  press Ctrl-C to stop"))
    while server.poll() is None:
        time.sleep(STAY_SECONDS)
    raise SystemExit(f"the service has ended; see {var_folder() / SERVE_LOG}")

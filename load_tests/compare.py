"""This checkout beside another one, in turns: ``python -m load_tests.compare ../before``.

A machine is not equally fast all the time, so "before" and "after" are only compared when they take turns. The load is
this checkout's; the other one, with a .venv of its own, makes its city and serves. Each side has servers and data of
its own. Beside the rates it shows the CPU of each request, which a busy machine changes less.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import click
import msgspec
import uvloop

from app.kit.clock import uuid7
from app.kit.process.embedded import free_port
from load_tests.city import City
from load_tests.client import run_closed, run_open
from load_tests.grown import watching
from load_tests.loads import code_issues, redemptions, score_reads
from load_tests.servers import FOLDER, ROOT, cpu_seconds, postmaster_of, serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from load_tests.client import Result

SIDE = Path(__file__).parent / "compare_side.py"
CLIENTS, OPEN_RATE = 64, 1_000
WARM_UP_SECONDS = 2.0
START_TRIES_MAX = 3
SUCCESSES = {200, 201}
RECORDS_EACH, IMPORT_ROWS = 10, 250_000


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """A checkout that serves its city."""

    root: Path
    python: str
    settings: dict[str, str]
    city: City
    code_key: bytes
    port: int
    pid: int


class Cost(msgspec.Struct, frozen=True):
    """What a turn gave, in its own unit, and the CPU of each item in microseconds: service, then PostgreSQL."""

    value: float
    service_us: float
    postgres_us: float


@click.command()
@click.argument("other", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--python", "other_python", default="", help="The other checkout's Python; its own .venv's when empty.")
@click.option("--loads", default="redeem,hot,score,codes", show_default=True, help="Also: open, recompute, import.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=4.0, show_default=True, help="Length of each turn.")
@click.option("--workers", default=1, show_default=True)
@click.option("--citizens", default=250_000, show_default=True, help="Of the city for recompute and import.")
def main(other: Path, other_python: str, loads: str, rounds: int, seconds: float, workers: int, citizens: int) -> None:
    """Measure OTHER, which is "before", and this checkout, which is "after", and print the medians of both."""
    other = other.resolve()
    folder = FOLDER / "compare"
    shutil.rmtree(folder, ignore_errors=True)
    with ExitStack() as stack:
        before = stack.enter_context(
            serve(other, other_python or str(other / ".venv" / "bin" / "python"), folder / "before", workers)
        )
        after = stack.enter_context(serve(ROOT, sys.executable, folder / "after", workers))
        for name in loads.split(","):
            turn = LOADS[name]
            for side in (before, after):
                prepare_load(side, name, citizens)
            costs = take_turns(partial(turn, seconds=seconds), before, after, rounds)
            click.echo(describe(name, *costs))


def take_turns(turn: Callable[[Side], Cost], before: Side, after: Side, rounds: int) -> tuple[list[Cost], list[Cost]]:
    """Let both have so many turns, each going first in every other round."""
    took: dict[int, list[Cost]] = {before.pid: [], after.pid: []}
    for number in range(rounds):
        for side in (before, after) if number % 2 == 0 else (after, before):
            took[side.pid].append(turn(side))
    return took[before.pid], took[after.pid]


def describe(name: str, before: list[Cost], after: list[Cost]) -> str:
    """Return the medians of both sides and the median of the ratios of the rounds."""

    def show(values: Callable[[Cost], float]) -> str:
        sides = [statistics.median(map(values, side)) for side in (before, after)]
        ratio = statistics.median(values(b) / max(values(a), 1e-9) for a, b in zip(before, after, strict=True))
        return f"{sides[0]:10,.1f} -> {sides[1]:10,.1f}  x {ratio:5.2f}"

    ratios = sorted(round(b.value / a.value, 2) for a, b in zip(before, after, strict=True))
    return (
        f"{name:9} {UNITS[name]:5} {show(lambda cost: cost.value)}  {ratios}\n"
        f"          CPU of each, µs: service {show(lambda cost: cost.service_us)};"
        f" PostgreSQL {show(lambda cost: cost.postgres_us)}"
    )


@contextmanager
def serve(root: Path, python: str, folder: Path, workers: int) -> Iterator[Side]:
    """Let a checkout make servers and a city, and serve it."""
    with ExitStack() as stack:
        made = make_city(stack, root, python, folder)
        port = free_port()
        command = [python, "-m", "app.cli", "serve", "--workers", str(workers), "--port", str(port)]
        served = stack.enter_context(serving(command, port, cwd=root, **made["settings"]))
        yield Side(
            root=root, python=python, settings=made["settings"], city=msgspec.convert(made["city"], City),
            code_key=bytes.fromhex(made["code_key"]), port=port, pid=served.pid,
        )  # fmt: skip


def make_city(stack: ExitStack, root: Path, python: str, folder: Path) -> dict[str, Any]:
    """Start a checkout's helper, which ends when its stdin is closed; an old one may lose a race for a port."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for _ in range(START_TRIES_MAX):
        with (FOLDER / "side.log").open("ab") as log:
            helper = subprocess.Popen(  # noqa: S603 - our own file; -P: not its folder's modules but the checkout's
                [python, "-P", SIDE, folder], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                env=environment_of(root),
            )  # fmt: skip
        stack.callback(helper.communicate)
        assert helper.stdout is not None
        if (line := helper.stdout.readline()).startswith(b"{"):
            made: dict[str, Any] = msgspec.json.decode(line)
            return made
    raise SystemExit(f"{root} made no city; see {FOLDER / 'side.log'}")


def environment_of(root: Path) -> dict[str, str]:
    """Return an environment in which Python finds a checkout's modules, and nobody's settings."""
    passed_on = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "USER")
    return {name: os.environ[name] for name in passed_on if name in os.environ} | {"PYTHONPATH": str(root)}


def prepare_load(side: Side, name: str, citizens: int) -> None:
    """Warm up, or make the people a command is about."""
    if name not in COMMANDS:
        LOADS[name](side, seconds=WARM_UP_SECONDS)
        return
    run(side, "city", "generate", "--citizens", str(citizens), "--records", str(citizens * RECORDS_EACH), "--no-score")
    file = Path(side.settings["HUIXIN_VAR"]) / "records.csv"
    if name == "import" and not file.exists():
        run(side, "city", "file", "--rows", str(IMPORT_ROWS), "--citizens", str(citizens), "--out", str(file))


def run(side: Side, *arguments: str) -> str:
    """Run a verb of a checkout to its end."""
    done = subprocess.run(  # noqa: S603 - our own command
        [side.python, "-m", "app.cli", *arguments], cwd=side.root, check=False, capture_output=True, text=True,
        env=environment_of(side.root) | side.settings,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{side.root}: huixin {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


def load_redeem(side: Side, *, seconds: float, is_hot: bool = False) -> Cost:
    """Redeem as fast as it goes."""
    tills = [side.city.hot] if is_hot else side.city.tills
    requests = redemptions(side.city.accounts, tills, key=side.code_key)
    return measure(side, lambda: run_closed(side.port, requests, clients=CLIENTS, seconds=seconds), redeems=seconds)


def load_open(side: Side, *, seconds: float) -> Cost:
    """Redeem at a fixed rate; the value is the 99th percentile in milliseconds."""
    requests = redemptions(side.city.accounts, side.city.tills, key=side.code_key)

    def turn() -> Awaitable[Result]:
        return run_open(side.port, requests, rate=OPEN_RATE, clients=2 * CLIENTS, seconds=seconds)

    return measure(side, turn, redeems=seconds, rate=OPEN_RATE, value=lambda result: result.p99_ms)


def load_phone(side: Side, *, seconds: float, requests: Callable[[City], Iterator[bytes]]) -> Cost:
    """Read scores or issue codes as fast as it goes."""
    return measure(side, lambda: run_closed(side.port, requests(side.city), clients=CLIENTS, seconds=seconds))


def measure(
    side: Side,
    turn: Callable[[], Awaitable[Result]],
    *,
    redeems: float = 0,
    rate: float = 0,
    value: Callable[[Result], float] = lambda result: result.rate,
) -> Cost:
    """Run a load against a side, and see what it took of the CPU and whether it did what it says."""

    async def run_load() -> Result:
        if not redeems:
            return await turn()
        async with watching(side.settings["DATABASE_URL"]) as growth:
            result = await turn()
            growth.expect(sum(result.statuses.values()), rate=rate or result.rate, seconds=redeems, what=str(side.root))
        return result

    before = cpu_of(side)
    result = uvloop.run(run_load())
    after = cpu_of(side)
    if set(result.statuses) - SUCCESSES:
        raise SystemExit(f"{side.root} answered {result.statuses}")
    items = sum(result.statuses.values())
    return Cost(value(result), *((b - a) / items * 1e6 for a, b in zip(before, after, strict=True)))


def run_recompute(side: Side, *, seconds: float) -> Cost:  # noqa: ARG001 - it takes as long as it takes
    """Score everybody; the value is citizens a second."""
    return measure_command(side, ("score", "recompute"), "SELECT count(*) FROM score_snapshot")


def run_import(side: Side, *, seconds: float) -> Cost:  # noqa: ARG001
    """Import a file under a source nobody has used; the value is rows a second."""
    source = f"bench-{uuid7().hex[-8:]}"
    run(side, "records", "register", source, "--title-zh", "测", "--title-en", "bench")
    file = str(Path(side.settings["HUIXIN_VAR"]) / "records.csv")
    rows = f"SELECT (counts ->> 'received')::bigint FROM record_import WHERE source = '{source}'"  # noqa: S608
    return measure_command(side, ("records", "import", file, "--source", source), rows)


def measure_command(side: Side, arguments: tuple[str, ...], count: str) -> Cost:
    """Run a verb, see what it took of the CPU, and ask the database how many items that was."""
    before, mine, begin = cpu_of(side), resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    run(side, *arguments)
    elapsed = time.perf_counter() - begin
    after, spent = cpu_of(side), resource.getrusage(resource.RUSAGE_CHILDREN)
    items = uvloop.run(ask(side, count))
    if not items:
        raise SystemExit(f"{side.root}: {' '.join(arguments)} did nothing")
    service = spent.ru_utime + spent.ru_stime - mine.ru_utime - mine.ru_stime
    return Cost(items / elapsed, service / items * 1e6, (after[1] - before[1]) / items * 1e6)


async def ask(side: Side, sql: str) -> int:
    """Ask a side's database for a number."""
    connection = await asyncpg.connect(side.settings["DATABASE_URL"])
    value = await connection.fetchval(sql)
    await connection.close()
    return int(value or 0)


def cpu_of(side: Side) -> tuple[float, float]:
    """Return the seconds of CPU that a side's service and its PostgreSQL have taken so far."""
    return cpu_seconds(side.pid), cpu_seconds(postmaster_of(Path(side.settings["HUIXIN_VAR"])))


LOADS: dict[str, Callable[..., Cost]] = {
    "redeem": load_redeem, "hot": partial(load_redeem, is_hot=True), "open": load_open,
    "score": partial(load_phone, requests=score_reads), "codes": partial(load_phone, requests=code_issues),
    "recompute": run_recompute, "import": run_import,
}  # fmt: skip
UNITS = dict.fromkeys(LOADS, "/s") | {"open": "p99ms"}
COMMANDS = {"recompute", "import"}

if __name__ == "__main__":
    main()

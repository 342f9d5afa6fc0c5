"""What citizens and tills feel while long work runs at its gentle pace, and what the pace costs that work."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from typing import TYPE_CHECKING

from app.kit.process.embedded import free_port
from load_tests.city import make_city
from load_tests.client import run_closed, run_open
from load_tests.command import start_command
from load_tests.figure import Figure
from load_tests.figures_import import FEW_ROWS, make_file, register_source
from load_tests.loads import redemptions, score_reads
from load_tests.servers import serve_huixin, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from load_tests.city import City
    from load_tests.client import Result

READS_PER_SECOND = 500
READ_CLIENTS, TILL_CLIENTS = 64, 64
SECONDS, WARM_UP_SECONDS, STOP_SECONDS_MAX = 8.0, 3.0, 30
READ_P99_MS_MAX, REDEEM_SHARE = 50, 0.7


async def measure_gentle(database_url: str, citizens: int) -> list[Figure]:
    """Read scores and redeem with nothing else running, beside a gentle import, and beside a gentle recompute."""
    city = await make_city(database_url)
    port = free_port()
    file = str(make_file(citizens, FEW_ROWS))
    figures = []
    with serving(serve_huixin(port, 1), port):
        await _load(port, city, WARM_UP_SECONDS)
        alone = await _load(port, city, SECONDS)
        for name, arguments in (
            ("import", ("records", "import", file, "--source", register_source(), "--gentle")),
            ("recompute", ("score", "recompute", "--gentle")),
        ):
            with _running(*arguments) as work:
                await asyncio.sleep(WARM_UP_SECONDS)  # past its start
                reads, redeemed = await _load(port, city, SECONDS)
                is_over = work.poll() is not None
            figures += _make_figures(name, reads, redeemed, alone, is_over=is_over)
    return figures


async def _load(port: int, city: City, seconds: float) -> tuple[Result, Result]:
    """Read scores at a fixed rate; then redeem as fast as it goes."""
    reads = await run_open(port, score_reads(city), rate=READS_PER_SECOND, clients=READ_CLIENTS, seconds=seconds)
    redeemed = await run_closed(port, redemptions(city.accounts, city.tills), clients=TILL_CLIENTS, seconds=seconds)
    return reads, redeemed


def _make_figures(
    name: str, reads: Result, redeemed: Result, alone: tuple[Result, Result], *, is_over: bool
) -> list[Figure]:
    """Compare with what the same loads did alone; a work that was over before the load proves nothing."""
    clean = not is_over and set(reads.statuses) == {200} and set(redeemed.statuses) == {201}
    return [
        Figure(
            name=f"reads p99 beside a gentle {name}", workers=1, value=reads.p99_ms, unit="ms", is_upper_bound=True,
            asked=READ_P99_MS_MAX, is_clean=clean,
            detail={"alone_p99_ms": round(alone[0].p99_ms, 1), "p50_ms": round(reads.p50_ms, 1)},
        ),
        Figure(
            name=f"redeem beside a gentle {name}", workers=1, value=redeemed.rate, unit="/s", ceiling=alone[1].rate,
            ceiling_name="alone", asked=REDEEM_SHARE, is_clean=clean, detail={"statuses": redeemed.statuses},
        ),
    ]  # fmt: skip


@contextlib.contextmanager
def _running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a verb beside the block, and stop it by its id afterwards: it may be stopped anywhere."""
    process = start_command(*arguments)
    try:
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=STOP_SECONDS_MAX)
        if process.poll() is None:
            process.kill()
            process.communicate()

"""The figures: of all workers, on a port of the operator's, cheap whoever died before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from app.kit.process.embedded import free_port
from app.kit.process.figures import FigureServer, fold_dead, show_figures
from app.kit.process.surroundings import METRICS_VARIABLE
from tests.kit.process.test_connections import serving
from tests.support.waiting import wait_until
from tests.support.wire import GET, Heard, ask_once, connect

ASK = b"GET /metrics HTTP/1.1\r\nHost: huixin.test\r\n\r\n"
DEAD = 300
LIVE_ROUTE = 'huixin_request_seconds_count{method="GET",route="/health/live",status="200"} '
pytestmark = pytest.mark.xdist_group("supervisor")


def count_in_a_process(folder: Path, times: int) -> None:
    """Count requests in a process that then ends."""
    count = textwrap.dedent(
        """
        import asyncio, sys
        from app.kit.web.status import note_request, write_noted
        for _ in range(int(sys.argv[1])):
            note_request({"path_template": "/shared"}, "GET", 200, 0.01)
        asyncio.run(write_noted())
        """
    )
    subprocess.run(
        [sys.executable, "-c", count, str(times)], env={**os.environ, METRICS_VARIABLE: str(folder)}, check=True
    )


def numbers(text: bytes) -> list[str]:
    return sorted(line for line in text.decode().splitlines() if not line.startswith("#"))


def test_workers_are_shown_as_one_and_dead_ones_are_added_up(tmp_path: Path) -> None:
    count_in_a_process(tmp_path, 2)
    count_in_a_process(tmp_path, 3)
    shown = show_figures(tmp_path)
    assert b'huixin_request_seconds_count{method="GET",route="/shared",status="200"} 5\n' in shown
    for _ in range(2):
        fold_dead(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["requests_0.json"]
        assert numbers(show_figures(tmp_path)) == numbers(shown)
    count_in_a_process(tmp_path, 4)
    fold_dead(tmp_path)
    assert b'route="/shared",status="200"} 9\n' in show_figures(tmp_path)


def test_however_many_died_there_is_one_file_to_read(tmp_path: Path) -> None:
    count_in_a_process(tmp_path, 1)
    (made,) = tmp_path.iterdir()
    free = (number for number in range(4_000_000, 4_194_304) if not psutil.pid_exists(number))
    for number in [next(free) for _ in range(DEAD - 1)]:
        made.with_name(f"requests_{number}.json").write_bytes(made.read_bytes())
    mine = made.with_name(f"requests_{os.getpid()}.json")
    mine.write_bytes(made.read_bytes())
    fold_dead(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"requests_0.json", mine.name}
    assert f'route="/shared",status="200"}} {DEAD + 1}\n'.encode() in show_figures(tmp_path)


def test_a_broken_file_of_the_dead_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "requests_4194303.json").write_bytes(b"\x00\x01")
    figures = FigureServer(tmp_path, "127.0.0.1", free_port(), is_needed=True)
    figures.fold()
    assert (tmp_path / "requests_4194303.json").exists()


def test_a_taken_port_is_said_so_where_figures_are_needed(tmp_path: Path) -> None:
    port = free_port()
    first = FigureServer(tmp_path, "127.0.0.1", port, is_needed=True)
    with pytest.raises(SystemExit, match="for the figures"):
        FigureServer(tmp_path, "127.0.0.1", port, is_needed=True)
    FigureServer(tmp_path, "127.0.0.1", port, is_needed=False).serve(0.0)
    first.serve(0.0)


async def ask_for(port: int, asked: bytes = ASK) -> Heard:
    return await ask_once(port, asked)


@pytest.mark.usefixtures("app")
async def test_the_operator_has_a_port_and_the_public_none(monkeypatch: pytest.MonkeyPatch) -> None:
    figures_port = free_port()
    monkeypatch.setenv("METRICS_PORT", str(figures_port))
    with serving() as (server, port):
        assert (await ask_for(port)).status == 404
        for _ in range(20):
            assert (await ask_once(port)).status == 200
        slow = await connect(figures_port)  # somebody who connects and says nothing

        async def count() -> float:
            heard = await ask_for(figures_port)
            assert (heard.status, heard.headers["x-content-type-options"]) == (200, "nosniff")
            lines = heard.body.decode().splitlines()
            return sum(float(line.removeprefix(LIVE_ROUTE)) for line in lines if line.startswith(LIVE_ROUTE))

        async def has_counted() -> bool:
            return await count() >= 20

        await wait_until(has_counted)
        slow.close()
        for status, asked in ((404, GET), (404, b"GET / HTTP/1.1\r\n\r\n"), (405, ASK.replace(b"GET", b"POST"))):
            assert (await ask_for(figures_port, asked)).status == status
        victim = server.worker_pids()[0]
        os.kill(victim, signal.SIGKILL)
        await wait_until(lambda: len(server.worker_pids()) == 2 and victim not in server.worker_pids())
        assert await count() >= 20, "what a dead worker counted still counts"

"""The proxy configuration we ship, run as it is: what it lets through, what it says of callers, whom it waits for."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sysconfig
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from app.kit.process.embedded import free_port
from app.kit.process.supervisor import HEADERS_SECONDS_MAX
from tests.kit.process.test_connections import ATTACKERS, GOOD_SECONDS_MAX, LATE_SECONDS_MAX, serving
from tests.support.waiting import wait_until
from tests.support.wire import HALF_BODY, HALF_HEADERS, ask_once, connect, flood, hang_up

CADDYFILE = Path(__file__).parents[3] / "docs" / "Caddyfile"
CADDY = Path(sysconfig.get_path("scripts")) / "caddy"
PROXY_HEADER_SECONDS_MAX = 10
pytestmark = pytest.mark.xdist_group("supervisor")


@contextmanager
def proxying(upstream: int, folder: Path) -> Iterator[int]:
    """Run Caddy with our configuration in front of a port; yield its own."""
    port = free_port()
    given = {"HUIXIN_SITE": f"http://huixin.test:{port}", "HUIXIN_UPSTREAM": f"127.0.0.1:{upstream}"}
    command = [str(CADDY), "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"]
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    process = subprocess.Popen(command, env=os.environ | given | home, stderr=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(30)


async def until_it_listens(port: int) -> None:
    async def is_listening() -> bool:
        try:
            (await connect(port)).close()
        except OSError:
            return False
        return True

    await wait_until(is_listening)


class Upstream:
    """Stands where the service is, and keeps what it was sent."""

    def __init__(self) -> None:
        self.heads: list[str] = []

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
                writer.write(b'HTTP/1.1 200 OK\r\nETag: "7"\r\nContent-Length: 1000\r\n\r\n' + b"a" * 1000)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()


@asynccontextmanager
async def in_front_of_us(folder: Path) -> AsyncIterator[tuple[Upstream, int]]:
    upstream = Upstream()
    async with await asyncio.start_server(upstream.take, "127.0.0.1", 0) as server:
        with proxying(server.sockets[0].getsockname()[1], folder) as port:
            await until_it_listens(port)
            yield upstream, port


def make_get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: huixin.test", *headers, "", ""]).encode()


async def test_only_what_callers_need_passes(tmp_path: Path) -> None:
    async with in_front_of_us(tmp_path) as (upstream, port):
        for path in ("/v1/me", "/v1/official/records/imports", "/docs", "/docs/start.js", "/schema/openapi.json"):
            assert (await ask_once(port, make_get(path))).status == 200, path
        passed = len(upstream.heads)
        for path in ("/", "/metrics", "/health/ready", "/health/live", "/v1", "/nothing", "/v1/../metrics"):
            assert (await ask_once(port, make_get(path))).status == 404, path
        assert len(upstream.heads) == passed


async def test_an_answer_passes_as_it_is(tmp_path: Path) -> None:
    async with in_front_of_us(tmp_path) as (_, port):
        heard = await ask_once(port, make_get("/v1/me", "Accept-Encoding: gzip, br, zstd"))
    assert heard.headers["etag"] == '"7"', "strong: an edit can send it back"
    assert "content-encoding" not in heard.headers


async def test_the_proxy_says_whose_request_it_is_whatever_callers_say(tmp_path: Path) -> None:
    forged = ("X-Forwarded-For: 203.0.113.7", "X-Forwarded-For: 203.0.113.8, 127.0.0.9")
    async with in_front_of_us(tmp_path) as (upstream, port):
        await ask_once(port, make_get("/v1/me", *forged), "127.0.1.7")
    lines = [line for line in upstream.heads[0].lower().split("\r\n") if line.startswith("x-forwarded-for:")]
    assert lines == ["x-forwarded-for: 127.0.1.7"]


async def test_what_is_half_sent_stays_with_the_proxy(tmp_path: Path) -> None:
    async with in_front_of_us(tmp_path) as (upstream, port):
        lines = await flood(port, 100, HALF_BODY, "127.0.1.1")
        slow, silent = await connect(port), await connect(port)
        await slow.say(HALF_HEADERS)
        for seconds in await asyncio.gather(slow.seconds_until_it_ends(), silent.seconds_until_it_ends()):
            assert PROXY_HEADER_SECONDS_MAX - 1 < seconds < PROXY_HEADER_SECONDS_MAX + LATE_SECONDS_MAX
        assert upstream.heads == []
        await hang_up(lines)


def test_the_proxy_keeps_connections_shorter_than_the_service() -> None:
    (keepalive,) = (
        line.split()[1] for line in CADDYFILE.read_text().splitlines() if line.strip().startswith("keepalive ")
    )
    assert int(keepalive.removesuffix("s")) < HEADERS_SECONDS_MAX


@pytest.mark.usefixtures("app")
async def test_the_slow_attack_through_the_proxy_shuts_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXIES_TRUSTED", "1")
    with serving() as (_, upstream), proxying(upstream, tmp_path) as port:
        await until_it_listens(port)
        lines = await flood(port, ATTACKERS, HALF_BODY, "127.0.1.1")
        assert len(lines) == ATTACKERS
        for _ in range(100):
            begun = time.monotonic()
            heard = await ask_once(port, make_get("/v1/consents/current"), "127.0.1.2")
            assert (heard.status, heard.headers["x-content-type-options"]) == (200, "nosniff")
            assert time.monotonic() - begun < GOOD_SECONDS_MAX
        await hang_up(lines)

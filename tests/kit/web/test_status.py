"""Ready only when everything is, Valkey only ever degraded; figures by template and never by path."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import AsyncClient
from litestar import Litestar, get

from app.kit.db.database import execute, fetch_value
from app.kit.outside.valkey import VALKEY
from app.kit.process.counts import write_file
from app.kit.process.figures import show_figures
from app.kit.process.surroundings import METRICS_VARIABLE
from app.kit.web import status
from app.kit.web.edge import guard_edge
from app.kit.web.status import COUNTS, SLOW_SECONDS, UNMATCHED, count_noted, note_request
from app.settings import read_settings
from tests.support.waiting import wait_until


def figure(method: str, route: str, code: int) -> float:
    """Return how many requests of a route with a status were counted."""
    count_noted()
    wanted = f'huixin_request_seconds_count{{method="{method}",route="{route}",status="{code}"}} '
    lines = COUNTS.show().splitlines()
    return next((float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted)), 0.0)


async def test_alive_and_ready(client: AsyncClient) -> None:
    assert (await client.get("/health/live")).json() == {"status": "alive"}
    ready = await client.get("/health/ready")
    assert ready.status_code == 200
    assert ready.json()["status"] == "ready"
    assert ready.json()["partitionDaysAhead"] >= 1


async def test_without_valkey_the_service_is_degraded_and_ready(client: AsyncClient) -> None:
    await VALKEY.close()
    try:
        answer = await client.get("/health/ready")
    finally:
        VALKEY.open(read_settings().valkey_url)
    assert (answer.status_code, answer.json()["valkey"]) == (200, "degraded")


async def test_an_unmigrated_database_is_not_ready(client: AsyncClient) -> None:
    number = await fetch_value("DELETE FROM migration_applied WHERE number = '0001' RETURNING number")
    try:
        answer = await client.get("/health/ready", headers={"accept-language": "en"})
    finally:
        await execute("INSERT INTO migration_applied VALUES ($1)", number)
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert [reason["code"] for reason in answer.json()["reasons"]] == ["migrations"]


async def test_a_day_without_partitions_is_not_ready(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(_: object) -> int:
        return 0

    monkeypatch.setattr(status, "count_days_ahead", none)
    answer = await client.get("/health/ready")
    assert [reason["code"] for reason in answer.json()["reasons"]] == ["partitions"]


@pytest.mark.parametrize("error", [OSError, TimeoutError, ConnectionRefusedError])
async def test_a_silent_database_is_not_ready(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    async def fail() -> list[str]:
        raise error

    monkeypatch.setattr(status, "find_missing_migrations", fail)
    answer = await client.get("/health/ready")
    assert (answer.status_code, [reason["code"] for reason in answer.json()["reasons"]]) == (503, ["database"])


async def test_requests_are_counted_under_their_template(client: AsyncClient) -> None:
    path = f"/docs/{uuid4()}"
    before = figure("GET", "/docs/{name}", 404)
    for _ in range(3):
        await client.get(path)
    assert figure("GET", "/docs/{name}", 404) == before + 3
    assert path not in COUNTS.show()


async def test_what_no_route_takes_is_counted_as_one(client: AsyncClient) -> None:
    before = figure("GET", UNMATCHED, 404)
    secret = uuid4().hex
    await client.get(f"/{secret}")
    await client.request(secret.upper(), f"/{secret}")
    assert figure("GET", UNMATCHED, 404) == before + 1
    assert figure("OTHER", UNMATCHED, 404) >= 1
    assert secret not in COUNTS.show().lower()


async def test_figures_are_counted_by_themselves_soon(client: AsyncClient) -> None:
    await client.get(f"/docs/{uuid4()}")
    assert status._noted

    async def is_counted() -> bool:
        return not status._noted

    await wait_until(is_counted)


async def test_a_thread_writes_the_figures_one_write_after_another(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A slow disk holds up no request, and a file that two write at once would be neither's."""
    writers: list[int] = []
    let_go = threading.Event()

    def write_slowly(folder: Path, owner: int, encoded: bytes) -> None:
        writers.append(threading.get_ident())
        let_go.wait(30)
        write_file(folder, owner, encoded)

    monkeypatch.setenv(METRICS_VARIABLE, str(tmp_path))
    monkeypatch.setattr(status, "COUNT_SECONDS", 0)
    monkeypatch.setattr(status, "write_file", write_slowly)
    try:
        await client.get("/health/live")
        await wait_until(lambda: bool(writers))
        for _ in range(20):
            assert (await client.get("/health/live")).status_code == 200
        assert len(writers) == 1
    finally:
        let_go.set()
    await wait_until(lambda: len(writers) > 1)
    assert threading.get_ident() not in writers
    await wait_until(lambda: b"/health/live" in show_figures(tmp_path))


def test_a_bucket_holds_what_took_at_most_its_bound() -> None:
    seconds = [0.0, 0.001, 0.0011, 0.02, 0.02, 4.9, 5.0, 5.1, 600.0]
    for one in seconds:
        note_request({"path_template": "/together"}, "GET", 200, one)
    count_noted()
    shown = [line for line in COUNTS.show().splitlines() if 'route="/together"' in line]
    labels = 'method="GET",route="/together",status="200"'
    bounds = {"0.001": 2, "0.0025": 3, "0.005": 3, "0.01": 3, "0.025": 5, "0.05": 5, "0.1": 5, "0.25": 5, "0.5": 5,
              "1.0": 5, "2.5": 5, "5.0": 7, "+Inf": 9}  # fmt: skip
    buckets = [f'huixin_request_seconds_bucket{{le="{le}",{labels}}} {total}' for le, total in bounds.items()]
    assert shown[:-1] == [*buckets, f"huixin_request_seconds_count{{{labels}}} 9"]
    assert float(shown[-1].removeprefix(f"huixin_request_seconds_sum{{{labels}}} ")) == pytest.approx(sum(seconds))


@pytest.mark.parametrize(
    ("code", "seconds", "message"),
    [
        (200, 0.001, None),
        (404, 0.001, None),
        (499, SLOW_SECONDS - 0.001, None),
        (200, SLOW_SECONDS, "slow"),
        (500, 0.001, "failed"),
        (503, 9.0, "failed"),
        (408, 9.0, None),  # the caller took long
    ],
)
def test_only_what_failed_or_took_long_is_logged(
    code: int, seconds: float, message: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    scope = {"path_template": "/v1/x/{id}", "path": "/v1/x/secret", "state": {"trace_id": "t"}}
    with caplog.at_level(logging.INFO):
        note_request(scope, "GET", code, seconds)
    assert [record.getMessage() for record in caplog.records] == ([] if message is None else [message])
    for record in caplog.records:
        assert record.__dict__["route"] == "/v1/x/{id}"
        assert "secret" not in json.dumps(record.__dict__, default=str)


async def test_an_answer_that_never_began_counts_as_failed() -> None:
    @get("/", sync_to_thread=False)
    def nothing() -> None:
        return None

    app = Litestar([nothing], openapi_config=None, logging_config=None)

    async def crash(*_: Any) -> None:
        raise RuntimeError

    app.asgi_handler = crash
    guard_edge(app)
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "raw_path": b"/",
        "client": None,
        "path_template": "/crashes",
    }
    with pytest.raises(RuntimeError):
        await app.asgi_handler(scope, None, None)
    assert ("GET", "/crashes", 500) in status._noted

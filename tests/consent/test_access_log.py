"""The access log: who, when, why, what was disclosed; newest first, its citizen's only, in pages that do not move."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.consent.actions import insert_access
from app.consent.purposes import NewAccess
from app.kit.clock import now, uuid7
from app.kit.db.database import fetch_value, transaction
from app.kit.web.paging import encode_cursor
from app.redemption.till.redeeming import SCAN
from tests.support.citizens import log_in
from tests.support.partners import make_partner

if TYPE_CHECKING:
    from httpx2 import AsyncClient


async def read(client: AsyncClient, headers: dict[str, str], **query: Any) -> dict[str, Any]:
    answer = await client.get("/v1/me/access-log", headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_line_tells_who_when_why_and_what(client: AsyncClient) -> None:
    tokens, partner, at = await log_in(client), await make_partner(), now()
    await insert_access(
        [
            NewAccess(
                citizen_id=tokens.citizen_id, at=at, action=SCAN, outcome="ok", scenario="medical",
                institution_id=partner.institution_id, store_id=partner.store_ids[0],
                terminal_id=partner.terminal_ids[0], told=["eligible", "maskedName"],
            )
        ]
    )  # fmt: skip
    (line,) = (await read(client, tokens.headers))["data"]
    assert line.pop("id")
    assert line.pop("at").startswith(at.strftime("%Y-%m-%dT%H:%M"))
    assert line == {
        "institution": partner.name, "store": "网点0", "isByOfficial": False, "action": "scan",
        "scenario": "medical", "outcome": "ok", "told": ["eligible", "maskedName"],
    }  # fmt: skip


async def test_a_refused_try_and_an_officials_look_are_there_too(client: AsyncClient) -> None:
    tokens, at = await log_in(client), now()
    facts: dict[str, Any] = {"citizen_id": tokens.citizen_id, "action": SCAN}
    await insert_access(
        [
            NewAccess(at=at, outcome="credit_code_expired", **facts),
            NewAccess(at=at + timedelta(seconds=1), outcome="ok", official_id=uuid7(), **facts),
        ]
    )
    lines = (await read(client, tokens.headers))["data"]
    assert [line["outcome"] for line in lines] == ["ok", "credit_code_expired"]
    assert [line["isByOfficial"] for line in lines] == [True, False]
    assert [line["told"] for line in lines] == [[], []]


async def test_pages_are_newest_first_and_stable_under_inserts(client: AsyncClient) -> None:
    tokens, at = await log_in(client), now()
    same_instant = at - timedelta(minutes=5)
    facts: dict[str, Any] = {"citizen_id": tokens.citizen_id, "action": SCAN, "outcome": "ok"}
    moments = [at - timedelta(minutes=n) for n in range(5)] + [same_instant] * 6
    await insert_access(
        [
            NewAccess(citizen_id=tokens.citizen_id, at=m, action=SCAN, scenario=str(n), outcome="ok")
            for n, m in enumerate(moments)
        ]
    )
    seen: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    for _ in range(10):
        page = await read(client, tokens.headers, limit=3, **cursor)
        seen += page["data"]
        await insert_access([NewAccess(scenario="late", at=now(), **facts)])
        if not page["page"]["hasMore"]:
            break
        cursor = {"cursor": page["page"]["nextCursor"]}
    assert sorted(line["scenario"] for line in seen) == sorted(str(n) for n in range(11))
    assert [line["at"] for line in seen] == sorted((line["at"] for line in seen), reverse=True)
    assert len({line["id"] for line in seen}) == 11


async def test_a_citizen_reads_the_own_lines_only(client: AsyncClient) -> None:
    tokens, other = await log_in(client), await log_in(client)
    await insert_access([NewAccess(citizen_id=tokens.citizen_id, at=now(), action=SCAN, outcome="ok")])
    cursor = encode_cursor([now().isoformat(), uuid7()])
    assert (await read(client, other.headers))["data"] == []
    assert (await read(client, other.headers, cursor=cursor))["data"] == []
    assert len((await read(client, tokens.headers))["data"]) == 1
    assert (await client.get("/v1/me/access-log")).status_code == 401


@pytest.mark.parametrize(
    "cursor",
    [
        "x", "é", "AAAA", encode_cursor([]), encode_cursor(["2026-01-01T00:00:00", str(uuid7())]),
        encode_cursor(["soon", str(uuid7())]), encode_cursor(["2026-01-01T00:00:00Z", "x"]), encode_cursor(7),
    ],
)  # fmt: skip
async def test_a_cursor_of_no_list_is_refused(client: AsyncClient, cursor: str) -> None:
    tokens = await log_in(client)
    answer = await client.get("/v1/me/access-log", headers=tokens.headers, params={"cursor": cursor})
    assert answer.status_code == 400


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z"])
async def test_a_forged_cursor_far_away_is_refused(client: AsyncClient, at: str) -> None:
    tokens = await log_in(client)
    answer = await client.get(
        "/v1/me/access-log", headers=tokens.headers, params={"cursor": encode_cursor([at, str(uuid7())])}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x"])
async def test_limits_of_a_page(client: AsyncClient, limit: str) -> None:
    tokens = await log_in(client)
    answer = await client.get("/v1/me/access-log", headers=tokens.headers, params={"limit": limit})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


async def test_a_line_goes_with_its_transaction(client: AsyncClient) -> None:
    tokens = await log_in(client)
    with suppress(ZeroDivisionError):
        async with transaction():
            await insert_access([NewAccess(citizen_id=tokens.citizen_id, at=now(), action=SCAN, outcome="ok")])
            raise ZeroDivisionError
    assert await fetch_value("SELECT count(*) FROM access_log WHERE citizen_id = $1", tokens.citizen_id) == 0
    await insert_access([])

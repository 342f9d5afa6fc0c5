"""What is recorded about a citizen, read by that citizen: everything, of whatever state, newest event first."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from app.kit.clock import now
from app.kit.db.database import execute, transaction
from app.values.days import shanghai_day
from tests.support.citizens import join, log_in
from tests.support.histories import new_record
from tests.support.recording import put_records

if TYPE_CHECKING:
    from uuid import UUID

    from httpx2 import AsyncClient

RECORDS = "/v1/me/records"


async def get(client: AsyncClient, headers: dict[str, str], query: str = "", language: str = "zh-CN") -> Any:
    answer = await client.get(f"{RECORDS}{query}", headers={**headers, "Accept-Language": language})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


async def put(citizen_id: UUID, indicator: str | None = None, **facts: Any) -> None:
    async with transaction():
        sent = [new_record(citizen_id, indicator, **facts)]
        assert await put_records(sent, at=now(), entered_by=None) == ["accepted"]


async def test_every_fact_of_a_record(client: AsyncClient) -> None:
    member = await join(client)
    await put(
        member.id, "POS_AWARD", grade="city", source="civil-affairs", document="厦府〔2026〕1号",
        event_on=date(2026, 1, 5), ends_on=date(2026, 3, 1),
    )  # fmt: skip
    await put(member.id, honour="VOL_STAR", grade="3", event_on=date(2026, 2, 1))
    await put(member.id, "POS_VOL_HOURS", quantity=52, event_on=date(2025, 1, 5))
    mine = (await get(client, member.headers))["data"]
    assert [record["code"] for record in mine] == ["BASE_ID_VERIFIED", "VOL_STAR", "POS_AWARD", "POS_VOL_HOURS"]
    award = mine[2]
    assert award.pop("id")
    assert award.pop("enteredAt")
    assert award == {
        "kind": "indicator", "code": "POS_AWARD", "title": "表彰奖励", "grade": "city", "quantity": None,
        "source": "civil-affairs", "document": "厦府〔2026〕1号", "eventOn": "2026-01-05", "endsOn": "2026-03-01",
        "state": "active", "version": 1,
    }  # fmt: skip
    assert (mine[1]["kind"], mine[1]["title"], mine[1]["grade"]) == ("honour", "星级志愿者", "3")
    assert (mine[3]["quantity"], mine[3]["endsOn"]) == (52, None)
    english = (await get(client, member.headers, language="en"))["data"]
    assert [record["title"] for record in english[1:3]] == ["Star volunteer", "Commendation"]


async def test_records_of_whatever_state_are_shown(client: AsyncClient) -> None:
    member = await join(client)
    for state in ("suspended", "repaired", "corrected", "superseded"):
        await put(member.id, "POS_CLUE")
        await execute(
            "UPDATE record SET state = $2, version = 2 WHERE citizen_id = $1 AND indicator = 'POS_CLUE' "
            "AND state = 'active'",
            member.id,
            state,
        )
    states = [(record["state"], record["version"]) for record in (await get(client, member.headers))["data"]]
    assert set(states) == {
        ("active", 1), ("suspended", 2), ("repaired", 2), ("corrected", 2), ("superseded", 2),
    }  # fmt: skip


async def test_page_by_page_newest_event_first_stable_under_inserts(client: AsyncClient) -> None:
    member = await join(client)
    for month in range(1, 7):
        for _ in range(2):  # two of one day: the ids tell them apart
            await put(member.id, "POS_CLUE", event_on=date(2026, month, 5))
    seen: list[Any] = []
    cursor, pages = "", 0
    while True:
        page = await get(client, member.headers, f"?limit=5{cursor}")
        seen += page["data"]
        pages += 1
        await put(member.id, "POS_RESCUE", event_on=shanghai_day(now()))  # newer than what is being read
        if not page["page"]["hasMore"]:
            break
        cursor = f"&cursor={page['page']['nextCursor']}"
    assert pages == 3
    assert len({record["id"] for record in seen}) == len(seen) == 13
    assert [record["eventOn"] for record in seen] == sorted((record["eventOn"] for record in seen), reverse=True)


async def test_nobody_elses(client: AsyncClient) -> None:
    mine, theirs = await join(client), await join(client)
    await put(theirs.id, "POS_CLUE")
    cursor = (await get(client, theirs.headers, "?limit=1"))["page"]["nextCursor"]
    assert {record["code"] for record in (await get(client, mine.headers))["data"]} == {"BASE_ID_VERIFIED"}
    assert {record["code"] for record in (await get(client, mine.headers, f"?cursor={cursor}"))["data"]} <= {
        "BASE_ID_VERIFIED"
    }


async def test_who_leaves_leaves_nothing_to_read(client: AsyncClient) -> None:
    member = await join(client)
    await client.delete("/v1/me", headers=member.headers)
    assert (await client.get(RECORDS, headers=member.headers)).status_code == 401


@pytest.mark.parametrize("query", ["?limit=0", "?limit=101", "?limit=x", "?cursor=x", "?cursor=W10"])
async def test_wrong_pages(client: AsyncClient, query: str) -> None:
    member = await join(client)
    answer = await client.get(f"{RECORDS}{query}", headers=member.headers)
    assert answer.status_code == 400
    assert answer.json()["code"] in {"invalid_cursor", "invalid_request"}


async def test_who_may_not(client: AsyncClient) -> None:
    new = await log_in(client)
    answer = await client.get(RECORDS, headers=new.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_joined")
    assert (await client.get(RECORDS)).status_code == 401

"""What a citizen reads of their score, and the rules anybody may read."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from asyncpg import Connection
from asyncpg.pool import PoolConnectionProxy

from app.kit.clock import now
from app.kit.db.database import transaction
from app.kit.db.partitions import make_partitions
from app.record.catalogue import CATALOGUE
from app.score.book.standard import STANDARD_BOOK
from app.score.current.actions.rescore import rescore
from app.values.days import shanghai_day
from tests.support.citizens import join, log_in
from tests.support.histories import new_record
from tests.support.recording import put_records
from tests.support.redeeming import make_shopper

if TYPE_CHECKING:
    from uuid import UUID

    from httpx2 import AsyncClient

SCORE = "/v1/me/score"


async def get(client: AsyncClient, path: str, headers: dict[str, str], language: str = "zh-CN") -> Any:
    answer = await client.get(path, headers={**headers, "Accept-Language": language})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def put(citizen_id: UUID, *codes: str, at: datetime | None = None, **facts: Any) -> None:
    """Let records of today arrive as an import does."""
    at = at or now()
    records = [new_record(citizen_id, code, **{"event_on": shanghai_day(at), **facts}) for code in codes]
    async with transaction():
        await put_records(records, at=at, entered_by=None)
        await rescore([citizen_id], at=at)


async def test_who_joins_has_a_score_at_once(client: AsyncClient) -> None:
    member = await join(client)
    score = await get(client, SCORE, member.headers)
    assert score["value"] == 500 + 30 + 60
    assert score["level"] == {"code": "L2", "title": "中等"}
    assert score["ruleBook"] == {"code": "rating", "version": 1}
    assert score["next"] == {"level": "L3", "title": "良好", "pointsNeeded": 10}
    assert score["dimensions"][0] == {"code": "basic", "title": "基础信息", "points": 90, "floor": 0, "cap": 140}
    assert [d["code"] for d in score["dimensions"]] == ["basic", "positive", "usage", "negative", "repair"]
    assert date.fromisoformat(score["asOf"])


async def test_session_and_score_are_read_in_one_statement_by_all_who_wait(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [await make_shopper(score=600 + number) for number in range(12)]
    await get(client, SCORE, people[0].headers)  # the rule book has been read from here on
    asked: list[str] = []
    for kind in (Connection, PoolConnectionProxy):
        for name in ("fetch", "fetchrow", "fetchval", "execute"):
            monkeypatch.setattr(kind, name, note(asked, getattr(kind, name)))
    answers = await asyncio.gather(*(get(client, SCORE, one.headers) for one in people))
    assert [answer["value"] for answer in answers] == [600 + number for number in range(12)]
    about_people = [sql for sql in asked if "citizen_session" in sql or "score_snapshot" in sql]
    assert all("citizen_session" in sql and "score_snapshot" in sql for sql in about_people)
    assert 0 < len(about_people) < 12


def note(asked: list[str], ask: Any) -> Any:
    """Note every statement that is asked."""

    async def noting(self: Any, sql: str, *more: Any, **options: Any) -> Any:
        asked.append(sql)
        return await ask(self, sql, *more, **options)

    return noting


async def test_in_english(client: AsyncClient) -> None:
    member = await join(client)
    score = await get(client, SCORE, member.headers, "en-GB")
    assert (score["level"]["title"], score["dimensions"][0]["title"]) == ("fair", "Basics")
    explanation = await get(client, f"{SCORE}/explanation", member.headers, "en-GB")
    assert explanation["contributions"][0]["clause"].startswith("1.6 Months without an active negative record: after 0")


async def test_the_top_has_no_next_level(client: AsyncClient) -> None:
    member = await join(client)
    await put(member.id, "POS_AWARD", grade="nation", document="d")
    score = await get(client, SCORE, member.headers)
    assert (score["level"]["code"], score["next"]) == ("L5", None)


async def test_the_explanation_adds_up(client: AsyncClient) -> None:
    member, year = await join(client), shanghai_day(now()).year
    await put(member.id, "POS_SUPERVISE", "POS_SUPERVISE", "POS_SUPERVISE", "POS_SUPERVISE", "NEG_COURT_LISTED")
    await put(member.id, "POS_AWARD", grade="nation")
    await put(member.id, "NEG_FALSE_COMMIT", "NEG_FALSE_COMMIT")
    score = await get(client, SCORE, member.headers)
    explained = await get(client, f"{SCORE}/explanation", member.headers)
    points = [item["points"] for item in (*explained["contributions"], *explained["adjustments"])]
    assert explained["base"] + sum(points) == explained["total"] == score["value"] == 500 + 30 + 172 - 200 - 120
    assert explained["adjustments"] == [
        {"code": "annual_cap", "subject": "POS_SUPERVISE", "title": f"有效社会监督：年度上限 ({year})", "points": -4}
    ]
    first = explained["contributions"][0]
    assert (first["indicator"], first["title"], first["validUntil"]) == ("BASE_ID_VERIFIED", "实名核验通过", None)
    assert len(first["recordIds"]) == 1
    assert first["clause"] == "1.1 实名核验通过：存续期间+30分"
    repeats = [c["isRepeat"] for c in explained["contributions"] if c["indicator"] == "NEG_FALSE_COMMIT"]
    assert sorted(repeats) == [False, True]
    by_dimension = {d["code"]: d["points"] for d in score["dimensions"]}
    assert by_dimension == {"basic": 30, "positive": 172, "usage": 0, "negative": -320, "repair": 0}


async def test_the_explanation_of_a_score_of_another_day(client: AsyncClient) -> None:
    member = await join(client)
    await make_partitions(date(2021, 1, 5))
    await put(member.id, "POS_CLUE", event_on=date(2020, 1, 5), at=datetime(2021, 1, 5, tzinfo=UTC))
    score = await get(client, SCORE, member.headers)
    explained = await get(client, f"{SCORE}/explanation", member.headers)
    assert score["asOf"] == explained["asOf"] == "2021-01-05"
    assert score["value"] == explained["total"]
    clue = next(c for c in explained["contributions"] if c["indicator"] == "POS_CLUE")
    assert (clue["points"], clue["validUntil"]) == (4, "2021-01-05")


async def test_changes_newest_first_page_by_page(client: AsyncClient) -> None:
    member = await join(client)
    for code in ("POS_CLUE", "POS_REDLIST", "POS_RESCUE"):
        await put(member.id, code)
    seen: list[Any] = []
    cursor = ""
    while True:
        page = await get(client, f"{SCORE}/changes?limit=3{cursor}", member.headers)
        seen += page["data"]
        if not page["page"]["hasMore"]:
            break
        cursor = f"&cursor={page['page']['nextCursor']}"
    assert [(step["fromValue"], step["toValue"]) for step in seen] == [(614, 654), (594, 614), (590, 594), (None, 590)]
    assert [(step["fromLevel"], step["toLevel"]) for step in seen[:2]] == [("L3", "L4"), ("L2", "L3")]
    (reason,) = seen[0]["reasons"]
    assert reason == {"code": "appeared", "subject": "POS_RESCUE", "points": 40, "text": "新增：抢险救灾 +40分"}


@pytest.mark.parametrize("path", [SCORE, f"{SCORE}/explanation", f"{SCORE}/changes"])
async def test_who_has_not_joined_has_no_score(client: AsyncClient, path: str) -> None:
    new = await log_in(client)
    answer = await client.get(path, headers=new.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_joined")
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("query", ["cursor=x", "cursor=bm9wZQ", "limit=0", "limit=101", "limit=x"])
async def test_wrong_pages(client: AsyncClient, query: str) -> None:
    member = await join(client)
    answer = await client.get(f"{SCORE}/changes?{query}", headers=member.headers)
    assert answer.status_code == 400
    assert answer.json()["code"] in ("invalid_cursor", "invalid_request")


async def test_nobody_sees_anothers_changes(client: AsyncClient) -> None:
    mine, theirs = await join(client), await join(client)
    await put(theirs.id, "POS_CLUE")
    page = await get(client, f"{SCORE}/changes", theirs.headers)
    cursor_of_theirs = (await get(client, f"{SCORE}/changes?limit=1", theirs.headers))["page"]["nextCursor"]
    own = await get(client, f"{SCORE}/changes?cursor={cursor_of_theirs}", mine.headers)
    assert not {step["id"] for step in own["data"]} & {step["id"] for step in page["data"]}


async def test_anybody_may_read_the_rules(client: AsyncClient) -> None:
    book = await get(client, "/v1/rule-books/current", {})
    assert (book["code"], book["version"]) == (STANDARD_BOOK.code, STANDARD_BOOK.version)
    assert book["scale"] == {"base": 500, "min": 0, "max": 1000}
    assert [level["atLeast"] for level in book["levels"]] == [0, 500, 600, 650, 680]
    assert {indicator["code"] for indicator in book["indicators"]} == set(CATALOGUE.indicators)
    blood = next(indicator for indicator in book["indicators"] if indicator["code"] == "POS_BLOOD")
    assert (blood["values"][0]["points"], blood["annualCap"], blood["validityMonths"]) == (10, 20, 12)
    assert (
        blood["textZh"]
        == "2.4 无偿献血：每次+10分；自发生之日起12个月内有效；同一自然年合计不超过+20分；须本人单独同意"
    )
    assert {"E1", "E7", "E11"} <= {rule["clause"] for rule in book["engineRules"]}
    (publication,) = [rule for rule in book["engineRules"] if rule["clause"] == "E5"]
    assert "公示期不起算" in publication["zh"]
    assert "counts until it ends" in publication["en"]
    assert not {indicator["topic"] for indicator in book["indicators"]} & set(CATALOGUE.denied_topics)

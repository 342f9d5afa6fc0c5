"""A citizen's notices, read over HTTP; who may see it; what leaving takes away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.kit.clock import now
from app.kit.db.database import fetch_value, transaction
from app.notice.actions.notices import insert_notices
from app.notice.message import QUOTA_MAX, REPORTED_MAX
from app.sandbox.answers import ENVIRONMENT
from tests.support.citizens import Joined, join, log_in
from tests.support.notices import make_notice, store_notice

if TYPE_CHECKING:
    from httpx2 import AsyncClient

PATH = "/v1/me/notices"


async def read(client: AsyncClient, member: Joined, language: str = "zh", **query: Any) -> dict[str, Any]:
    answer = await client.get(PATH, params=query, headers=member.headers | {"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    counted = await client.get(f"{PATH}/unread", headers=member.headers)
    assert counted.status_code == 200
    body.update(counted.json())
    return body


async def test_the_newest_comes_first_page_by_page(client: AsyncClient) -> None:
    member = await join(client)
    assert await read(client, member) == {"data": [], "page": {"nextCursor": None, "hasMore": False}, "unread": 0}
    subjects = [str(await store_notice(member.id)) for _ in range(5)]
    first = await read(client, member, limit=3)
    assert first["unread"] == 5
    rest = await read(client, member, limit=3, cursor=first["page"]["nextCursor"])
    shown = [one["subjectId"] for one in first["data"] + rest["data"]]
    assert sorted(shown) == sorted(subjects)
    ids = [one["id"] for one in first["data"] + rest["data"]]
    assert ids == sorted(ids, reverse=True)
    assert rest["page"] == {"nextCursor": None, "hasMore": False}


@pytest.mark.parametrize(("language", "words"), [("zh", ("标题", "正文")), ("en", ("Title", "Body"))])
async def test_it_is_read_in_the_readers_language(client: AsyncClient, language: str, words: tuple[str, str]) -> None:
    member = await join(client)
    await store_notice(member.id)
    (one,) = (await read(client, member, language))["data"]
    assert (one["title"], one["body"]) == words


async def test_reading_is_noted_once(client: AsyncClient) -> None:
    member, other = await join(client), await join(client)
    await store_notice(member.id)
    (one,) = (await read(client, member))["data"]
    assert one["readAt"] is None
    path = f"{PATH}/{one['id']}/read"
    assert (await client.post(path, headers=other.headers)).status_code == 404
    for _ in range(2):
        answer = await client.post(path, headers=member.headers)
        assert (answer.status_code, answer.content) == (204, b"")
        body = await read(client, member)
        assert body["unread"] == 0
        first = body["data"][0]["readAt"]
    assert first == (await read(client, member))["data"][0]["readAt"]
    assert (await read(client, other))["data"] == []


async def test_a_subject_has_one_notice(client: AsyncClient) -> None:
    member = await join(client)
    notice = make_notice(member.id)
    for inserted in (1, 0):
        async with transaction():
            assert await insert_notices([notice], at=now()) == inserted
    assert len((await read(client, member))["data"]) == 1


async def test_a_notice_is_stored_in_the_transaction_of_its_fact(client: AsyncClient) -> None:
    member = await join(client)
    with pytest.raises(AssertionError):
        await insert_notices([make_notice(member.id)], at=now())


async def test_the_phone_reports_what_was_allowed(client: AsyncClient) -> None:
    member = await join(client)
    path = f"{PATH}/quota"
    template = {"template": "record", "wechatTemplateId": ENVIRONMENT["WECHAT_TEMPLATE_RECORD"]}
    before = (await client.get(path, headers=member.headers)).json()
    assert before["data"] == [template | {"remaining": 0}]
    for remaining in (1, 2):
        answer = await client.post(path, json={"template": "record"}, headers=member.headers)
        assert (answer.status_code, answer.json()) == (200, template | {"remaining": remaining})
    for _ in range(QUOTA_MAX):
        answer = await client.post(path, json={"template": "record", "count": REPORTED_MAX}, headers=member.headers)
    assert answer.json()["remaining"] == QUOTA_MAX


@pytest.mark.parametrize(
    "body",
    [
        {"template": "record", "count": 0}, {"template": "record", "count": REPORTED_MAX + 1}, {"template": "other"},
        {"count": 1}, {"template": "record", "count": -1},
    ],
)  # fmt: skip
async def test_a_report_within_limits(client: AsyncClient, body: dict[str, Any]) -> None:
    member = await join(client)
    assert (await client.post(f"{PATH}/quota", json=body, headers=member.headers)).status_code == 400


async def test_who_has_not_joined_allows_nothing(client: AsyncClient) -> None:
    tokens = await log_in(client)
    answer = await client.post(f"{PATH}/quota", json={"template": "record"}, headers=tokens.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_joined")


async def test_leaving_deletes_all_of_it(client: AsyncClient) -> None:
    member, other = await join(client), await join(client)
    for one in (member, other):
        await store_notice(one.id)
        await client.post(f"{PATH}/quota", json={"template": "record"}, headers=one.headers)
    assert (await client.delete("/v1/me", headers=member.headers)).status_code == 204
    for table in ("notice", "notice_quota"):
        count = f"SELECT count(*) FROM {table} WHERE citizen_id = $1"
        assert await fetch_value(count, member.id) == 0
        assert await fetch_value(count, other.id) == 1

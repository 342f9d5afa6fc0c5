"""Consent texts, separate consents, and what the score does with them."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from app.consent import actions as consent_actions
from app.consent.refusals import ConsentUnknown
from app.kit.clock import now
from app.kit.db.database import execute, fetch_value, transaction
from app.record.catalogue import NewRecord
from app.score.current.actions.rescore import rescore
from app.values.days import shanghai_day
from tests.support.citizens import join, log_in
from tests.support.recording import put_records

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from httpx2 import AsyncClient

BLOOD = {"purpose": "pos_blood", "version": 1}
GONE = {"purpose": "gone", "version": 1}
HAN = re.compile(r"[\u4e00-\u9fff]")


async def give_blood(citizen_id: UUID) -> None:
    """Let a donation be recorded, as its source would send it."""
    at = now()
    record = NewRecord(
        citizen_id=citizen_id, indicator="POS_BLOOD", honour=None, source="test", event_id=str(citizen_id),
        event_on=shanghai_day(at),
    )  # fmt: skip
    async with transaction():
        assert await put_records([record], at=at, entered_by=None) == ["accepted"]
        await rescore([citizen_id], at=at)


async def score_of(citizen_id: UUID) -> int:
    return int(await fetch_value("SELECT value FROM score_snapshot WHERE citizen_id = $1", citizen_id))


async def purposes_of(client: AsyncClient, headers: dict[str, str]) -> list[str]:
    return [given["purpose"] for given in (await client.get("/v1/me/consents", headers=headers)).json()["data"]]


async def test_everybody_reads_the_texts_required_ones_first(client: AsyncClient) -> None:
    body = (await client.get("/v1/consents/current")).json()
    assert body["page"] == {"nextCursor": None, "hasMore": False}
    texts = {text["purpose"]: text for text in body["data"]}
    assert list(texts) == ["join", "sensitive_information", "pos_blood", "pos_marrow"]
    for text in texts.values():
        assert set(text) == {"purpose", "version", "title", "text", "isRequired", "isSeparate"}
        assert text["isSeparate"] is not text["isRequired"]
        assert len(text["text"]) > 80
        assert HAN.search(text["title"])
    assert [text["isRequired"] for text in texts.values()] == [True, True, False, False]


async def test_the_texts_are_there_in_english(client: AsyncClient) -> None:
    body = (await client.get("/v1/consents/current", headers={"Accept-Language": "en-GB"})).json()
    for text in body["data"]:
        assert not HAN.search(text["title"] + text["text"])
        assert len(text["text"]) > 200


async def test_a_separate_consent_counts_at_once_and_stops_at_once(client: AsyncClient) -> None:
    member = await join(client)
    base = await score_of(member.id)
    await give_blood(member.id)
    assert await score_of(member.id) == base, "not without the separate consent"
    given = await client.post("/v1/me/consents", json=BLOOD, headers=member.headers)
    assert given.status_code == 200
    assert given.json() | {"givenAt": ""} == BLOOD | {"givenAt": "", "withdrawnAt": None}
    assert await score_of(member.id) > base
    withdrawn = await client.post("/v1/me/consents/pos_blood/withdraw", headers=member.headers)
    assert withdrawn.status_code == 200
    assert withdrawn.json()["withdrawnAt"] is not None
    assert await score_of(member.id) == base
    again = await client.post("/v1/me/consents", json=BLOOD, headers=member.headers)
    assert again.json()["withdrawnAt"] is None
    assert await score_of(member.id) > base


async def test_giving_and_withdrawing_twice_changes_nothing_more(client: AsyncClient) -> None:
    member = await join(client)
    first = await client.post("/v1/me/consents", json=BLOOD, headers=member.headers)
    second = await client.post("/v1/me/consents", json=BLOOD, headers=member.headers)
    assert first.json() == second.json()
    gone = [await client.post("/v1/me/consents/pos_blood/withdraw", headers=member.headers) for _ in range(2)]
    assert gone[0].json() == gone[1].json()
    events = (
        "SELECT array_agg(type ORDER BY at, id) FROM event WHERE citizen_id = $1 AND data ->> 'purpose' = 'pos_blood'"
    )
    assert await fetch_value(events, member.id) == ["consent.given.v1", "consent.withdrawn.v1"]


async def test_giving_many_times_at_once_is_one_consent(client: AsyncClient) -> None:
    member = await join(client)
    answers = await asyncio.gather(
        *(client.post("/v1/me/consents", json=BLOOD, headers=member.headers) for _ in range(6))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert await purposes_of(client, member.headers) == ["join", "pos_blood", "sensitive_information"]


@pytest.mark.parametrize("purpose", ["join", "sensitive_information"])
async def test_a_required_consent_is_withdrawn_by_leaving(client: AsyncClient, purpose: str) -> None:
    member = await join(client)
    answer = await client.post(f"/v1/me/consents/{purpose}/withdraw", headers=member.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "consent_required")
    assert "DELETE /v1/me" in answer.json()["detail"]
    assert purpose in await purposes_of(client, member.headers)


@pytest.mark.parametrize("purpose", ["pos_blood", "nose", "%20", "x" * 64])
async def test_what_was_never_given_cannot_be_withdrawn(client: AsyncClient, purpose: str) -> None:
    member = await join(client)
    answer = await client.post(f"/v1/me/consents/{purpose}/withdraw", headers=member.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"purpose": "nose", "version": 1}, 422, "consent_unknown"),
        ({"purpose": "pos_blood", "version": 2}, 422, "consent_unknown"),
        ({"purpose": "pos_blood", "version": 0}, 400, "invalid_request"),
        ({"purpose": "pos_blood"}, 400, "invalid_request"),
        ({"purpose": "", "version": 1}, 400, "invalid_request"),
        ({"purpose": "x" * 65, "version": 1}, 400, "invalid_request"),
        ({"purpose": "pos_blood", "version": 1, "scope": "all"}, 400, "invalid_request"),
    ],
)
async def test_only_what_is_in_force_can_be_accepted(
    client: AsyncClient, body: dict[str, Any], status: int, code: str
) -> None:
    member = await join(client)
    answer = await client.post("/v1/me/consents", json=body, headers=member.headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await purposes_of(client, member.headers) == ["join", "sensitive_information"]


async def test_who_has_not_joined_has_nothing_to_consent_to(client: AsyncClient) -> None:
    tokens = await log_in(client)
    for path, body in (("/v1/me/consents", BLOOD), ("/v1/me/consents/pos_blood/withdraw", None)):
        answer = await client.post(path, json=body, headers=tokens.headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_joined")
    assert await purposes_of(client, tokens.headers) == []


async def test_consents_are_their_citizens_only(client: AsyncClient) -> None:
    member, other = await join(client), await join(client)
    await client.post("/v1/me/consents", json=BLOOD, headers=member.headers)
    assert await purposes_of(client, other.headers) == ["join", "sensitive_information"]
    answer = await client.post("/v1/me/consents/pos_blood/withdraw", headers=other.headers)
    assert answer.status_code == 404
    assert "pos_blood" in await purposes_of(client, member.headers)
    assert (await client.get("/v1/me/consents")).status_code == 401


@asynccontextmanager
async def newer_text() -> AsyncIterator[None]:
    """Publish a second version of a text for a while."""
    copy = """
        INSERT INTO consent_text
        SELECT purpose, 2, title_zh, title_en, body_zh, body_en, is_required, now() FROM consent_text
         WHERE purpose = 'pos_marrow' AND version = 1
        """
    await execute(copy)
    yield
    await execute("DELETE FROM consent WHERE purpose = 'pos_marrow' AND version = 2")
    await execute("DELETE FROM consent_text WHERE purpose = 'pos_marrow' AND version = 2")


async def test_a_newer_text_is_shown_and_accepted_in_place_of_the_old(client: AsyncClient) -> None:
    headers = (await join(client)).headers
    old = await client.post("/v1/me/consents", json={"purpose": "pos_marrow", "version": 1}, headers=headers)
    assert old.status_code == 200
    async with newer_text():
        await accept_the_newer(client, headers)


async def accept_the_newer(client: AsyncClient, headers: dict[str, str]) -> None:
    texts = (await client.get("/v1/consents/current")).json()["data"]
    assert {text["purpose"]: text["version"] for text in texts}["pos_marrow"] == 2
    assert await marrow_of(client, headers) == [(1, False)]
    refused = await client.post("/v1/me/consents", json={"purpose": "pos_marrow", "version": 1}, headers=headers)
    assert refused.json()["code"] == "consent_unknown"
    await client.post("/v1/me/consents", json={"purpose": "pos_marrow", "version": 2}, headers=headers)
    assert await marrow_of(client, headers) == [(2, True)]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"purpose": "nose", "version": 1}, "/purpose"), ({"purpose": "pos_blood", "version": 9}, "/version")],
)
async def test_a_refused_consent_points_to_the_member_that_is_wrong(
    client: AsyncClient, body: dict[str, Any], pointer: str
) -> None:
    member = await join(client)
    answer = await client.post("/v1/me/consents", json=body, headers=member.headers)
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, "consent_unknown")]


async def test_a_consent_whose_purpose_is_no_longer_asked_for_is_still_shown(client: AsyncClient) -> None:
    member = await join(client)
    await execute("INSERT INTO consent_text VALUES ('gone', 1, '已停用', 'Gone', '文', 'T', false, now())")
    assert (await client.post("/v1/me/consents", json=GONE, headers=member.headers)).status_code == 200
    await execute("UPDATE consent_text SET published_at = now() + interval '1 day' WHERE purpose = 'gone'")
    try:
        answer = await client.get("/v1/me/consents", headers=member.headers)
        assert answer.status_code == 200, answer.text
        (shown,) = [given for given in answer.json()["data"] if given["purpose"] == "gone"]
        assert (shown["version"], shown["title"], shown["isCurrent"]) == (1, "已停用", False)
        assert (await client.post("/v1/me/consents/gone/withdraw", headers=member.headers)).status_code == 200
        assert "gone" not in await purposes_of(client, member.headers)
    finally:
        await execute("DELETE FROM consent WHERE purpose = 'gone'")
        await execute("DELETE FROM consent_text WHERE purpose = 'gone'")


async def marrow_of(client: AsyncClient, headers: dict[str, str]) -> list[tuple[int, bool]]:
    given = (await client.get("/v1/me/consents", headers=headers)).json()["data"]
    return [(one["version"], one["isCurrent"]) for one in given if one["purpose"] == "pos_marrow"]


async def test_a_text_of_the_future_is_not_in_force(client: AsyncClient) -> None:
    member = await join(client)
    async with transaction():
        await execute(
            "INSERT INTO consent_text VALUES ('later', 1, '后', 'Later', '后', 'L', false, now() + interval '1 day')"
        )
        with pytest.raises(ConsentUnknown):
            await consent_actions.check_consents([("later", 1)])
        await execute("DELETE FROM consent_text WHERE purpose = 'later'")
    assert "later" not in await purposes_of(client, member.headers)

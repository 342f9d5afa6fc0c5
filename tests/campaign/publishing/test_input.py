"""What an editor may send: refused with a stable code and a place, and nothing changed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from app.kit.clock import uuid7
from app.kit.db.database import execute, fetch_value
from tests.support.campaigns import PATH, Desk, act, benefit_body, campaign_body, draft, edit, make_desk, put_live

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response


async def post(client: AsyncClient, desk: Desk, *benefits: dict[str, Any], **changes: Any) -> Response:
    return await client.post(PATH, json=campaign_body(*benefits, **changes), headers=desk.editor.headers)


async def count_campaigns(desk: Desk) -> int:
    sql = "SELECT count(*) FROM campaign WHERE institution_id = $1"
    return int(await fetch_value(sql, desk.partner.institution_id))


def score(value: int) -> dict[str, Any]:
    return {"type": "scoreAtLeast", "value": value}


def ladder(first: int, count: int, name: str = "B") -> list[dict[str, Any]]:
    """Benefits with one threshold each, 20 apart."""
    return [benefit_body(code=f"{name}{n}", eligibility=score(first + 20 * n)) for n in range(count)]


PENALTY = {"type": "fine", "amountFen": 100}
MALFORMED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown field": ({"punishment": 1}, "/"),
    "no end": ({"endsAt": None}, "/endsAt"),
    "time without a zone": ({"startsAt": "2026-01-01T00:00:00"}, "/startsAt"),
    "title too long": ({"title": "字" * 81}, "/title"),
    "NUL in the title": ({"title": "a\x00b"}, "/title"),
    "benefits no list": ({"benefits": "all"}, "/benefits"),
    "seventh kind": ({"benefits": [benefit_body(kind="penalty")]}, "/benefits/0/kind"),
    "no such grant": ({"benefits": [benefit_body(grant=PENALTY)]}, "/benefits/0/grant"),
    "pay later": ({"benefits": [benefit_body(grant={"type": "payLater", "maxFen": 1})]}, "/benefits/0/grant"),
    "steps within steps": (
        {
            "benefits": [
                benefit_body(
                    grant={
                        "type": "steps",
                        "by": "score",
                        "steps": [{"atLeast": 600, "grant": {"type": "steps", "by": "score", "steps": []}}],
                    }
                )
            ]
        },
        "/benefits/0/grant/steps/0/grant",
    ),
    "number for text": ({"benefits": [benefit_body(title=5)]}, "/benefits/0/title"),
    "stock out of range": ({"benefits": [benefit_body(stock=10**12)]}, "/benefits/0/stock"),
    "stores no ids": ({"benefits": [benefit_body(stores=["x"])]}, "/benefits/0/stores/0"),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_malformed(client: AsyncClient, name: str) -> None:
    desk = await make_desk()
    change, pointer = MALFORMED[name]
    answer = await post(client, desk, **change)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), answer.text
    assert answer.json()["errors"][0]["pointer"].startswith(pointer), answer.text
    assert await count_campaigns(desk) == 0


async def test_a_hostile_body(client: AsyncClient) -> None:
    desk = await make_desk()
    headers = {**desk.editor.headers, "content-type": "application/json"}
    deep = b'{"type":"all","of":[' * 2000
    for body in (b"{", b"[]", b'"x"', b"", b'{"benefits":' + deep, b"\xff\xfe"):
        answer = await client.post(PATH, content=body, headers=headers)
        assert answer.status_code == 400, answer.text
    huge = campaign_body(summary="字" * 100_000)
    assert (await client.post(PATH, json=huge, headers=headers)).status_code == 413


async def test_a_broken_rule_names_code_and_place(client: AsyncClient) -> None:
    desk = await make_desk()
    english = {**desk.editor.headers, "Accept-Language": "en"}
    body = campaign_body(benefit_body(eligibility=score(655)), benefit_body(scenario="school"))
    answer = await client.post(PATH, json=body, headers=english)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "campaign_invalid")
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [
        ("/benefits/0/eligibility/value", "threshold_not_multiple"),
        ("/benefits/1/code", "benefit_code_repeated"),
        ("/benefits/1/scenario", "scenario_unknown"),
    ]
    assert problem["reasons"][0] == {"code": "threshold_not_multiple", "text": "thresholds are multiples of 10"}
    chinese = await client.post(PATH, json=body, headers=desk.editor.headers)
    assert chinese.json()["reasons"][0]["text"] == "分数门槛须为10的倍数"
    assert await count_campaigns(desk) == 0


async def test_stores_are_the_institutions_own(client: AsyncClient) -> None:
    desk, other = await make_desk(stores=2), await make_desk()
    own, foreign = [str(store) for store in desk.partner.store_ids], str(other.partner.store_ids[0])
    assert (await post(client, desk, benefit_body(code="B1", stores=own))).json()["benefits"][0]["stores"] == own
    answer = await post(client, desk, benefit_body(code="B2", stores=[own[0], foreign, str(uuid7())]))
    assert answer.status_code == 422
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [
        ("/benefits/0/stores/1", "store_unknown"),
        ("/benefits/0/stores/2", "store_unknown"),
    ]


@pytest.mark.parametrize("kind", ["all", "any"])
async def test_a_condition_of_nothing_is_refused(client: AsyncClient, kind: str) -> None:
    """All of nothing would be everybody, any of nothing nobody: neither is what an editor means."""
    desk = await make_desk()
    answer = await post(client, desk, benefit_body(eligibility={"type": kind, "of": []}))
    assert (answer.status_code, answer.json()["code"]) == (422, "campaign_invalid")
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/benefits/0/eligibility/of", "tree_empty")
    assert answer.json()["reasons"][0]["text"] == "并列条件至少1个"
    assert await count_campaigns(desk) == 0


async def test_a_code_belongs_to_one_campaign_of_the_institution(client: AsyncClient) -> None:
    desk, other = await make_desk(), await make_desk()
    first = await draft(client, desk, benefit_body(code="GYM"))
    answer = await post(client, desk, benefit_body(code="POOL"), benefit_body(code="GYM"))
    assert (answer.status_code, answer.json()["code"]) == (409, "benefit_code_taken")
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/benefits/1/code", "benefit_code_taken")
    assert error["detail"].startswith("GYM ")
    assert await count_campaigns(desk) == 1
    second = await draft(client, desk, benefit_body(code="POOL"))
    taken = await edit(client, desk.editor, second, campaign_body(benefit_body(code="GYM")))
    assert taken.status_code == 409
    elsewhere = await draft(client, other, benefit_body(code="GYM"))
    assert elsewhere["benefits"][0]["id"] != first["benefits"][0]["id"]


async def test_a_code_that_left_and_came_back_has_its_id(client: AsyncClient) -> None:
    desk = await make_desk()
    live = await put_live(client, desk, benefit_body(code="A"), benefit_body(code="B"))
    ids = {benefit["code"]: benefit["id"] for benefit in live["benefits"]}
    without = (await edit(client, desk.editor, live, campaign_body(benefit_body(code="B")))).json()
    assert [benefit["id"] for benefit in without["benefits"]] == [ids["B"]]
    again = (await edit(client, desk.editor, live, campaign_body(benefit_body(code="A")))).json()
    assert [benefit["id"] for benefit in again["benefits"]] == [ids["A"]]


async def test_racing_drafts_of_one_code(client: AsyncClient) -> None:
    desk = await make_desk()
    answers = await asyncio.gather(*(post(client, desk, benefit_body(code="ONE")) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert await count_campaigns(desk) == 1


async def test_an_edit_needs_the_current_etag(client: AsyncClient) -> None:
    desk = await make_desk()
    campaign = await draft(client, desk)
    path, headers = f"{PATH}/{campaign['id']}", desk.editor.headers
    seen = await client.get(path, headers=headers)
    assert seen.headers["etag"] == '"1"'

    async def put(if_match: str | None) -> tuple[int, str | None]:
        more = {} if if_match is None else {"If-Match": if_match}
        answer = await client.put(path, json=campaign_body(), headers={**headers, **more})
        return answer.status_code, answer.json().get("code")

    assert await put(None) == (428, "etag_missing")
    assert await put('"2"') == (412, "etag_stale")
    assert await put('W/"1"') == (412, "etag_stale")
    assert await put("x" * 201) == (400, "invalid_request")
    assert await put('"1"') == (200, None)
    assert await put('"1"') == (412, "etag_stale")
    submit = {**headers, "If-Match": '"1"'}
    assert (await client.post(f"{path}/submit", headers=submit)).status_code == 412
    answer = await client.post(f"{path}/submit", headers={**headers, "If-Match": '"2"'})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"3"')


async def test_a_campaign_whose_time_has_passed_is_not_approved(client: AsyncClient) -> None:
    desk = await make_desk()
    campaign = await draft(client, desk)
    await act(client, desk.editor, campaign, "submit")
    await execute(
        """UPDATE campaign_version SET document = document || '{"endsAt": "2020-01-02T00:00:00Z"}'::jsonb
           WHERE campaign_id = $1""",
        UUID(campaign["id"]),
    )
    answer = await act(client, desk.reviewer, campaign, "approve")
    assert answer.status_code == 422
    assert "period_over" in [error["code"] for error in answer.json()["errors"]]
    answer = await post(client, desk, benefit_body(code="OLD"), endsAt="2020-01-02T00:00:00Z")
    assert answer.status_code == 422


@pytest.mark.parametrize("body", [None, {}, {"note": " "}, {"note": "x" * 1001}, {"note": "a\x07"}, {"why": "x"}])
async def test_a_rejection_says_why(client: AsyncClient, body: dict[str, str] | None) -> None:
    desk = await make_desk()
    campaign = await draft(client, desk)
    await act(client, desk.editor, campaign, "submit")
    answer = await act(client, desk.reviewer, campaign, "reject", **(body or {}))
    assert (answer.status_code, answer.json()["code"]) in ((400, "invalid_request"), (400, "malformed_request"))


async def test_a_rejection_may_be_long(client: AsyncClient) -> None:
    desk = await make_desk()
    campaign = await draft(client, desk)
    await act(client, desk.editor, campaign, "submit")
    note = "字" * 998 + "\n。"
    answer = await act(client, desk.reviewer, campaign, "reject", note=note)
    assert (answer.status_code, answer.json()["decisionNote"]) == (200, note)

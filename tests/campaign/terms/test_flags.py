"""Words of the deny-list in campaigns: refused where certain, otherwise acknowledged by the official who approves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from app.campaign.review.schemas import ACKNOWLEDGED_MAX, WORD_CHARACTERS_MAX
from app.kit.db.database import fetch_value
from tests.support.campaigns import PATH, act, benefit_body, campaign_body, draft, edit, make_desk

if TYPE_CHECKING:
    from httpx2 import AsyncClient

HARMLESS = "电影票五折"
SERVICE = {"type": "service", "text": "失信人员加收五成"}
LOANS = {
    "type": "combine",
    "of": [{"type": "loans", "count": 1, "items": "入学资格证明"}, {"type": "freeMinutes", "minutes": 5}],
}
STEPS = {"type": "steps", "by": "score", "steps": [
    {"atLeast": 600, "grant": {"type": "service", "text": HARMLESS}},
    {"atLeast": 650, "grant": {"type": "voucher", "text": "列入黑名单者除外"}},
]}  # fmt: skip
DENIED: dict[str, tuple[dict[str, Any], str]] = {
    "a surcharge in the title": (campaign_body(title="失信人员加收五成"), "/title"),
    "with a blank and in full width": (campaign_body(title="失 信 人 员，加　收５成"), "/title"),
    "in the summary": (campaign_body(summary="信用优秀五折。\n失信被执行人禁止入内。"), "/summary"),
    "in a benefit's title": (campaign_body(benefit_body(title="积分入学")), "/benefits/0/title"),
    "in what everyone gets": (campaign_body(benefit_body(withoutScore="低分人员押金上浮")), "/benefits/0/withoutScore"),
    "in a service": (campaign_body(benefit_body(grant=SERVICE)), "/benefits/0/grant/text"),
    "in things lent": (campaign_body(benefit_body(grant=LOANS)), "/benefits/0/grant/of/0/items"),
    "in a step": (campaign_body(benefit_body(grant=STEPS)), "/benefits/0/grant/steps/1/grant/text"),
}


@pytest.mark.parametrize(("body", "pointer"), DENIED.values(), ids=DENIED.keys())
async def test_what_certainly_punishes_or_denies_cannot_be_drafted(
    client: AsyncClient, body: dict[str, Any], pointer: str
) -> None:
    desk = await make_desk()
    answer = await client.post(PATH, json=body, headers=desk.editor.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "campaign_invalid"), answer.text
    assert {(error["pointer"], error["code"]) for error in answer.json()["errors"]} == {(pointer, "word_denied")}
    checked = (await client.post(f"{PATH}/check", json=body, headers=desk.editor.headers)).json()
    assert {fault["pointer"] for fault in checked["faults"]} == {pointer}
    fine = await draft(client, desk)
    assert (await edit(client, desk.editor, fine, body)).status_code == 422


async def test_a_reviewer_acknowledges_every_flag(client: AsyncClient) -> None:
    desk = await make_desk()
    body = {"title": "宗教场所旁停车场优惠", "summary": "高考期间免费停车，不加收服务费"}
    campaign = await draft(client, desk, **body)
    await act(client, desk.editor, campaign, "submit")
    review = (await client.get(f"{PATH}/{campaign['id']}/review", headers=desk.reviewer.headers)).json()["review"]
    flags = {(flag["pointer"], flag["word"], flag["code"], flag["isCertain"]) for flag in review["flags"]}
    assert flags == {
        ("/title", "宗教", "religion_custom", False),
        ("/summary", "高考", "schooling", False),
        ("/summary", "加收", "surcharge", False),
    }
    inbox = (await client.get(f"{PATH}/inbox", params={"limit": 100}, headers=desk.reviewer.headers)).json()["data"]
    assert review["flags"] in [item["review"]["flags"] for item in inbox if item["campaign"]["id"] == campaign["id"]]
    for named in (None, [], ["宗教", "高考"]):
        sent = {} if named is None else {"acknowledgedFlags": named}
        refused = await act(client, desk.reviewer, campaign, "approve", **sent)
        assert (refused.status_code, refused.json()["code"]) == (422, "flags_not_acknowledged")
        missing = {"/title", "/summary"} if not named else {"/summary"}
        assert {error["pointer"] for error in refused.json()["errors"]} == missing
        assert "加收" in refused.text
    assert (
        await act(client, desk.reviewer, campaign, "approve", acknowledgedFlags=["宗教", "高考", "加收"])
    ).status_code == 200
    written = await fetch_value(
        "SELECT detail->'acknowledgedFlags' FROM audit_entry WHERE action = 'campaign.approve' AND subject = $1",
        f"campaign:{UUID(campaign['id'])}",
    )
    assert "宗教" in written
    assert "/summary" in written


async def test_a_campaign_without_flags_is_approved_without_a_body(client: AsyncClient) -> None:
    desk = await make_desk()
    campaign = await draft(client, desk)
    await act(client, desk.editor, campaign, "submit")
    assert (await act(client, desk.reviewer, campaign, "approve")).status_code == 200


async def test_only_own_campaigns_are_checked(client: AsyncClient) -> None:
    desk, other = await make_desk(), await make_desk()
    body = {**campaign_body(), "institutionId": str(other.partner.institution_id)}
    answer = await client.post(f"{PATH}/check", json=body, headers=desk.editor.headers)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("words", "is_taken"),
    [
        (["词"] * ACKNOWLEDGED_MAX, True), (["词"] * (ACKNOWLEDGED_MAX + 1), False),
        (["词" * WORD_CHARACTERS_MAX], True), (["词" * (WORD_CHARACTERS_MAX + 1)], False),
    ],
    ids=["most words", "one too many", "longest word", "one character too long"],
)  # fmt: skip
async def test_so_many_words_are_acknowledged(client: AsyncClient, words: list[str], is_taken: bool) -> None:
    desk = await make_desk()
    campaign = await draft(client, desk)
    await act(client, desk.editor, campaign, "submit")
    answer = await act(client, desk.reviewer, campaign, "approve", acknowledgedFlags=words)
    assert answer.status_code == (200 if is_taken else 400), answer.text

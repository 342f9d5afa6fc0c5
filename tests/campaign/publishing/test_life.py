"""A campaign from its first draft to its end, over HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
import pytest

from app.kit.clock import now
from app.kit.db.audit import find_broken_entry
from app.kit.db.database import fetch_all
from tests.support.campaigns import (
    PATH,
    act,
    benefit_body,
    campaign_body,
    draft,
    edit,
    etag_of,
    find_live,
    make_desk,
    put_live,
)

if TYPE_CHECKING:
    from httpx2 import AsyncClient


class Written(msgspec.Struct, frozen=True):
    """What the feed or the audit chain says of one action."""

    action: str
    institution_id: UUID | None


async def test_draft_submit_approve(client: AsyncClient) -> None:
    desk = await make_desk()
    campaign = await draft(client, desk)
    benefit = campaign["benefits"][0]
    assert (campaign["state"], campaign["version"], campaign["liveVersion"]) == ("draft", 1, None)
    assert campaign["allowedActions"] == ["edit", "submit", "end"]
    assert campaign["institution"] == {"id": str(desk.partner.institution_id), "name": desk.partner.name}
    assert {name: benefit[name] for name in benefit_body()} == benefit_body()
    assert (benefit["stock"], benefit["reversalWindowSeconds"], benefit["stores"]) == (None, 86400, None)
    assert await find_live(benefit) is None

    submitted = (await act(client, desk.editor, campaign, "submit")).json()
    assert (submitted["state"], submitted["allowedActions"]) == ("submitted", ["approve", "reject", "end"])
    assert submitted["submittedBy"] == str(desk.editor.id)
    assert await find_live(benefit) is None

    live = (await act(client, desk.reviewer, campaign, "approve")).json()
    assert (live["state"], live["versionState"], live["liveVersion"]) == ("live", "approved", 1)
    assert live["decidedBy"] == str(desk.reviewer.id)
    assert live["benefits"] == [benefit]
    found = await find_live(benefit)
    assert found is not None
    assert (found.code, found.institution_id, found.campaign_version) == ("CINEMA_HALF", desk.partner.institution_id, 1)
    assert found.is_active(now())


async def test_a_change_to_a_live_campaign_waits_while_the_live_version_goes_on(client: AsyncClient) -> None:
    desk = await make_desk()
    live = await put_live(client, desk, benefit_body(stock=100))
    body = campaign_body(benefit_body(title="电影票六折", stock=200), benefit_body(code="POPCORN"))
    changed = (await edit(client, desk.editor, live, body)).json()
    assert (changed["state"], changed["version"], changed["liveVersion"]) == ("live", 2, 1)
    assert changed["versionState"] == "draft"
    assert [benefit["title"] for benefit in changed["benefits"]] == ["电影票六折", "电影票五折"]
    assert changed["benefits"][0]["id"] == live["benefits"][0]["id"]

    await act(client, desk.editor, live, "submit")
    before = await find_live(live["benefits"][0])
    assert before is not None
    assert (before.title, before.stock, before.campaign_version) == ("电影票五折", 100, 1)
    public = (await client.get("/v1/campaigns", params={"limit": 1})).json()["data"][0]
    assert [benefit["title"] for benefit in public["benefits"]] == ["电影票五折"]

    approved = (await act(client, desk.reviewer, live, "approve")).json()
    assert (approved["state"], approved["liveVersion"]) == ("live", 2)
    after = await find_live(live["benefits"][0])
    assert after is not None
    assert (after.title, after.stock, after.campaign_version) == ("电影票六折", 200, 2)
    assert await find_live(changed["benefits"][1]) is not None

    first = (await client.get(f"{PATH}/{live['id']}", params={"version": 1}, headers=desk.editor.headers)).json()
    assert [benefit["title"] for benefit in first["benefits"]] == ["电影票五折"]


async def test_a_rejected_change_leaves_the_live_version(client: AsyncClient) -> None:
    desk = await make_desk()
    live = await put_live(client, desk)
    await edit(client, desk.editor, live, campaign_body(benefit_body(title="免费")))
    await act(client, desk.editor, live, "submit")
    rejected = (await act(client, desk.reviewer, live, "reject", note="太慷慨")).json()
    assert (rejected["state"], rejected["versionState"], rejected["decisionNote"]) == ("live", "rejected", "太慷慨")
    found = await find_live(live["benefits"][0])
    assert found is not None
    assert found.title == "电影票五折"


async def test_a_rejected_draft_comes_back_as_the_next_version(client: AsyncClient) -> None:
    desk = await make_desk()
    campaign = await draft(client, desk)
    await act(client, desk.editor, campaign, "submit")
    rejected = (await act(client, desk.reviewer, campaign, "reject", note="请写明期限")).json()
    assert (rejected["state"], rejected["allowedActions"]) == ("rejected", ["edit", "end"])
    again = (await edit(client, desk.editor, campaign, campaign_body())).json()
    assert (again["state"], again["version"], again["decisionNote"]) == ("draft", 2, None)
    assert again["benefits"][0]["id"] == campaign["benefits"][0]["id"]
    await act(client, desk.editor, campaign, "submit")
    assert (await act(client, desk.reviewer, campaign, "approve")).json()["liveVersion"] == 2


async def test_pause_resume_end(client: AsyncClient) -> None:
    desk = await make_desk()
    live = await put_live(client, desk)
    states = []
    for action in ("pause", "resume", "pause", "end"):
        answer = await act(client, desk.editor, live, action)
        assert answer.status_code == 200, answer.text
        found = await find_live(live["benefits"][0])
        assert found is not None
        states.append((answer.json()["state"], found.is_active(now()), found.is_paused))
    assert states == [("paused", False, True), ("live", True, False), ("paused", False, True), ("ended", False, False)]
    assert (await act(client, desk.reviewer, live, "resume")).status_code == 409


async def test_what_the_centre_paused_only_the_centre_resumes(client: AsyncClient) -> None:
    desk = await make_desk()
    live = await put_live(client, desk)
    paused = await act(client, desk.reviewer, live, "pause")
    assert paused.json()["pausedByCentre"] is True
    await edit(client, desk.editor, live, campaign_body(benefit_body(title="新")))
    await act(client, desk.editor, live, "submit")
    await act(client, desk.reviewer, live, "approve")
    refused = await act(client, desk.editor, live, "resume")
    assert (refused.status_code, refused.json()["code"]) == (403, "paused_by_centre")
    found = await find_live(live["benefits"][0])
    assert found is not None
    assert found.is_paused
    resumed = await act(client, desk.reviewer, live, "resume")
    assert (resumed.status_code, resumed.json()["state"], resumed.json()["pausedByCentre"]) == (200, "live", False)
    # What the institution paused itself, it resumes itself, and so may the centre.
    for who in (desk.editor, desk.reviewer):
        assert (await act(client, desk.editor, live, "pause")).json()["pausedByCentre"] is False
        assert (await act(client, who, live, "resume")).json()["state"] == "live"


async def test_what_the_centre_paused_the_institution_may_end(client: AsyncClient) -> None:
    desk = await make_desk()
    live = await put_live(client, desk)
    await act(client, desk.reviewer, live, "pause")
    ended = await act(client, desk.editor, live, "end")
    assert (ended.json()["state"], ended.json()["pausedByCentre"]) == ("ended", False)


async def test_an_edited_paused_campaign_stays_paused(client: AsyncClient) -> None:
    desk = await make_desk()
    live = await put_live(client, desk)
    await act(client, desk.reviewer, live, "pause")
    await edit(client, desk.editor, live, campaign_body(benefit_body(title="新")))
    await act(client, desk.editor, live, "submit")
    approved = (await act(client, desk.reviewer, live, "approve")).json()
    assert (approved["state"], approved["liveVersion"]) == ("paused", 2)


@pytest.mark.parametrize(
    ("done", "action", "state", "allowed"),
    [
        ([], "approve", "draft", "edit, submit, end"),
        ([], "pause", "draft", "edit, submit, end"),
        (["submit"], "submit", "submitted", "approve, reject, end"),
        (["submit", "approve"], "approve", "live", "edit, pause, end"),
        (["submit", "approve"], "resume", "live", "edit, pause, end"),
        (["end"], "submit", "ended", "nothing"),
    ],
)
async def test_an_illegal_move_answers_the_state(
    client: AsyncClient, done: list[str], action: str, state: str, allowed: str
) -> None:
    desk = await make_desk()
    campaign = await draft(client, desk)
    for step in done:
        await act(client, desk.reviewer if step == "approve" else desk.editor, campaign, step)
    who = desk.reviewer if action == "approve" else desk.editor
    english = msgspec.structs.replace(who, headers={**who.headers, "Accept-Language": "en"})
    answer = await act(client, english, campaign, action)
    assert (answer.status_code, answer.json()["code"]) == (409, "campaign_move_not_allowed")
    assert answer.json()["reasons"] == [
        {"code": f"state_{state}", "text": f"the state is {state}"},
        {"code": "allowed_actions", "text": f"allowed: {allowed}"},
    ]


async def test_a_submitted_version_cannot_be_edited(client: AsyncClient) -> None:
    desk = await make_desk()
    campaign = await draft(client, desk)
    await act(client, desk.editor, campaign, "submit")
    answer = await edit(client, desk.editor, campaign, campaign_body(benefit_body(title="悄悄改")))
    assert (answer.status_code, answer.json()["code"]) == (409, "campaign_move_not_allowed")


async def test_two_approvals_at_once(client: AsyncClient) -> None:
    desk = await make_desk()
    campaign = await draft(client, desk)
    await act(client, desk.editor, campaign, "submit")
    path, headers = f"{PATH}/{campaign['id']}/approve", {**desk.reviewer.headers, "If-Match": await etag_of(campaign)}
    answers = await asyncio.gather(*(client.post(path, headers=headers) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]


async def test_two_editors_at_once_one_loses(client: AsyncClient) -> None:
    desk = await make_desk()
    campaign = await draft(client, desk)
    path, headers = f"{PATH}/{campaign['id']}", {**desk.editor.headers, "If-Match": '"1"'}
    bodies = [campaign_body(title=f"第{n}稿") for n in range(5)]
    answers = await asyncio.gather(*(client.put(path, json=body, headers=headers) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]
    winner = next(answer for answer in answers if answer.status_code == 200)
    seen = await client.get(path, headers=desk.editor.headers)
    assert (seen.json()["title"], seen.headers["etag"]) == (winner.json()["title"], winner.headers["etag"])
    assert seen.json()["version"] == 1


async def test_everything_has_its_event_and_audit_entry(client: AsyncClient) -> None:
    desk = await make_desk()
    live = await put_live(client, desk)
    await act(client, desk.editor, live, "pause")
    actions = ["draft", "submit", "approve", "pause"]
    events = await fetch_all(
        Written, "SELECT type AS action, institution_id FROM event WHERE subject_id = $1 ORDER BY id", UUID(live["id"])
    )
    kinds = [f"campaign.{past}.v1" for past in ("drafted", "submitted", "approved", "paused")]
    assert events == [Written(kind, desk.partner.institution_id) for kind in kinds]
    audited = await fetch_all(
        Written,
        "SELECT action, actor_id AS institution_id FROM audit_entry WHERE subject = $1 ORDER BY number",
        f"campaign:{live['id']}",
    )
    actors = [desk.editor.id, desk.editor.id, desk.reviewer.id, desk.editor.id]
    assert audited == [Written(f"campaign.{action}", actor) for action, actor in zip(actions, actors, strict=True)]
    assert await find_broken_entry() is None

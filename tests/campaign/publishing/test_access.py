"""Who may do what to whose campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import pytest

from app.kit.db.database import execute, fetch_value
from tests.support.campaigns import PATH, Desk, act, benefit_body, campaign_body, draft, edit, make_desk, put_live
from tests.support.officials import make_official

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from app.values.roles import Role
    from tests.support.officials import OfficialLogin

ACTIONS = ["submit", "approve", "reject", "pause", "resume", "end"]


async def revision_of(campaign: dict[str, Any]) -> int:
    return int(await fetch_value("SELECT revision FROM campaign WHERE id = $1", UUID(campaign["id"])))


async def test_a_foreign_campaign_is_not_there(client: AsyncClient) -> None:
    desk, other = await make_desk(), await make_desk()
    campaign = await put_live(client, desk)
    before = await revision_of(campaign)
    path, stranger = f"{PATH}/{campaign['id']}", other.editor
    answers = [await client.get(path, headers=stranger.headers)]
    answers.append(await client.get(path, params={"version": 1}, headers=stranger.headers))
    answers.append(
        await client.put(path, json=campaign_body(), headers={**stranger.headers, "If-Match": f'"{before}"'})
    )
    answers += [await act(client, stranger, campaign, action) for action in ("submit", "pause", "resume", "end")]
    assert [answer.status_code for answer in answers] == [404] * 7
    assert await revision_of(campaign) == before
    listed = (await client.get(PATH, headers=stranger.headers)).json()["data"]
    assert listed == []


async def test_unknown_and_malformed_ids(client: AsyncClient) -> None:
    desk = await make_desk()
    for path, version in ((f"{PATH}/{UUID(int=7)}", 1), (f"{PATH}/nothing", 1)):
        answer = await client.get(path, params={"version": version}, headers=desk.editor.headers)
        assert answer.status_code == 404
    campaign = await draft(client, desk)
    answer = await client.get(f"{PATH}/{campaign['id']}", params={"version": 2}, headers=desk.editor.headers)
    assert answer.status_code == 404


ROLES: dict[Role, set[str]] = {
    "editor": {"draft", "list", "get", "edit", "submit", "pause", "resume", "end"},
    "reviewer": {"list", "get", "approve", "reject", "pause", "resume", "end", "inbox"},
    "auditor": {"list", "get"},
    "administrator": {"list", "get"},
    "caseworker": set(),
    "importer": set(),
}


@pytest.mark.parametrize("role", ROLES)
async def test_role_and_route(client: AsyncClient, role: Role) -> None:
    desk = await make_desk()
    campaign = await draft(client, desk)
    official = await make_official(roles=[role])
    path, headers = f"{PATH}/{campaign['id']}", official.headers
    answers = {
        "draft": await client.post(PATH, json=campaign_body(), headers=headers),
        "list": await client.get(PATH, headers=headers),
        "inbox": await client.get(f"{PATH}/inbox", headers=headers),
        "get": await client.get(path, headers=headers),
        "edit": await client.put(path, json=campaign_body(), headers={**headers, "If-Match": '"0"'}),
    }
    for action in ACTIONS:
        body = {"note": "不行"} if action == "reject" else {}
        answers[action] = await act(client, official, campaign, action, **body)
    assert {name for name, answer in answers.items() if answer.status_code != 403} == ROLES[role]


async def test_nobody_without_a_token(client: AsyncClient) -> None:
    desk = await make_desk()
    campaign = await draft(client, desk)
    for headers in ({}, desk.partner.headers):
        answer = await client.post(f"{PATH}/{campaign['id']}/end", headers=headers)
        assert answer.status_code == 401


async def test_review_belongs_to_the_centre(client: AsyncClient) -> None:
    desk = await make_desk()
    own_id = desk.partner.institution_id
    campaign = await draft(client, desk)
    await act(client, desk.editor, campaign, "submit")
    own_reviewer = await make_official(roles=["editor"], institution_id=own_id)
    await execute("UPDATE official SET roles = '{reviewer}' WHERE id = $1", own_reviewer.id)
    for answer in (
        await act(client, own_reviewer, campaign, "approve"),
        await act(client, own_reviewer, campaign, "reject", note="不行"),
        await client.get(f"{PATH}/inbox", headers=own_reviewer.headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def both_roles() -> OfficialLogin:
    return await make_official(roles=["editor", "reviewer"])


async def submit_as(
    client: AsyncClient, desk: Desk, drafter: OfficialLogin, submitter: OfficialLogin
) -> dict[str, Any]:
    body = campaign_body(institutionId=str(desk.partner.institution_id))
    campaign: dict[str, Any] = (await client.post(PATH, json=body, headers=drafter.headers)).json()
    assert (await act(client, submitter, campaign, "submit")).status_code == 200
    return campaign


@pytest.mark.parametrize("action", ["approve", "reject"])
async def test_maker_is_not_checker(client: AsyncClient, action: str) -> None:
    desk, drafter, submitter = await make_desk(), await both_roles(), await both_roles()
    campaign = await submit_as(client, desk, drafter, submitter)
    body = {"note": "不行"} if action == "reject" else {}
    for maker in (drafter, submitter):
        answer = await act(client, maker, campaign, action, **body)
        assert (answer.status_code, answer.json()["code"]) == (403, "maker_is_checker")
    assert (await act(client, await both_roles(), campaign, action, **body)).status_code == 200


async def test_the_database_too_refuses_a_maker_as_checker(client: AsyncClient) -> None:
    desk = await make_desk()
    campaign = await draft(client, desk)
    with pytest.raises(asyncpg.CheckViolationError, match="campaign_maker_is_not_checker"):
        await execute(
            "UPDATE campaign_version SET decided_by = drafted_by WHERE campaign_id = $1", UUID(campaign["id"])
        )


async def test_everybody_with_a_hand_in_it_since_the_last_decision_is_a_maker(client: AsyncClient) -> None:
    """A drafts, B rewrites and submits: A may not approve what grew out of A's draft."""
    desk, first, second = await make_desk(), await both_roles(), await both_roles()
    body = campaign_body(institutionId=str(desk.partner.institution_id))
    campaign = (await client.post(PATH, json=body, headers=first.headers)).json()
    changed = (await edit(client, second, campaign, body)).json()
    assert changed["version"] == 2
    await act(client, second, campaign, "submit")
    assert (await act(client, first, campaign, "approve")).json()["code"] == "maker_is_checker"
    assert (await act(client, desk.reviewer, campaign, "approve")).status_code == 200
    # decided: the next version has makers of its own
    await edit(client, second, campaign, body)
    await act(client, second, campaign, "submit")
    assert (await act(client, first, campaign, "approve")).status_code == 200


async def test_whose_campaign_a_draft_is(client: AsyncClient) -> None:
    desk, other = await make_desk(), await make_desk()
    centre = await make_official(roles=["editor"])
    own, foreign = str(desk.partner.institution_id), str(other.partner.institution_id)

    async def post(official: OfficialLogin, code: str, **more: str) -> tuple[int, str | None]:
        body = campaign_body(benefit_body(code=code), **more)
        answer = await client.post(PATH, json=body, headers=official.headers)
        return answer.status_code, answer.json().get("code")

    assert await post(desk.editor, "B1") == (201, None)
    assert await post(desk.editor, "B2", institutionId=own) == (201, None)
    assert await post(desk.editor, "B3", institutionId=foreign) == (404, "not_found")
    assert await post(centre, "B4", institutionId=own) == (201, None)
    assert await post(centre, "B5") == (400, "institution_missing")
    assert await post(centre, "B6", institutionId=str(UUID(int=5))) == (404, "not_found")


async def test_a_campaign_stays_with_its_institution(client: AsyncClient) -> None:
    desk, other = await make_desk(), await make_desk()
    campaign = await draft(client, desk)
    own, foreign = str(desk.partner.institution_id), str(other.partner.institution_id)
    assert (await edit(client, desk.editor, campaign, campaign_body(institutionId=own))).status_code == 200
    answer = await edit(client, desk.editor, campaign, campaign_body(institutionId=foreign))
    assert (answer.status_code, answer.json()["code"]) == (422, "institution_fixed")

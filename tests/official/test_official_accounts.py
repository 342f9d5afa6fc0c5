"""Staff accounts: who may create, suspend and reset whom."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from app.kit.clock import uuid7
from app.kit.db.audit import find_broken_entry
from app.kit.db.database import fetch_value
from app.official.actions import secret as secret_actions
from app.official.queries import accounts as accounts_queries
from tests.support.officials import code_of, make_official, move
from tests.support.partners import make_partner

if TYPE_CHECKING:
    from uuid import UUID

    from httpx2 import AsyncClient, Response

    from app.values.roles import Role

URL = "/v1/official/officials"
CENTRE_ONLY: list[Role] = ["reviewer", "caseworker", "importer", "auditor"]


def fresh_username() -> str:
    return f"staff-{uuid7().hex[-12:]}"


async def create(client: AsyncClient, headers: dict[str, str], **changes: object) -> Response:
    body = {"username": fresh_username(), "roles": ["editor"], "institutionId": None} | changes
    return await client.post(URL, headers=headers, json=body)


async def log_in(client: AsyncClient, username: str, password: str, totp_secret: str) -> Response:
    body = {"username": username, "password": password, "totp": code_of(totp_secret)}
    return await client.post("/v1/official/login", json=body)


async def count_audit(official_id: UUID | str, action: str) -> int:
    sql = "SELECT count(*) FROM audit_entry WHERE subject = $1 AND action = $2"
    return int(await fetch_value(sql, f"official:{official_id}", action))


async def test_usernames_are_unique(client: AsyncClient) -> None:
    centre, username = await make_official(roles=["administrator"]), fresh_username()
    racing = [create(client, centre.headers, username=username) for _ in range(4)]
    answers = await asyncio.gather(*racing)
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"username_taken"}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"username": "ab"}, "/username"),
        ({"username": "a" * 65}, "/username"),
        ({"username": "Zhang"}, "/username"),
        ({"username": "zhang\u0000"}, "/username"),
        ({"username": "zhang\n"}, "/username"),
        ({"username": "zhang😀"}, "/username"),
        ({"username": "张三丰"}, "/username"),
        ({"roles": []}, "/roles"),
        ({"roles": ["king"]}, "/roles"),
        ({"roles": ["editor"] * 7}, "/roles"),
        ({"institutionId": "x"}, "/institutionId"),
        ({"password": "mine"}, ""),
    ],
)
async def test_a_bad_wish_is_refused_with_its_place(
    client: AsyncClient, changes: dict[str, object], pointer: str
) -> None:
    centre = await make_official(roles=["administrator"])
    before = await fetch_value("SELECT count(*) FROM official")
    answer = await create(client, centre.headers, **changes)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)
    assert await fetch_value("SELECT count(*) FROM official") == before


@pytest.mark.parametrize("role", CENTRE_ONLY)
async def test_roles_of_the_centre_stay_there(client: AsyncClient, role: Role) -> None:
    """Neither an institution's administrator nor the centre gives them to an institution's staff."""
    partner, centre = await make_partner(), await make_official(roles=["administrator"])
    local = await make_official(roles=["administrator"], institution_id=partner.institution_id)
    for headers in (local.headers, centre.headers):
        answer = await create(client, headers, roles=["editor", role], institutionId=str(partner.institution_id))
        assert (answer.status_code, answer.json()["code"]) == (422, "role_of_centre")
    assert (await create(client, centre.headers, roles=[role])).status_code == 201


async def test_an_institution_manages_its_own_staff_only(client: AsyncClient) -> None:
    mine, theirs = await make_partner(), await make_partner()
    local = await make_official(roles=["administrator"], institution_id=mine.institution_id)
    foreign = await make_official(roles=["editor"], institution_id=theirs.institution_id)
    centre = await make_official(roles=["administrator"])
    assert (await create(client, local.headers, institutionId=str(mine.institution_id))).status_code == 201
    assert (await create(client, local.headers, institutionId=str(theirs.institution_id))).status_code == 404
    assert (await create(client, local.headers, institutionId=None)).status_code == 403
    assert (await create(client, centre.headers, institutionId=str(uuid7()))).status_code == 404
    before = await fetch_value("SELECT jsonb_agg(o ORDER BY id)::text FROM official o WHERE id = ANY($1)",
                               [foreign.id, centre.id])  # fmt: skip
    for official_id in (foreign.id, centre.id, uuid7()):
        assert (await client.get(f"{URL}/{official_id}", headers=local.headers)).status_code == 404
        for verb in ("confirm", "suspend", "resume", "reset"):
            answer = await move(client, local, official_id, verb)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    after = await fetch_value("SELECT jsonb_agg(o ORDER BY id)::text FROM official o WHERE id = ANY($1)",
                              [foreign.id, centre.id])  # fmt: skip
    assert after == before
    listed = (await client.get(URL, headers=local.headers, params={"limit": 100})).json()["data"]
    assert {row["institutionId"] for row in listed} == {str(mine.institution_id)}


async def test_suspending_ends_the_token_and_resuming_does_not_revive_it(client: AsyncClient) -> None:
    centre, official = [await make_official(roles=["administrator"]) for _ in range(2)]
    suspended = await move(client, centre, official.id, "suspend")
    assert (suspended.status_code, suspended.json()["state"]) == (200, "suspended")
    assert suspended.json()["allowedActions"] == ["resume"]
    assert (await client.get(URL, headers=official.headers)).status_code == 401
    for verb in ("suspend", "reset", "confirm"):
        again = await move(client, centre, official.id, verb)
        assert (again.status_code, again.json()["code"]) == (409, "official_state_unsuitable")
        assert [reason["code"] for reason in again.json()["reasons"]] == ["state_suspended"]
    resumed = await move(client, centre, official.id, "resume")
    assert (resumed.status_code, resumed.json()["state"]) == (200, "active")
    assert (await client.get(URL, headers=official.headers)).status_code == 401
    assert (await log_in(client, official.username, official.password, official.totp_secret)).status_code == 200
    for action in ("official.suspend", "official.resume"):
        assert await count_audit(official.id, action) == 1


async def test_nobody_does_it_to_themselves(client: AsyncClient) -> None:
    official = await make_official(roles=["administrator"])
    for verb in ("confirm", "reset", "suspend", "resume"):
        own = await move(client, official, official.id, verb)
        assert (own.status_code, own.json()["code"]) == (403, "own_account")
    assert (await client.get(f"{URL}/{official.id}", headers=official.headers)).json()["allowedActions"] == []


async def test_whom_the_centre_suspended_only_the_centre_resumes(client: AsyncClient) -> None:
    partner = await make_partner()
    local, colleague = [
        await make_official(roles=["administrator"], institution_id=partner.institution_id) for _ in range(2)
    ]
    editor = await make_official(roles=["editor"], institution_id=partner.institution_id)
    centre = await make_official(roles=["administrator"])
    assert (await move(client, local, editor.id, "suspend")).json()["suspendedByCentre"] is False
    assert (await move(client, colleague, editor.id, "resume")).status_code == 200
    assert (await move(client, local, editor.id, "suspend")).status_code == 200
    made_its_own = await move(client, centre, editor.id, "suspend")
    assert (made_its_own.status_code, made_its_own.json()["suspendedByCentre"]) == (200, True)
    seen = (await client.get(f"{URL}/{editor.id}", headers=local.headers)).json()
    assert (seen["state"], seen["allowedActions"]) == ("suspended", [])
    refused = await move(client, local, editor.id, "resume")
    assert (refused.status_code, refused.json()["code"]) == (403, "official_suspended_by_centre")
    for verb in ("reset", "suspend", "confirm"):
        assert (await move(client, local, editor.id, verb)).status_code == 409
    revision = await fetch_value("SELECT revision FROM official WHERE id = $1", editor.id)
    assert not await accounts_queries.mark_moved(editor.id, "active", revision=revision, by_centre=False)
    resumed = await move(client, centre, editor.id, "resume")
    assert (resumed.status_code, resumed.json()["suspendedByCentre"]) == (200, False)


async def test_a_sign_in_that_a_reset_overtakes_fails(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old password was right when it was looked at, and gone when the sign-in was to be accepted."""
    official, second = [await make_official(roles=["administrator"]) for _ in range(2)]
    is_right = secret_actions.is_password_right

    def look_slowly(password_hash: str, password: str) -> bool:
        future = asyncio.run_coroutine_threadsafe(reset(), loop)
        assert future.result(10) == 200
        return is_right(password_hash, password)

    async def reset() -> int:
        return (await move(client, second, official.id, "reset")).status_code

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(secret_actions, "is_password_right", look_slowly)
    assert (await log_in(client, official.username, official.password, official.totp_secret)).status_code == 401


@pytest.mark.parametrize("role", ["editor", *CENTRE_ONLY])
async def test_no_other_role_manages_staff(client: AsyncClient, role: Role) -> None:
    official, target = await make_official(roles=[role]), await make_official(roles=["editor"])
    answers = [
        await create(client, official.headers),
        await client.get(URL, headers=official.headers),
        await client.get(f"{URL}/{target.id}", headers=official.headers),
        *[await move(client, official, target.id, verb) for verb in ("confirm", "suspend", "resume", "reset")],
    ]  # fmt: skip
    assert {answer.status_code for answer in answers} == {403}
    partner = await make_partner()
    for headers in ({}, partner.headers):
        assert (await create(client, headers)).status_code == 401


async def test_staff_come_in_pages(client: AsyncClient) -> None:
    partner = await make_partner()
    staff = [await make_official(roles=["administrator"], institution_id=partner.institution_id) for _ in range(5)]
    found: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    while query.get("cursor", "") is not None:
        body = (await client.get(URL, headers=staff[0].headers, params=query)).json()
        found += [row["id"] for row in body["data"]]
        query["cursor"] = body["page"]["nextCursor"]
    assert found == sorted(str(official.id) for official in staff)


async def test_the_chain_is_whole_after_all_this(app: object) -> None:
    assert app is not None
    assert await find_broken_entry() is None

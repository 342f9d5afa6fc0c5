"""Moving a membership to another WeChat account: the same proof, and everything of the old account dies."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from app.kit.db.database import fetch_value
from tests.support.citizens import (
    NAME,
    Joined,
    Tokens,
    identity_body,
    join,
    log_in,
    make_id_number,
    read_tokens,
)

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response


async def ask(client: AsyncClient, tokens: Tokens, member: Joined, **changed: Any) -> Response:
    """Ask with the member's own proof, but for what is given."""
    body = identity_body(name=member.name, id_number=member.id_number) | {"consents": []} | changed
    return await client.post("/v1/me/identity/rebind", json=body, headers=tokens.headers)


async def is_alive(client: AsyncClient, tokens: Tokens) -> bool:
    return (await client.get("/v1/me", headers=tokens.headers)).status_code == 200


async def test_the_membership_moves_and_the_old_account_dies(client: AsyncClient) -> None:
    member, fresh = await join(client), await log_in(client)
    generation = "SELECT code_generation FROM citizen WHERE id = $1"
    before = await fetch_value(generation, member.id)
    answer = await ask(client, fresh, member)
    assert answer.status_code == 200, answer.text
    moved = read_tokens(answer.json())
    assert (moved.citizen_id, moved.state) == (member.id, "active")
    assert await is_alive(client, moved)
    assert not await is_alive(client, member.tokens)
    assert not await is_alive(client, fresh)
    for dead in (member.tokens, fresh):
        refused = await client.post("/v1/auth/refresh", json={"refreshToken": dead.refresh})
        assert refused.status_code == 401
    assert await fetch_value(generation, member.id) == before + 1
    assert await fetch_value("SELECT state FROM citizen WHERE id = $1", fresh.citizen_id) == "left"
    assert (await log_in(client, fresh.code)).citizen_id == member.id
    assert (await log_in(client, member.tokens.code)).citizen_id not in (member.id, fresh.citizen_id)
    rebound = "SELECT count(*) FROM event WHERE citizen_id = $1 AND type = 'citizen.rebound.v1'"
    assert await fetch_value(rebound, member.id) == 1


async def test_score_records_and_consents_stay(client: AsyncClient) -> None:
    member, fresh = await join(client), await log_in(client)
    score = "SELECT value FROM score_snapshot WHERE citizen_id = $1"
    before = await fetch_value(score, member.id)
    moved = read_tokens((await ask(client, fresh, member)).json())
    assert await fetch_value(score, member.id) == before
    consents = (await client.get("/v1/me/consents", headers=moved.headers)).json()["data"]
    assert len(consents) == 2


async def test_the_newly_verified_phone_is_stored_and_name_readable(client: AsyncClient) -> None:
    member, fresh = await join(client), await log_in(client)
    old = (await client.get("/v1/me", headers=member.headers)).json()
    moved = read_tokens((await ask(client, fresh, member, phoneCode="demo-phone-new-one")).json())
    own = (await client.get("/v1/me", headers=moved.headers)).json()
    assert own["name"] == old["name"]
    assert own["phone"] != old["phone"]
    assert own["joinedAt"] == old["joinedAt"]


async def test_the_same_body_as_for_joining_is_understood(client: AsyncClient) -> None:
    member, fresh = await join(client), await log_in(client)
    consents = [{"purpose": "join", "version": 1}, {"purpose": "pos_blood", "version": 1}]
    moved = read_tokens((await ask(client, fresh, member, consents=consents)).json())
    given = (await client.get("/v1/me/consents", headers=moved.headers)).json()["data"]
    assert [consent["purpose"] for consent in given] == ["join", "pos_blood", "sensitive_information"]


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"name": "不符"}, 422, "identity_mismatch"),
        ({"phoneCode": "demo-phone-other-1"}, 422, "identity_mismatch"),
        ({"phoneCode": "nothing"}, 422, "phone_code_invalid"),
        ({"idNumber": "1"}, 422, "id_number_invalid"),
        ({"name": "1"}, 422, "name_invalid"),
        ({"idNumber": make_id_number()}, 409, "identity_unknown"),
        ({"consents": [{"purpose": "nose", "version": 1}]}, 422, "consent_unknown"),
        ({"extra": 1}, 400, "invalid_request"),
    ],
)
async def test_refusals_move_nothing(client: AsyncClient, changed: dict[str, Any], status: int, code: str) -> None:
    member, fresh = await join(client), await log_in(client)
    answer = await ask(client, fresh, member, **changed)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await is_alive(client, member.tokens)
    assert await is_alive(client, fresh)
    assert (await log_in(client, member.tokens.code)).citizen_id == member.id


async def test_a_member_cannot_take_another_membership(client: AsyncClient) -> None:
    member, other = await join(client), await join(client)
    answer = await ask(client, other.tokens, member)
    assert (answer.status_code, answer.json()["code"]) == (409, "already_joined")
    assert await is_alive(client, member.tokens)


async def test_several_accounts_at_once_end_with_one(client: AsyncClient) -> None:
    member = await join(client)
    racers = [await log_in(client) for _ in range(4)]
    answers = await asyncio.gather(*(ask(client, racer, member) for racer in racers))
    assert {answer.status_code for answer in answers} == {200}
    owners = [(await log_in(client, racer.code)).citizen_id for racer in racers]
    assert owners.count(member.id) == 1
    alive = [await is_alive(client, read_tokens(answer.json())) for answer in answers]
    assert alive.count(True) == 1


async def test_moving_while_leaving_ends_left_or_moved_whole(client: AsyncClient) -> None:
    for _ in range(4):
        member, fresh = await join(client), await log_in(client)
        left, moved = await asyncio.gather(client.delete("/v1/me", headers=member.headers), ask(client, fresh, member))
        state = await fetch_value("SELECT state FROM citizen WHERE id = $1", member.id)
        if moved.status_code == 200 and left.status_code == 401:
            assert state == "active"
            assert await is_alive(client, read_tokens(moved.json()))
        else:
            assert (left.status_code, state) == (204, "left")
            assert moved.status_code in (200, 409)


async def test_a_taken_identity_leads_to_rebinding(client: AsyncClient) -> None:
    member, fresh = await join(client), await log_in(client)
    body = identity_body(name=NAME, id_number=member.id_number)
    taken = await client.post("/v1/me/identity", json=body, headers=fresh.headers)
    assert taken.json()["code"] == "identity_taken"
    assert (await ask(client, fresh, member)).status_code == 200

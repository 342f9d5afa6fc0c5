"""Refresh tokens: rotation, the 30 seconds for a lost answer, reuse, races, logout."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.citizen.actions import account as account_actions
from app.citizen.actions import session as session_actions
from app.citizen.session import REFRESH_GRACE, REFRESH_LIFETIME, compute_token_hash
from app.kit.clock import now
from app.kit.db.database import execute, fetch_value, transaction
from tests.support.citizens import Tokens, log_in, read_tokens

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response


async def try_token(client: AsyncClient, token: str) -> Response:
    return await client.post("/v1/auth/refresh", json={"refreshToken": token})


async def refresh(client: AsyncClient, token: str) -> Tokens:
    answer = await try_token(client, token)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return read_tokens(answer.json())


async def is_alive(client: AsyncClient, tokens: Tokens) -> bool:
    return (await client.get("/v1/me", headers=tokens.headers)).status_code == 200


async def age_replacement(token: str, by: timedelta) -> None:
    """Let the moment at which a token was replaced lie further back."""
    await execute(
        "UPDATE refresh_token SET replaced_at = replaced_at - $2::interval WHERE token_hash = $1",
        compute_token_hash(token),
        by,
    )


async def test_a_refresh_gives_a_new_pair_of_the_same_session(client: AsyncClient) -> None:
    first = await log_in(client)
    second = await refresh(client, first.refresh)
    assert second.citizen_id == first.citizen_id
    assert second.refresh != first.refresh
    assert second.access != first.access
    assert await is_alive(client, first)
    assert await is_alive(client, second)
    third = await refresh(client, second.refresh)
    assert len({first.refresh, second.refresh, third.refresh}) == 3


async def test_a_lost_answer_is_given_again(client: AsyncClient) -> None:
    first = await log_in(client)
    second, again = await refresh(client, first.refresh), await refresh(client, first.refresh)
    assert second.refresh == again.refresh
    assert await is_alive(client, await refresh(client, again.refresh))


async def test_refreshes_at_once_agree_on_one_successor(client: AsyncClient) -> None:
    first = await log_in(client)
    answers = await asyncio.gather(*(refresh(client, first.refresh) for _ in range(20)))
    assert len({answer.refresh for answer in answers}) == 1
    family = "SELECT count(*) FROM refresh_token f JOIN refresh_token t USING (session_id) WHERE t.token_hash = $1"
    assert await fetch_value(family, compute_token_hash(first.refresh)) == 2


async def test_reuse_after_the_grace_revokes_the_family(client: AsyncClient) -> None:
    first = await log_in(client)
    other = await log_in(client, first.code)
    second = await refresh(client, first.refresh)
    await age_replacement(first.refresh, REFRESH_GRACE + timedelta(seconds=1))
    refused = await try_token(client, first.refresh)
    assert (refused.status_code, refused.json()["code"]) == (401, "refresh_token_invalid")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert not await is_alive(client, first)
    assert not await is_alive(client, second)
    assert (await try_token(client, second.refresh)).status_code == 401
    assert await is_alive(client, other), "another phone's session is another family"


async def test_an_older_token_than_the_previous_one_is_reuse_at_once(client: AsyncClient) -> None:
    """Its successor has been used: the phone has moved on, so somebody else is speaking."""
    first = await log_in(client)
    second = await refresh(client, first.refresh)
    third = await refresh(client, second.refresh)
    assert (await try_token(client, first.refresh)).status_code == 401
    assert (await try_token(client, third.refresh)).status_code == 401
    assert not await is_alive(client, third)


async def test_an_expired_token_is_refused(client: AsyncClient) -> None:
    tokens = await log_in(client)
    await execute(
        "UPDATE refresh_token SET expires_at = now() WHERE token_hash = $1", compute_token_hash(tokens.refresh)
    )
    assert (await try_token(client, tokens.refresh)).status_code == 401


async def test_what_can_never_be_refreshed_is_forgotten(client: AsyncClient) -> None:
    """A session of 31 days ago goes with its tokens; one that was refreshed since then stays."""
    old, lasting = await log_in(client), await log_in(client)
    for tokens, days in ((old, 31), (lasting, 31)):
        hash_ = compute_token_hash(tokens.refresh)
        await execute(
            "UPDATE refresh_token SET expires_at = expires_at - $2::interval WHERE token_hash = $1",
            hash_,
            timedelta(days=days) if tokens is old else timedelta(0),
        )
        await execute(
            """
            UPDATE citizen_session SET created_at = created_at - $2::interval
             WHERE id = (SELECT session_id FROM refresh_token WHERE token_hash = $1)
            """,
            hash_,
            timedelta(days=days),
        )
    assert await session_actions.forget_old_sessions(now()) >= 1
    sessions = "SELECT count(*) FROM citizen_session WHERE citizen_id = $1"
    assert await fetch_value(sessions, old.citizen_id) == 0
    assert (await try_token(client, lasting.refresh)).status_code == 200


async def test_every_refresh_moves_the_end(client: AsyncClient) -> None:
    first = await log_in(client)
    at = now() + timedelta(days=20)
    moved = await session_actions.refresh(first.refresh, at=at)
    expires_at = await fetch_value(
        "SELECT expires_at FROM refresh_token WHERE token_hash = $1", compute_token_hash(moved.refresh_token)
    )
    assert expires_at == at + REFRESH_LIFETIME


@pytest.mark.parametrize("token", ["x", "\u60e0", "a" * 200, secrets.token_urlsafe(32)])
async def test_an_unknown_token_is_refused(client: AsyncClient, token: str) -> None:
    answer = await try_token(client, token)
    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_token_invalid")


@pytest.mark.parametrize("body", [{}, {"refreshToken": ""}, {"refreshToken": "a" * 201}, {"refreshToken": 7}])
async def test_a_malformed_body_is_refused(client: AsyncClient, body: object) -> None:
    answer = await client.post("/v1/auth/refresh", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


async def test_an_access_token_is_no_refresh_token(client: AsyncClient) -> None:
    tokens = await log_in(client)
    assert (await try_token(client, tokens.access)).status_code in (400, 401)
    assert (await client.get("/v1/me", headers={"Authorization": f"Bearer {tokens.refresh}"})).status_code == 401


async def test_only_the_hash_of_a_token_is_stored(client: AsyncClient) -> None:
    tokens = await log_in(client)
    rows = await fetch_value("SELECT string_agg(row_to_json(t)::text, ' ') FROM refresh_token t")
    assert compute_token_hash(tokens.refresh).hex() in rows
    assert tokens.refresh not in rows
    assert tokens.refresh.encode().hex() not in rows


async def test_logging_out_ends_this_session_and_every_code_shown(client: AsyncClient) -> None:
    here = await log_in(client)
    there = await log_in(client, here.code)
    generation = "SELECT code_generation FROM citizen WHERE id = $1"
    before = await fetch_value(generation, here.citizen_id)
    answer = await client.post("/v1/auth/logout", headers=here.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not await is_alive(client, here)
    assert (await try_token(client, here.refresh)).status_code == 401
    assert (await client.post("/v1/auth/logout", headers=here.headers)).status_code == 401
    assert await is_alive(client, there)
    assert await fetch_value(generation, here.citizen_id) == before + 1


async def test_revoking_sessions_ends_them_all(client: AsyncClient) -> None:
    here = await log_in(client)
    there = await log_in(client, here.code)
    async with transaction():
        await account_actions.revoke_sessions(here.citizen_id, because="test", at=now())
    assert not await is_alive(client, here)
    assert not await is_alive(client, there)
    assert await is_alive(client, await log_in(client, here.code))

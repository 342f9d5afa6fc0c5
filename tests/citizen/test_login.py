"""Logging in over HTTP, by the real client against the sandbox: who comes in, who does not, what is never said."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter
from datetime import datetime
from functools import partial
from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING
from uuid import UUID

import jwt
import msgspec
import pytest

from app.citizen.actions import session as session_actions
from app.citizen.actions.session import LOGIN_PERIOD_SECONDS, LOGINS_PER_ADDRESS_MAX, LOGINS_PER_OPENID_MAX
from app.citizen.clients import wechat as wechat_clients
from app.kit.clock import now
from app.kit.db.database import execute, fetch_value
from app.kit.errors import OutsideServiceUnavailable, RateLimited
from app.kit.outside import ask, rate_limit
from app.kit.outside.rate_limit import TIGHTENED_BY, SharedLimit
from app.kit.outside.valkey import VALKEY
from app.kit.security.crypto import blind_index
from app.sandbox.answers import CREDENTIALS, compute_openid
from app.settings import read_settings
from tests.support.citizens import bearer, log_in

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response


async def try_code(client: AsyncClient, code: str) -> Response:
    return await client.post("/v1/auth/wechat", json={"code": code})


async def test_a_first_login_opens_an_account_in_state_new(client: AsyncClient) -> None:
    answer = await try_code(client, f"demo-{secrets.token_hex(8)}")
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"accessToken", "refreshToken", "expiresIn", "expiresAt", "citizen"}
    assert body["expiresIn"] == 600
    claims = jwt.decode(body["accessToken"], options={"verify_signature": False})
    assert datetime.fromisoformat(body["expiresAt"]).timestamp() == claims["exp"] == claims["iat"] + 600
    assert body["citizen"]["state"] == "new"
    assert answer.headers["cache-control"] == "no-store"
    own = await client.get("/v1/me", headers=bearer(body["accessToken"]))
    assert own.json() == {
        "id": body["citizen"]["id"], "state": "new", "joinedAt": None, "name": None, "phone": None
    }  # fmt: skip


async def test_the_same_code_is_the_same_person_and_another_one_is_not(client: AsyncClient) -> None:
    code = f"demo-{secrets.token_hex(8)}"
    first, again, other = await log_in(client, code), await log_in(client, code), await log_in(client)
    assert first.citizen_id == again.citizen_id != other.citizen_id
    assert first.refresh != again.refresh


@pytest.mark.parametrize(
    ("code", "status", "refusal", "is_retryable"),
    [
        ("err-40029", 422, "wechat_code_invalid", False),
        ("not-a-demo-code", 422, "wechat_code_invalid", False),
        ("err-40163", 409, "wechat_code_used", False),
        ("err-40226", 403, "wechat_account_blocked", False),
        ("err-45011", 429, "rate_limited", True),
        ("err--1", 503, "outside_service_unavailable", True),
        ("err-40013", 503, "misconfigured", False),
        ("err-40125", 503, "misconfigured", False),
        ("err-40001", 503, "misconfigured", False),
        ("err-40014", 503, "outside_service_unavailable", True),
        ("err-45009", 429, "rate_limited", True),
        ("err-99999", 503, "outside_service_unavailable", True),
        ("huge-1", 503, "outside_service_unavailable", True),
        ("garbled-1", 503, "outside_service_unavailable", True),
        ("down-1", 503, "outside_service_unavailable", True),
    ],
)
async def test_every_errcode_is_a_clear_refusal(
    client: AsyncClient, code: str, status: int, refusal: str, is_retryable: bool
) -> None:
    answer = await try_code(client, code)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["retryable"]) == (status, refusal, is_retryable)
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert ("retry-after" in answer.headers) is (is_retryable or status == 503)
    assert read_settings().wechat_app_secret not in answer.text


@pytest.mark.parametrize("code", ["slow-1", "trickle-1"])
async def test_the_time_limit_covers_the_whole_call(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """One byte every 50 ms never lets a read time out; the total does."""
    with monkeypatch.context() as patch:
        patch.setattr(ask, "CALL_SECONDS_MAX", 0.3)
        answer = await try_code(client, code)
    assert (answer.status_code, answer.json()["code"]) == (503, "outside_service_unavailable")
    assert (await try_code(client, "demo-after-a-slow-one")).status_code == 200


@pytest.mark.parametrize("wrong", [{"wechat_app_id": "wx1"}, {"wechat_app_secret": "no"}])
async def test_wrong_credentials_of_ours_are_our_fault(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]
) -> None:
    monkeypatch.setattr(wechat_clients, "read_settings", partial(msgspec.structs.replace, read_settings(), **wrong))
    answer = await try_code(client, "demo-1")
    assert (answer.status_code, answer.json()["code"]) == (503, "misconfigured")


async def test_nobody_listening_is_an_outage(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = msgspec.structs.replace(read_settings(), wechat_base_url="http://127.0.0.1:1")
    monkeypatch.setattr(wechat_clients, "read_settings", lambda: dead)
    answer = await try_code(client, "demo-1")
    assert (answer.status_code, answer.json()["code"]) == (503, "outside_service_unavailable")


@pytest.mark.parametrize(
    "body",
    [{}, {"code": ""}, {"code": None}, {"code": 1}, {"code": "x" * 201}, {"code": "demo-1", "secret": "x"}, [], "x"],
)
async def test_a_malformed_body_is_a_problem_with_a_pointer(client: AsyncClient, body: object) -> None:
    answer = await client.post("/v1/auth/wechat", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("raw", [b"", b"{", b'{"code":"\xff"}', b'{"code":"\\ud800"}'])
async def test_what_is_not_json_is_refused(client: AsyncClient, raw: bytes) -> None:
    answer = await client.post("/v1/auth/wechat", content=raw, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_many_first_logins_at_once_are_one_citizen(client: AsyncClient) -> None:
    code = f"demo-{secrets.token_hex(8)}"
    tokens = await asyncio.gather(*(log_in(client, code) for _ in range(20)))
    assert len({token.citizen_id for token in tokens}) == 1
    assert len({token.refresh for token in tokens}) == 20
    index = blind_index(str(compute_openid(code)), purpose="openid")
    assert await fetch_value("SELECT count(*) FROM citizen WHERE openid_index = $1", index) == 1


async def test_a_taken_account_number_is_drawn_again(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = await fetch_value("SELECT account_number FROM citizen WHERE id = $1", (await log_in(client)).citizen_id)
    free = secrets.randbelow(10**9)
    drawn = [free, taken, taken]
    monkeypatch.setattr("app.citizen.actions.session.secrets.randbelow", lambda _: drawn.pop())
    fresh = await log_in(client)
    assert await fetch_value("SELECT account_number FROM citizen WHERE id = $1", fresh.citizen_id) == free
    assert drawn == []


async def test_account_numbers_tell_no_order(client: AsyncClient) -> None:
    ids = [(await log_in(client)).citizen_id for _ in range(8)]
    numbers = [await fetch_value("SELECT account_number FROM citizen WHERE id = $1", one) for one in ids]
    assert len(set(numbers)) == 8
    assert Counter(b - a for a, b in pairwise(numbers)).most_common(1)[0][1] == 1


async def test_a_frozen_citizen_cannot_log_in(client: AsyncClient) -> None:
    tokens = await log_in(client)
    await make_frozen(tokens.citizen_id)
    answer = await try_code(client, tokens.code)
    assert (answer.status_code, answer.json()["code"]) == (403, "citizen_frozen")
    assert (await client.get("/v1/me", headers=tokens.headers)).status_code == 401


async def make_frozen(citizen_id: UUID) -> None:
    noise = secrets.token_bytes(16)
    await execute(
        """
        UPDATE citizen SET state = 'frozen', id_number_index = $2, id_number_cipher = $2, person_index = $2,
               name_cipher = $2, birth_on = '1990-01-01', district = '990000', cap_holder_id = id, joined_at = now()
         WHERE id = $1
        """,
        citizen_id,
        noise,
    )


@pytest.fixture
def without_valkey(monkeypatch: pytest.MonkeyPatch) -> None:
    """Valkey is gone and the limits' clock stands still: the tightened limit of this process decides."""
    monkeypatch.setattr(VALKEY, "_client", None)
    monkeypatch.setattr(rate_limit, "time", SimpleNamespace(time=lambda: 1_800_000_000.0))


@pytest.mark.usefixtures("without_valkey")
async def test_logins_of_one_openid_are_limited(client: AsyncClient) -> None:
    code = f"demo-{secrets.token_hex(8)}"
    limit = LOGINS_PER_OPENID_MAX // TIGHTENED_BY
    key = blind_index(str(compute_openid(code)), purpose="limit.openid").hex()
    for _ in range(limit - 1):
        await session_actions.OPENID_LIMIT.hit(key)
    assert (await try_code(client, code)).status_code == 200
    refused = await try_code(client, code)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["ratelimit"].startswith('"login";r=0;')
    assert refused.headers["ratelimit-policy"] == f'"login";q={limit};w={LOGIN_PERIOD_SECONDS}'
    assert (await try_code(client, f"demo-{secrets.token_hex(8)}")).status_code == 200


@pytest.mark.usefixtures("without_valkey")
async def test_logins_of_one_address_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted before WeChat is asked, so that a flood costs nothing outside."""
    monkeypatch.setattr(session_actions, "fetch_openid", None)
    for _ in range(LOGINS_PER_ADDRESS_MAX // TIGHTENED_BY):
        await session_actions.ADDRESS_LIMIT.hit("203.0.113.9")
    with pytest.raises(RateLimited):
        await session_actions.log_in("demo-1", address="203.0.113.9", at=now())


@pytest.mark.parametrize(
    ("limit", "hits_max"),
    [(session_actions.OPENID_LIMIT, LOGINS_PER_OPENID_MAX), (session_actions.ADDRESS_LIMIT, LOGINS_PER_ADDRESS_MAX)],
)
def test_the_shared_limits_at_their_edge(limit: SharedLimit, hits_max: int) -> None:
    assert "r=0;" in limit._shared.answer(hits_max, 0.0)["RateLimit"]
    with pytest.raises(RateLimited):
        limit._shared.answer(hits_max + 1, 0.0)


async def test_secrets_are_in_no_log_and_no_answer(
    client: AsyncClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even with every logger at its loudest: httpx would log whole addresses."""
    for name in ("", "httpx2", "httpcore2", "httpcore2.http11", "httpcore2.connection", "huixin"):
        caplog.set_level(logging.DEBUG, logger=name)
    code = f"demo-{secrets.token_hex(8)}"
    good = await try_code(client, code)
    monkeypatch.setattr(ask, "CALL_SECONDS_MAX", 0.3)
    bad = [await try_code(client, wrong) for wrong in ("slow-planted", "garbled-planted", "err-40125", "huge-planted")]
    openid = str(compute_openid(code))
    planted = [CREDENTIALS.app_secret, code, openid, "session_key", good.json()["refreshToken"], "planted"]
    written = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    assert "gave no usable answer" in written
    assert [word for word in planted if word in written] == []
    answers = good.text + "".join(answer.text for answer in bad)
    assert [word for word in (CREDENTIALS.app_secret, openid, "session_key", "sessionKey") if word in answers] == []


async def test_an_outage_drags_no_request_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither cause nor context of the refusal holds the address with the secret in it."""
    monkeypatch.setattr(ask, "CALL_SECONDS_MAX", 0.2)
    with pytest.raises(OutsideServiceUnavailable) as caught:
        await wechat_clients.exchange_login_code("slow-1")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


async def test_the_openid_is_stored_encrypted_only(client: AsyncClient) -> None:
    tokens = await log_in(client)
    openid = str(compute_openid(tokens.code))
    cipher = await fetch_value("SELECT openid_cipher FROM citizen WHERE id = $1", tokens.citizen_id)
    row = await fetch_value("SELECT row_to_json(c)::text FROM citizen c WHERE id = $1", tokens.citizen_id)
    assert openid.encode() not in cipher
    assert openid not in row
    assert openid.encode().hex() not in row

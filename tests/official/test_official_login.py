"""Signing in: password and code, lockout, replay, parallel tries, and one answer for everything that is wrong."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import jwt
import pyotp
import pytest

from app.kit.database import execute, fetch_value
from app.kit.rate_limit import SharedLimit
from app.official import actions, actions_secret
from app.official.rules import FAILED_TRIES_MAX, LOCK, TOKEN_SECONDS
from tests.support.officials import OfficialLogin, make_official
from tests.support.partners import bearer, make_partner

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

URL = "/v1/official/login"


def code_of(official: OfficialLogin, *, steps: int = 0) -> str:
    return pyotp.TOTP(official.totp_secret).at(time.time() + steps * 30)


def wrong_code_of(official: OfficialLogin) -> str:
    right = {code_of(official, steps=steps) for steps in range(-2, 3)}
    return next(code for code in ("000000", "111111", "222222", "333333", "444444", "555555") if code not in right)


async def log_in(client: AsyncClient, official: OfficialLogin, **changes: object) -> Response:
    body = {"username": official.username, "password": official.password, "totp": code_of(official)} | changes
    return await client.post(URL, json=body)


async def fail(client: AsyncClient, official: OfficialLogin, times: int) -> None:
    for _ in range(times):
        assert (await log_in(client, official, password="wrong")).status_code == 401


def without_trace(answer: Response) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "traceId"}


async def test_signing_in_gives_a_token_that_speaks(client: AsyncClient) -> None:
    partner = await make_partner()
    official = await make_official(roles=["administrator", "editor"], institution_id=partner.institution_id)
    answer = await log_in(client, official)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["expiresIn"] == TOKEN_SECONDS
    claims = jwt.decode(body["accessToken"], options={"verify_signature": False})
    assert datetime.fromisoformat(body["expiresAt"]).timestamp() == claims["exp"] == claims["iat"] + TOKEN_SECONDS
    assert body["official"] == {
        "id": str(official.id), "username": official.username, "roles": ["administrator", "editor"],
        "institution": {"id": str(partner.institution_id), "name": partner.name},
    }  # fmt: skip
    seen = await client.get("/v1/official/institutions", headers=bearer(body["accessToken"]))
    assert [row["id"] for row in seen.json()["data"]] == [str(partner.institution_id)]
    signed_in = "SELECT count(*) FROM audit_entry WHERE actor_id = $1 AND action = 'official.login'"
    assert await fetch_value(signed_in, official.id) == 1


async def test_staff_of_the_centre_have_no_institution(client: AsyncClient) -> None:
    official = await make_official(roles=["reviewer"])
    assert (await log_in(client, official)).json()["official"]["institution"] is None


async def test_a_code_works_once(client: AsyncClient) -> None:
    official = await make_official(roles=["auditor"])
    code = code_of(official)
    assert (await log_in(client, official, totp=code)).status_code == 200
    again = await log_in(client, official, totp=code)
    assert (again.status_code, again.json()["code"]) == (401, "login_failed")
    older = await log_in(client, official, totp=code_of(official, steps=-1))
    assert older.status_code == 401
    assert (await log_in(client, official, totp=code_of(official, steps=1))).status_code == 200


async def test_of_parallel_sign_ins_with_one_code_one_wins(client: AsyncClient) -> None:
    official = await make_official(roles=["auditor"])
    code = code_of(official)
    answers = await asyncio.gather(*(log_in(client, official, totp=code) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]


async def test_four_failures_do_not_lock_and_are_forgotten(client: AsyncClient) -> None:
    official = await make_official(roles=["auditor"])
    await fail(client, official, FAILED_TRIES_MAX - 1)
    assert (await log_in(client, official)).status_code == 200
    await fail(client, official, FAILED_TRIES_MAX - 1)
    assert (await log_in(client, official, totp=code_of(official, steps=1))).status_code == 200


async def test_five_failures_lock_for_a_quarter_of_an_hour(client: AsyncClient) -> None:
    official = await make_official(roles=["auditor"])
    await fail(client, official, FAILED_TRIES_MAX)
    assert (await log_in(client, official)).status_code == 401
    left = await fetch_value("SELECT locked_until - now() FROM official WHERE id = $1", official.id)
    assert LOCK * 0.9 < left <= LOCK
    await fail(client, official, 1)  # a try during the lock does not lengthen it
    assert await fetch_value("SELECT locked_until - now() FROM official WHERE id = $1", official.id) <= left
    await execute("UPDATE official SET locked_until = now() WHERE id = $1", official.id)
    await fail(client, official, 1)
    assert await fetch_value("SELECT failed_tries FROM official WHERE id = $1", official.id) == 1
    assert (await log_in(client, official)).status_code == 200
    assert await fetch_value("SELECT locked_until FROM official WHERE id = $1", official.id) is None


async def test_wrong_codes_lock_too(client: AsyncClient) -> None:
    official = await make_official(roles=["auditor"])
    for _ in range(FAILED_TRIES_MAX):
        assert (await log_in(client, official, totp=wrong_code_of(official))).status_code == 401
    assert (await log_in(client, official)).status_code == 401


async def test_parallel_guesses_get_five_tries_together(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many arrive at once, only five passwords are looked at: by the account itself, not by a limit before."""
    official = await make_official(roles=["auditor"])
    # A busy machine may not hear from Valkey in time; the tightened limit would then refuse some with 429.
    monkeypatch.setattr(actions, "LIMIT_BY_NAME", SharedLimit(f"test-{official.username}", 1000, 60))
    looked_at: list[str] = []
    is_right = actions_secret.is_password_right

    def look(password_hash: str, password: str) -> bool:
        if password_hash != actions_secret.NOBODYS_HASH:
            looked_at.append(password)
        return is_right(password_hash, password)

    monkeypatch.setattr(actions_secret, "is_password_right", look)
    guesses = [log_in(client, official, password=f"guess {number}") for number in range(12)]
    assert {answer.status_code for answer in await asyncio.gather(*guesses)} == {401}
    assert len(looked_at) == FAILED_TRIES_MAX
    assert (await log_in(client, official)).status_code == 401


async def test_whatever_is_wrong_the_answer_is_the_same(client: AsyncClient) -> None:
    """Unknown, suspended, locked, of a suspended institution, wrong password, wrong code: nobody can tell."""
    official, suspended, locked = [await make_official(roles=["auditor"]) for _ in range(3)]
    partner = await make_partner()
    orphan = await make_official(roles=["editor"], institution_id=partner.institution_id)
    await execute("UPDATE official SET state = 'suspended' WHERE id = $1", suspended.id)
    await execute("UPDATE official SET locked_until = now() + interval '1 minute' WHERE id = $1", locked.id)
    await execute("UPDATE institution SET state = 'suspended' WHERE id = $1", partner.institution_id)
    answers = [
        await log_in(client, official, username="nobody-of-that-name"),
        await log_in(client, official, username="NOT A USERNAME 😀"),
        await log_in(client, official, password="wrong"),
        await log_in(client, official, totp=wrong_code_of(official)),
        await log_in(client, official, password="wrong", totp=wrong_code_of(official)),
        await log_in(client, suspended),
        await log_in(client, locked),
        await log_in(client, orphan),
    ]
    for answer in answers:
        assert answer.status_code == 401
        assert without_trace(answer) == without_trace(answers[0])
        assert answer.headers["content-type"].startswith("application/problem+json")


async def test_an_unknown_name_costs_the_same_work(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    official, hashes = await make_official(roles=["auditor"]), list[str]()

    def look(password_hash: str, _: str) -> bool:
        hashes.append(password_hash)
        return True  # even then nobody is signed in

    monkeypatch.setattr(actions_secret, "is_password_right", look)
    assert (await log_in(client, official, username="nobody-of-that-name")).status_code == 401
    assert hashes == [actions_secret.NOBODYS_HASH]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"username": ""}, "/username"),
        ({"username": "a" * 65}, "/username"),
        ({"username": 7}, "/username"),
        ({"username": "zhang\u0000"}, ""),
        ({"password": "\u0000"}, ""),
        ({"password": ""}, "/password"),
        ({"password": "a" * 129}, "/password"),
        ({"password": None}, "/password"),
        ({"totp": "12345"}, "/totp"),
        ({"totp": "1234567"}, "/totp"),
        ({"totp": "12345\n"}, "/totp"),
        ({"totp": "123456\n"}, "/totp"),
        ({"totp": "１２３４５６"}, "/totp"),
        ({"totp": "12a456"}, "/totp"),
        ({"totp": 123456}, "/totp"),
        ({"extra": 1}, ""),
    ],
)
async def test_a_malformed_sign_in_uses_up_no_try(
    client: AsyncClient, changes: dict[str, object], pointer: str
) -> None:
    official = await make_official(roles=["auditor"])
    answer = await log_in(client, official, **changes)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)
    assert await fetch_value("SELECT failed_tries FROM official WHERE id = $1", official.id) == 0


@pytest.mark.parametrize("limit", ["LIMIT_BY_NAME", "LIMIT_BY_ADDRESS"])
async def test_tries_are_limited(client: AsyncClient, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    official = await make_official(roles=["auditor"])
    monkeypatch.setattr(actions, limit, SharedLimit(f"test-{official.username}", 4, 10**8))
    await fail(client, official, 2)  # what is left when Valkey does not answer in time: half
    for _ in range(3):
        answer = await log_in(client, official, password="wrong")
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert int(answer.headers["retry-after"]) > 0
    assert "ratelimit" in answer.headers


async def test_signing_out_kills_every_token(client: AsyncClient) -> None:
    official = await make_official(roles=["auditor"])
    other = bearer((await log_in(client, official)).json()["accessToken"])
    assert (await client.get("/v1/official/audit", headers=other)).status_code == 200
    assert (await client.post("/v1/official/logout", headers=official.headers)).status_code == 204
    for headers in (official.headers, other):
        assert (await client.get("/v1/official/audit", headers=headers)).status_code == 401
        assert (await client.post("/v1/official/logout", headers=headers)).status_code == 401
    fresh = bearer((await log_in(client, official, totp=code_of(official, steps=1))).json()["accessToken"])
    assert (await client.get("/v1/official/audit", headers=fresh)).status_code == 200

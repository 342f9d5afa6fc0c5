"""Signing in: password and code, replay, guesses from everywhere, and one answer for everything that is wrong."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import jwt
import pyotp
import pytest

from app.kit.clock import uuid7
from app.kit.db.database import execute, fetch_value
from app.kit.errors import Overloaded, RateLimited, Refusal
from app.kit.outside.rate_limit import SharedLimit
from app.official.account import ADDRESSES_FAMILIAR_MAX, CODE_TRIES_MAX, CODE_TRIES_WINDOW, TOKEN_SECONDS
from app.official.actions import secret as secret_actions
from app.official.actions import session as session_actions
from app.official.actions.session import REFUSED_SECONDS_MIN, WAITING_MAX, WAITING_PER_ADDRESS_MAX
from tests.support.officials import OfficialLogin, make_official
from tests.support.partners import bearer, make_partner
from tests.support.waiting import let_run, next_turn

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

URL = "/v1/official/login"
ROUNDS = 25  # of wrong tries at one name from each address: more than are refused before they have to wait
GUESSES, AT_ONCE = 10_000, 50


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell refusals at once and leave lanes no pause, which are tests of their own; count tries from nought."""
    monkeypatch.setattr(session_actions, "REFUSED_SECONDS_MIN", 0)
    for name in ("STRANGERS", "OVER_LIMIT"):
        monkeypatch.setattr(session_actions, name, session_actions.Lane(1))
    for name in ("LIMIT_BY_NAME", "LIMIT_BY_ADDRESS"):
        limit = getattr(session_actions, name)
        fresh = SharedLimit(f"test-{uuid7()}", limit._shared.limit_here, 10**8)
        monkeypatch.setattr(session_actions, name, fresh)


def code_of(official: OfficialLogin, *, steps: int = 0) -> str:
    return pyotp.TOTP(official.totp_secret).at(time.time() + steps * 30)


def wrong_code_of(official: OfficialLogin) -> str:
    right = {code_of(official, steps=steps) for steps in range(-2, 3)}
    return next(code for code in ("000000", "111111", "222222", "333333", "444444", "555555") if code not in right)


async def log_in(client: AsyncClient, official: OfficialLogin, **changes: object) -> Response:
    body = {"username": official.username, "password": official.password, "totp": code_of(official)} | changes
    return await client.post(URL, json=body)


async def try_from(address: str, official: OfficialLogin, **changes: str) -> str | None:
    """Try to sign in from an address; return the refusal's code, None for a success."""
    asked = {"password": official.password, "code": code_of(official)} | changes
    code = asked.pop("totp", asked["code"])
    try:
        await session_actions.log_in(official.username, asked["password"], code, address=address)
    except Refusal as refusal:
        return refusal.code
    return None


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


async def test_a_stranger_locks_nobody_out(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of wrong passwords from many addresses, the official's own among them, and the good one passes."""
    official = await make_official(roles=["auditor"])
    monkeypatch.setattr(secret_actions, "is_password_right", lambda _, password: password == official.password)
    addresses = ["127.0.0.1", *(f"203.0.113.{number}" for number in range(40))]
    for round_ in range(ROUNDS):
        refused = await asyncio.gather(
            *(try_from(address, official, password=f"guess {round_}") for address in addresses)
        )
        assert set(refused) <= ({"login_failed", "rate_limited"} if round_ else {"login_failed"})
    # Not each of them: a try in whose moment Valkey does not answer is counted by this process alone, from nought.
    assert refused.count("rate_limited") > len(refused) / 2
    answer = await log_in(client, official)
    assert answer.status_code == 200, answer.text
    elsewhere = await try_from("198.51.100.7", official, totp=code_of(official, steps=1))
    assert elsewhere is None


async def test_ten_thousand_guesses_at_one_name_leave_the_account_as_it_is(
    app: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From ten thousand addresses, one each: nothing about the account is counted, and it signs in from anywhere."""
    assert app is not None
    official = await make_official(roles=["auditor"])
    monkeypatch.setattr(secret_actions, "is_password_right", lambda _, password: password == official.password)
    row = "SELECT to_jsonb(o)::text FROM official o WHERE id = $1"
    before = await fetch_value(row, official.id)
    crowd = [f"10.{number // 256}.{number % 256}.1" for number in range(GUESSES)]
    for start in range(0, GUESSES, AT_ONCE):
        guesses = (try_from(address, official, password="guess") for address in crowd[start : start + AT_ONCE])
        assert set(await asyncio.gather(*guesses)) == {"login_failed"}
    assert await fetch_value(row, official.id) == before
    assert await try_from("192.0.2.1", official) is None


async def test_passwords_are_looked_at_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """One lane does one password at a time, has few places for one address, and a named number in all."""
    lane, going, most = session_actions.Lane(1), 0, 0
    opened = asyncio.Event()

    async def look(_: object, *__: object) -> bool:
        nonlocal going, most
        going, most = going + 1, max(most, going + 1)
        await opened.wait()
        going -= 1
        return True

    monkeypatch.setattr(asyncio, "to_thread", look)
    mine = [asyncio.create_task(lane.check("here", "", "")) for _ in range(WAITING_PER_ADDRESS_MAX)]
    others = [asyncio.create_task(lane.check(f"there {number}", "", "")) for number in range(WAITING_MAX - len(mine))]
    await next_turn()
    with pytest.raises(RateLimited):
        await lane.check("here", "", "")
    with pytest.raises(Overloaded):
        await lane.check("anywhere", "", "")
    opened.set()
    assert await asyncio.gather(*mine, *others) == [True] * WAITING_MAX
    assert most == 1
    assert await lane.check("here", "", "")


async def test_a_lane_takes_its_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth: after each password nine times as long is left to others, and who is looked at does not wait for it."""
    lane, loop, pauses = session_actions.Lane(0.1), asyncio.get_running_loop(), list[float]()
    at, call_later = 1000.0, loop.call_later

    async def look(_: object, *__: object) -> bool:
        nonlocal at
        at += 2.0
        return True

    def keep(seconds: float, ended: Any, *given: Any, **more: Any) -> Any:
        if ended != lane._free.release:
            return call_later(seconds, ended, *given, **more)
        pauses.append(seconds)
        return None

    monkeypatch.setattr(asyncio, "to_thread", look)
    monkeypatch.setattr(session_actions, "time", SimpleNamespace(monotonic=lambda: at))
    monkeypatch.setattr(loop, "call_later", keep)
    assert await lane.check("here", "", "")
    assert lane._free.locked()
    next_one = asyncio.create_task(lane.check("here", "", ""))
    await let_run()
    assert not next_one.done()
    assert pauses == [pytest.approx(18.0)]
    lane._free.release()
    assert await next_one


async def test_a_familiar_address_has_a_lane_of_its_own(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """While strangers fill theirs to the last place, who signed in from here before gets in."""
    official, stranger = [await make_official(roles=["auditor"]) for _ in range(2)]
    assert (await log_in(client, official)).status_code == 200
    full = session_actions.Lane(1)
    full._waiting.update({f"crowd {number}": 1 for number in range(WAITING_MAX)})
    monkeypatch.setattr(session_actions, "STRANGERS", full)
    refused = await log_in(client, stranger)
    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert int(refused.headers["retry-after"]) > 0
    assert (await log_in(client, official, totp=code_of(official, steps=1))).status_code == 200


async def test_the_code_is_guessed_a_few_times_by_whoever_has_the_password(client: AsyncClient) -> None:
    official = await make_official(roles=["auditor"])
    answers = [await log_in(client, official, totp=wrong_code_of(official)) for _ in range(CODE_TRIES_MAX - 1)]
    assert {answer.status_code for answer in answers} <= {401, 429}
    assert (await log_in(client, official)).status_code == 200  # the last try; now the address is familiar
    await execute("DELETE FROM official_address WHERE official_id = $1", official.id)
    assert (await log_in(client, official, totp=wrong_code_of(official))).status_code in {401, 429}
    late = await log_in(client, official, totp=code_of(official, steps=1))
    assert late.status_code in {401, 429}
    await execute("UPDATE official SET code_tries_since = now() - $2::interval WHERE id = $1", official.id,
                  CODE_TRIES_WINDOW)  # fmt: skip
    assert (await log_in(client, official, totp=code_of(official, steps=1))).status_code == 200


async def test_a_stolen_password_does_not_shut_out_where_the_official_signed_in_before(client: AsyncClient) -> None:
    official = await make_official(roles=["auditor"])
    assert (await log_in(client, official)).status_code == 200
    for _ in range(CODE_TRIES_MAX + 2):
        refused = await try_from("198.51.100.9", official, totp=wrong_code_of(official))
        assert refused in {"login_failed", "rate_limited"}
    right = code_of(official, steps=1)
    assert await try_from("198.51.100.10", official, totp=right) == "login_failed"
    assert (await log_in(client, official, totp=right)).status_code == 200
    for _ in range(CODE_TRIES_MAX):  # nor has the familiar address more tries than any other
        assert (await log_in(client, official, totp=wrong_code_of(official))).status_code in {401, 429}
    await execute("UPDATE official SET totp_last_step = 0 WHERE id = $1", official.id)
    assert (await log_in(client, official)).status_code in {401, 429}


async def test_parallel_guesses_at_the_code_share_the_tries(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    official = await make_official(roles=["auditor"])
    monkeypatch.setattr(session_actions, "WAITING_PER_ADDRESS_MAX", 100)
    guesses = [log_in(client, official, totp=wrong_code_of(official)) for _ in range(CODE_TRIES_MAX * 2)]
    assert {answer.status_code for answer in await asyncio.gather(*guesses)} <= {401, 429}
    assert await fetch_value("SELECT code_tries FROM official WHERE id = $1", official.id) == CODE_TRIES_MAX


async def test_the_newest_addresses_are_remembered(app: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert app is not None
    official = await make_official(roles=["auditor"])
    monkeypatch.setattr(secret_actions, "is_password_right", lambda *_: True)
    for number in range(ADDRESSES_FAMILIAR_MAX + 2):
        await execute("UPDATE official SET totp_last_step = 0 WHERE id = $1", official.id)
        assert await try_from(f"203.0.113.{number}", official) is None
    count = "SELECT count(*) FROM official_address WHERE official_id = $1"
    assert await fetch_value(count, official.id) == ADDRESSES_FAMILIAR_MAX
    text = await fetch_value("SELECT jsonb_agg(a)::text FROM official_address a WHERE official_id = $1", official.id)
    assert "203.0.113" not in text


async def test_whatever_is_wrong_the_answer_is_the_same(client: AsyncClient) -> None:
    """Unknown, suspended, not confirmed, invited, of a suspended institution, wrong password or code: all one."""
    official, suspended, enrolled, invited = [await make_official(roles=["auditor"]) for _ in range(4)]
    partner = await make_partner()
    orphan = await make_official(roles=["editor"], institution_id=partner.institution_id)
    await execute("UPDATE official SET state = 'suspended' WHERE id = $1", suspended.id)
    await execute("UPDATE official SET state = 'enrolled' WHERE id = $1", enrolled.id)
    await execute("UPDATE official SET state = 'invited', password_hash = NULL WHERE id = $1", invited.id)
    await execute("UPDATE institution SET state = 'suspended' WHERE id = $1", partner.institution_id)
    answers = [
        await log_in(client, official, username="nobody-of-that-name"),
        await log_in(client, official, username="NOT A USERNAME 😀"),
        await log_in(client, official, password="wrong"),
        await log_in(client, official, totp=wrong_code_of(official)),
        await log_in(client, official, password="wrong", totp=wrong_code_of(official)),
        await log_in(client, suspended),
        await log_in(client, enrolled),
        await log_in(client, invited),
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

    monkeypatch.setattr(secret_actions, "is_password_right", look)
    assert (await log_in(client, official, username="nobody-of-that-name")).status_code == 401
    assert hashes == [secret_actions.NOBODYS_HASH]


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
    assert await fetch_value("SELECT code_tries FROM official WHERE id = $1", official.id) == 0


@pytest.mark.parametrize("limit", ["LIMIT_BY_NAME", "LIMIT_BY_ADDRESS"])
async def test_wrong_tries_are_limited_and_a_right_one_passes(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    official = await make_official(roles=["auditor"])
    monkeypatch.setattr(session_actions, limit, SharedLimit(f"test-{official.username}", 4, 10**8))
    await fail(client, official, 2)  # what is left when Valkey does not answer in time: half
    for _ in range(3):
        answer = await log_in(client, official, password="wrong")
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert int(answer.headers["retry-after"]) > 0
    assert "ratelimit" in answer.headers
    unknown = await log_in(client, official, username="nobody-of-that-name")
    assert unknown.status_code == (429 if limit == "LIMIT_BY_ADDRESS" else 401)
    assert (await log_in(client, official)).status_code == 200


async def test_a_refusal_takes_its_time(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than the ways to it: its time does not say that the password was right and only the code wrong."""
    official = await make_official(roles=["auditor"])
    monkeypatch.setattr(session_actions, "REFUSED_SECONDS_MIN", REFUSED_SECONDS_MIN)
    for changes in ({"password": "wrong"}, {"totp": wrong_code_of(official)}, {"username": "nobody-of-that-name"}):
        began = time.monotonic()
        assert (await log_in(client, official, **changes)).status_code == 401
        assert time.monotonic() - began >= REFUSED_SECONDS_MIN * 0.99


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

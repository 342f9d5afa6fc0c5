"""What the services' codes mean: the listed ones, those near them, those nobody has seen; and dead access tokens."""

from __future__ import annotations

import asyncio
import os
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx2
import msgspec
import pytest

from app.citizen.actions import identity as identity_actions
from app.citizen.actions import wechat as wechat_actions
from app.citizen.actions.identity import verify_identity
from app.citizen.actions.wechat import NO_TOKEN, AccessToken, fetch_phone_number
from app.citizen.answers import (
    DAY_RETRY_SECONDS_MAX,
    compute_quota_wait,
    judge_errcode,
    judge_result,
    judge_tencent,
)
from app.citizen.clients import wechat as wechat_clients
from app.citizen.clients.identity import Verification
from app.citizen.paper import Person, parse_id_number
from app.kit.errors import MisconfiguredHere, OutsideServiceUnavailable, RateLimited
from app.kit.outside.valkey import VALKEY
from app.notice.message import judge_message, judge_sms
from app.values.days import compute_seconds_left
from tests.support.citizens import identity_body, log_in, make_id_number

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from app.kit.errors import Refusal

DEAD = [40001, 40014, 41001, 42001, 40009, 42007]  # the last two are nobody's: they are near the others


@pytest.mark.parametrize(
    ("errcode", "with_a_token", "without"),
    [
        (0, "ok", "ok"), (-1, "away", "away"), (40001, "token", "ours"), (40014, "token", "away"),
        (42001, "token", "away"), (41001, "token", "away"), (40000, "token", "away"), (40009, "token", "away"),
        (40010, "away", "away"), (42009, "token", "away"), (42010, "away", "away"), (39999, "away", "away"),
        (40002, "ours", "ours"), (40013, "ours", "ours"), (40125, "ours", "ours"), (40164, "ours", "ours"),
        (48001, "ours", "ours"), (40029, "code", "code"), (40163, "used", "used"), (40226, "blocked", "blocked"),
        (45009, "day", "day"), (45011, "minute", "minute"), (45000, "minute", "minute"), (45999, "minute", "minute"),
        (44999, "away", "away"), (46000, "away", "away"), (99999, "away", "away"), (1, "away", "away"),
        (-2, "away", "away"), (2**40, "away", "away"),
    ],
)  # fmt: skip
def test_errcodes_of_wechat(errcode: int, with_a_token: str, without: str) -> None:
    assert judge_errcode(errcode, with_token=True) == with_a_token
    assert judge_errcode(errcode, with_token=False) == without


@pytest.mark.parametrize(
    ("errcode", "outcome"),
    [
        (0, "sent"), (-1, "later"), (43101, "refused"), (43107, "refused"), (40003, "refused"), (40037, "no_way"),
        (47003, "no_way"), (41030, "no_way"), (40013, "no_way"), (45009, "later"), (45011, "later"), (40014, "later"),
        (44990, "later"), (43999, "later"), (77777, "later"),
    ],
)  # fmt: skip
def test_errcodes_of_messages(errcode: int, outcome: str) -> None:
    assert judge_message(errcode) == outcome


@pytest.mark.parametrize(
    ("code", "family"),
    [
        ("AuthFailure", "ours"), ("AuthFailure.SignatureFailure", "ours"), ("UnauthorizedOperation.Arrears", "ours"),
        ("MissingParameter", "ours"), ("InvalidParameterValue.NameTooLong", "away"), ("NoSuchVersion", "ours"),
        ("ResourceUnavailable.InArrears", "ours"), ("ResourceUnavailable.Other", "away"),
        ("ResourceInsufficient", "away"), ("RequestLimitExceeded", "away"), ("LimitExceeded.Daily", "away"),
        ("InternalError.EncryptError", "away"), ("FailedOperation.Unknown", "away"), ("AuthFailures", "away"),
        ("SomethingNew.Entirely", "away"), ("", "away"),
    ],
)  # fmt: skip
def test_errors_of_tencent_cloud(code: str, family: str) -> None:
    assert judge_tencent(code) == family


@pytest.mark.parametrize(
    ("result", "verdict"),
    [("0", "match"), ("-4", "mismatch"), ("-7", "mismatch"), ("-11", "away"), ("-12", "day"), ("", "away"),
     ("-99", "away"), ("1", "away"), ("00", "away")],
)  # fmt: skip
def test_only_a_certain_no_is_a_no(result: str, verdict: str) -> None:
    assert judge_result(result) == verdict


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("Ok", "sent"), ("FailedOperation.PhoneNumberInBlacklist", "refused"), ("LimitExceeded.DailyLimit", "later"),
        ("FailedOperation.SignatureIncorrectOrUnapproved", "later"), ("", "later"), ("SomethingNew", "later"),
    ],
)  # fmt: skip
def test_codes_of_sms(code: str, outcome: str) -> None:
    assert judge_sms(code) == outcome


@pytest.mark.parametrize(
    ("at", "left"),
    [
        (datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC), 2), (datetime(2026, 12, 31, 16, tzinfo=UTC), 86_401),
        (datetime(2028, 2, 29, 15, 0, tzinfo=UTC), 3601),
    ],
)  # fmt: skip
def test_a_quota_of_the_day_is_tried_again_within_the_hour(at: datetime, left: int) -> None:
    assert compute_seconds_left(at) == left
    assert compute_quota_wait("day", at) == min(left, DAY_RETRY_SECONDS_MAX)
    assert compute_quota_wait("minute", at) == 60


@pytest.fixture
async def no_token(app: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody holds an access token yet, and one may be forced."""
    del app
    monkeypatch.setattr(wechat_actions._Held, "token", NO_TOKEN)
    monkeypatch.setattr(wechat_actions._Held, "may_force_at", 0.0)
    await VALKEY.try_call(lambda client: client.delete(wechat_actions._place()))


async def play(method: str, **parameters: object) -> int:
    """Ask the sandbox about its access token; how often it has given one."""
    async with httpx2.AsyncClient(base_url=os.environ["WECHAT_BASE_URL"], trust_env=False) as http:
        answer = await http.request(method, "/sandbox/access-token", params=parameters)  # type: ignore[arg-type]
    return int(answer.json()["given"])


async def try_to_join(client: AsyncClient) -> tuple[int, str]:
    """Join as somebody new; status and refusal."""
    tokens = await log_in(client)
    answer = await client.post("/v1/me/identity", json=identity_body(), headers=tokens.headers)
    return answer.status_code, str(answer.json().get("code", ""))


@pytest.mark.usefixtures("no_token")
@pytest.mark.parametrize("errcode", DEAD)
async def test_nobody_notices_that_a_token_died(client: AsyncClient, errcode: int) -> None:
    assert await try_to_join(client) == (200, "")
    before = await play("POST", errcode=errcode)
    assert [await try_to_join(client) for _ in range(2)] == [(200, "")] * 2
    assert await play("GET") == before + 1, "one new token was asked for"


@pytest.mark.usefixtures("no_token")
async def test_many_who_meet_a_dead_token_at_once_ask_for_one(client: AsyncClient) -> None:
    assert await fetch_phone_number("demo-phone-1")
    people = [await log_in(client) for _ in range(12)]
    before = await play("POST", errcode=40014)
    answers = await asyncio.gather(
        *(client.post("/v1/me/identity", json=identity_body(), headers=tokens.headers) for tokens in people)
    )
    assert [answer.status_code for answer in answers] == [200] * len(people)
    assert await play("GET") <= before + 2


@pytest.mark.usefixtures("no_token")
async def test_a_dead_token_that_wechat_goes_on_giving_is_forced_once_a_minute(client: AsyncClient) -> None:
    assert await try_to_join(client) == (200, "")
    await play("POST", errcode=40014, is_given_on=True)
    assert await try_to_join(client) == (200, "")
    before = await play("POST", errcode=40014, is_given_on=True)
    assert await try_to_join(client) == (503, "outside_service_unavailable")
    assert await play("GET") == before + 1, "asked for, and not forced again"
    assert wechat_actions._Held.token == NO_TOKEN, "a refused token is remembered nowhere"
    wechat_actions._Held.may_force_at = 0.0
    assert await try_to_join(client) == (200, "")


@pytest.mark.usefixtures("no_token")
@pytest.mark.parametrize(
    ("code", "refusal"),
    [("err-40014", OutsideServiceUnavailable), ("err-45009", RateLimited), ("err-45047", RateLimited),
     ("err-77777", OutsideServiceUnavailable), ("err-40164", MisconfiguredHere)],
)  # fmt: skip
async def test_whatever_was_refused_the_next_one_is_served(code: str, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal) as caught:
        await fetch_phone_number(code)
    assert 0 < (caught.value.retry_after_seconds or 0) <= DAY_RETRY_SECONDS_MAX
    assert await fetch_phone_number("demo-phone-1")


@pytest.mark.usefixtures("no_token")
async def test_a_dead_token_in_valkey_is_forgotten_for_all_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = AccessToken("sandbox-dead", 4e9)
    await VALKEY.try_call(lambda client: client.set(wechat_actions._place(), msgspec.json.encode(dead)))

    async def refuse(_code: str, _token: str) -> wechat_clients.PhoneAnswer:
        return wechat_clients.PhoneAnswer(errcode=40014)

    monkeypatch.setattr(wechat_clients, "fetch_phone_number", refuse)
    with pytest.raises(OutsideServiceUnavailable):
        await fetch_phone_number("demo-phone-1")
    assert wechat_actions._Held.token == NO_TOKEN
    assert await wechat_actions._find_shared() == NO_TOKEN


async def test_a_verdict_nobody_knows_is_no_mismatch(app: object, monkeypatch: pytest.MonkeyPatch) -> None:
    del app

    async def say(**_: str) -> Verification:
        return Verification(result="-98")

    monkeypatch.setattr(identity_actions, "verify_person", say)
    id_number = parse_id_number(make_id_number())
    assert id_number is not None
    with pytest.raises(OutsideServiceUnavailable):
        await verify_identity(Person(name="张三", id_number=id_number, phone=f"120{secrets.randbelow(10**8):08d}"))

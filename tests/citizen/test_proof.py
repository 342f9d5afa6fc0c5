"""The phone from WeChat and the check of the three elements, by the real clients against the sandbox."""

from __future__ import annotations

import logging
import secrets
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import pytest

from app.citizen.actions import identity as identity_actions
from app.citizen.actions import wechat as wechat_actions
from app.citizen.actions.identity import verify_identity
from app.citizen.actions.wechat import AccessToken, fetch_phone_number
from app.citizen.clients import identity as identity_clients
from app.citizen.clients import wechat as wechat_clients
from app.citizen.clients.identity import ApiError, Verification
from app.citizen.paper import Person, parse_id_number
from app.kit.errors import MisconfiguredHere, OutsideServiceUnavailable, RateLimited
from app.kit.outside import ask
from app.kit.outside.valkey import VALKEY
from app.settings import read_settings
from tests.support.citizens import make_id_number

if TYPE_CHECKING:
    from app.kit.errors import Refusal

pytestmark = pytest.mark.usefixtures("app")
FAR = 4e9


def make_person(*, name: str = "张三", phone: str = "12012345678", number: str | None = None) -> Person:
    id_number = parse_id_number(number or make_id_number())
    assert id_number is not None
    return Person(name=name, id_number=id_number, phone=phone)


@pytest.fixture(autouse=True)
async def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody holds an access token yet."""
    monkeypatch.setattr(wechat_actions._Held, "token", AccessToken("", 0))
    monkeypatch.setattr(wechat_actions._Held, "may_force_at", 0.0)
    await VALKEY.try_call(lambda client: client.delete(wechat_actions._place()))


async def test_a_phone_code_is_always_the_same_phone() -> None:
    one, two = f"demo-phone-{secrets.token_hex(4)}", f"demo-phone-{secrets.token_hex(4)}"
    phone = await fetch_phone_number(one)
    assert phone is not None
    assert phone == await fetch_phone_number(one) != await fetch_phone_number(two)
    assert len(phone) == 11


@pytest.mark.parametrize("code", ["err-40029", "err-40163", "not-ours", "demo-phone-foreign-1"])
async def test_a_code_that_gives_no_mainland_phone_is_none(code: str) -> None:
    assert await fetch_phone_number(code) is None


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        ("err--1", OutsideServiceUnavailable), ("err-45011", RateLimited), ("err-40013", MisconfiguredHere),
        ("err-40001", OutsideServiceUnavailable), ("err-1", OutsideServiceUnavailable),
        ("huge-1", OutsideServiceUnavailable), ("garbled-1", OutsideServiceUnavailable),
        ("down-1", OutsideServiceUnavailable),
    ],
)  # fmt: skip
async def test_what_is_not_about_the_code_is_refused(code: str, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        await fetch_phone_number(code)


async def test_the_access_token_is_fetched_once_and_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[int] = []
    fetch = wechat_clients.fetch_access_token

    async def count() -> wechat_clients.TokenAnswer:
        fetched.append(1)
        return await fetch()

    monkeypatch.setattr(wechat_clients, "fetch_access_token", count)
    for _ in range(3):
        assert await fetch_phone_number("demo-phone-1")
    monkeypatch.setattr(wechat_actions._Held, "token", AccessToken("", 0))  # another worker
    if await VALKEY.is_alive():
        assert await fetch_phone_number("demo-phone-1")
    assert len(fetched) == 1


@pytest.mark.parametrize("stale", ["sandbox-stale", "x"])
async def test_a_token_wechat_refuses_is_replaced_once(monkeypatch: pytest.MonkeyPatch, stale: str) -> None:
    """Both this process and Valkey hold it; the citizen notices nothing."""
    old = AccessToken(stale, FAR)
    monkeypatch.setattr(wechat_actions._Held, "token", old)
    await VALKEY.try_call(lambda client: client.set(wechat_actions._place(), msgspec.json.encode(old)))
    assert await fetch_phone_number("demo-phone-1")
    assert wechat_actions._Held.token.text != stale


async def test_without_valkey_every_worker_fetches_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VALKEY, "_client", None)
    assert await fetch_phone_number("demo-phone-1")
    assert wechat_actions._Held.token.text


async def test_garbage_in_valkey_is_not_a_token() -> None:
    await VALKEY.try_call(lambda client: client.set(wechat_actions._place(), "{garbage"))
    assert await fetch_phone_number("demo-phone-1")


async def test_wrong_credentials_give_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        wechat_clients, "read_settings", partial(msgspec.structs.replace, read_settings(), wechat_app_secret="no")
    )
    with pytest.raises(MisconfiguredHere):
        await fetch_phone_number("demo-phone-1")


async def test_three_elements_of_one_person_match() -> None:
    assert await verify_identity(make_person())


@pytest.mark.parametrize("wrong", [{"name": "不符"}, {"phone": "12912345678"}, {"phone": "2"}, {"phone": ""}])
async def test_elements_of_several_people_do_not(wrong: dict[str, str]) -> None:
    assert not await verify_identity(make_person(**wrong))


async def test_a_relatives_phone_does_not_match() -> None:
    phone = await fetch_phone_number("demo-phone-other-1")
    assert phone is not None
    assert not await verify_identity(make_person(phone=phone))


async def test_a_busy_provider_is_an_outage_and_a_spent_day_a_limit() -> None:
    with pytest.raises(OutsideServiceUnavailable):
        await verify_identity(make_person(name="繁忙"))
    with pytest.raises(RateLimited) as caught:
        await verify_identity(make_person(name="超限"))
    assert caught.value.retry_after_seconds is not None
    assert 0 < caught.value.retry_after_seconds <= 86_401


@pytest.mark.parametrize("wrong", [{"identity_secret_key": "no"}, {"identity_secret_id": "AKIDno"}])
async def test_a_wrong_signature_is_our_fault(monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]) -> None:
    monkeypatch.setattr(identity_clients, "read_settings", partial(msgspec.structs.replace, read_settings(), **wrong))
    with pytest.raises(MisconfiguredHere):
        await verify_identity(make_person())


async def test_a_provider_that_is_gone_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = msgspec.structs.replace(read_settings(), identity_base_url="http://127.0.0.1:1")
    monkeypatch.setattr(identity_clients, "read_settings", lambda: dead)
    with pytest.raises(OutsideServiceUnavailable):
        await verify_identity(make_person())


@pytest.mark.parametrize(
    ("code", "refusal"),
    [("RequestLimitExceeded", OutsideServiceUnavailable), ("InternalError.EncryptError", OutsideServiceUnavailable),
     ("UnauthorizedOperation.Arrears", MisconfiguredHere), ("FailedOperation.Unknown", OutsideServiceUnavailable)],
)  # fmt: skip
async def test_errors_of_the_provider(monkeypatch: pytest.MonkeyPatch, code: str, refusal: type[Refusal]) -> None:
    async def fail(**_: str) -> Verification:
        return Verification(error=ApiError(code))

    monkeypatch.setattr(identity_actions, "verify_person", fail)
    with pytest.raises(refusal):
        await verify_identity(make_person())


async def test_what_is_proven_is_in_no_log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    for logger in ("", "httpx2", "httpcore2", "httpcore2.http11", "httpcore2.connection", "huixin"):
        caplog.set_level(logging.DEBUG, logger=logger)
    person = make_person(name="惠植入", phone="12087654321")
    assert await verify_identity(person)
    assert await fetch_phone_number("demo-phone-planted")
    monkeypatch.setattr(ask, "CALL_SECONDS_MAX", 0.0001)
    for call in (verify_identity(person), fetch_phone_number("demo-phone-planted")):
        with pytest.raises(OutsideServiceUnavailable):
            await call
    written = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    planted = (person.name, person.phone, person.id_number.number, wechat_actions._Held.token.text, "planted")
    assert [word for word in planted if word in written] == []
    assert "gave no usable answer" in written

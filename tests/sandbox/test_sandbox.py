"""The sandbox speaks as the real services do, and refuses as they do."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from app.sandbox.answers import (
    CREDENTIALS,
    OTHER_PHONE_PREFIX,
    compute_openid,
    compute_phone,
    is_checksum_valid,
    judge_person,
    parse_errcode,
)
from tests.support.citizens import make_id_number

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOGIN = {
    "appid": CREDENTIALS.app_id, "secret": CREDENTIALS.app_secret, "js_code": "demo-1",
    "grant_type": "authorization_code",
}  # fmt: skip
TOKEN = {"appid": CREDENTIALS.app_id, "secret": CREDENTIALS.app_secret, "grant_type": "client_credential"}
BAD_TOKEN = "sandbox-bad"


@pytest.fixture
async def outside() -> AsyncIterator[httpx2.AsyncClient]:
    """Open a plain client of the sandbox."""
    async with httpx2.AsyncClient(base_url=os.environ["WECHAT_BASE_URL"], trust_env=False) as http:
        yield http


async def test_a_login_code_is_an_openid_and_a_session_key(outside: httpx2.AsyncClient) -> None:
    answer = await outside.get("/sns/jscode2session", params=LOGIN)
    assert answer.headers["content-type"].startswith("text/plain")
    body = answer.json()
    assert set(body) == {"openid", "session_key"}
    assert len(body["openid"]) == 28
    assert (await outside.get("/sns/jscode2session", params=LOGIN)).json()["openid"] == body["openid"]


@pytest.mark.parametrize(
    ("changed", "errcode"),
    [
        ({"appid": "wx1"}, 40013), ({"secret": "no"}, 40125), ({"js_code": "real"}, 40029), ({"js_code": ""}, 40029),
        ({"js_code": "err-40163"}, 40163), ({"js_code": "err--1"}, -1), ({"grant_type": "x"}, 40002),
        ({"js_code": "err-45011-with-a-note"}, 45011),
    ],
)  # fmt: skip
async def test_errcodes_come_with_status_200(
    outside: httpx2.AsyncClient, changed: dict[str, str], errcode: int
) -> None:
    answer = await outside.get("/sns/jscode2session", params=LOGIN | changed)
    assert answer.status_code == 200
    assert answer.json()["errcode"] == errcode
    assert answer.json()["errmsg"]


async def test_a_phone_needs_an_access_token(outside: httpx2.AsyncClient) -> None:
    token = (await outside.post("/cgi-bin/stable_token", json=TOKEN)).json()
    assert token["access_token"] == (await outside.post("/cgi-bin/stable_token", json=TOKEN)).json()["access_token"]
    assert 0 < token["expires_in"] <= 7200
    path = "/wxa/business/getuserphonenumber"
    answer = await outside.post(path, params={"access_token": token["access_token"]}, json={"code": "demo-phone-1"})
    info = answer.json()["phone_info"]
    assert (answer.json()["errcode"], info["countryCode"]) == (0, "86")
    assert info["phoneNumber"] == info["purePhoneNumber"] == str(compute_phone("demo-phone-1")[1])  # type: ignore[index]
    bad = await outside.post(path, params={"access_token": BAD_TOKEN}, json={"code": "demo-phone-1"})
    assert bad.json()["errcode"] == 40001


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        (TOKEN | {"appid": "wx1"}, 40013),
        (TOKEN | {"secret": ""}, 40125),
        (TOKEN | {"grant_type": ""}, 40002),
        ([], 40013),
    ],
)
async def test_the_access_token_needs_credentials(outside: httpx2.AsyncClient, body: Any, errcode: int) -> None:
    assert (await outside.post("/cgi-bin/stable_token", json=body)).json()["errcode"] == errcode


async def test_the_provider_answers_an_unsigned_call_with_an_error(outside: httpx2.AsyncClient) -> None:
    answer = await outside.post("/", json={"IdCard": "1", "Name": "x", "Phone": "1"})
    assert answer.status_code == 200
    assert answer.json()["Response"]["Error"]["Code"] == "AuthFailure.InvalidAuthorization"


def test_openids_and_phones_are_stable_and_distinct() -> None:
    openids = {compute_openid(f"demo-{n}") for n in range(500)}
    phones = {compute_phone(f"demo-phone-{n}") for n in range(500)}
    assert len(openids) == len(phones) == 500
    assert compute_openid("demo-é") != compute_openid("demo-e")
    assert compute_openid("real") is None
    assert compute_phone("demo-1") is None


def test_only_other_peoples_phones_have_their_prefix() -> None:
    assert not any(str(compute_phone(f"demo-phone-{n}")[1]).startswith(OTHER_PHONE_PREFIX) for n in range(500))  # type: ignore[index]
    assert str(compute_phone("demo-phone-other-1")[1]).startswith(OTHER_PHONE_PREFIX)  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "number", "phone", "result"),
    [
        ("张三", make_id_number(), "12000000000", "0"),
        ("不符", make_id_number(), "12000000000", "-4"),
        ("张三", make_id_number(), "12912345678", "-4"),
        ("张三", "110105194912310020", "12000000000", "-7"),
        ("张三", "", "12000000000", "-7"),
        ("张三", make_id_number(), "120", "-6"),
        ("繁忙", make_id_number(), "12000000000", "-11"),
        ("超限", make_id_number(), "12000000000", "-12"),
    ],
)
def test_judge_person(name: str, number: str, phone: str, result: str) -> None:
    assert judge_person(name, number, phone)[0] == result


def test_the_checksum_is_the_standards() -> None:
    assert is_checksum_valid("11010519491231002X")
    assert not is_checksum_valid("110105194912310021")
    assert not is_checksum_valid("１10105194912310021")


@pytest.mark.parametrize(
    ("code", "errcode"),
    [("err-1", 1), ("err--1", -1), ("err-40163-x", 40163), ("err-", None), ("err-x", None), ("demo-1", None)],
)
def test_parse_errcode(code: str, errcode: int | None) -> None:
    assert parse_errcode(code) == errcode

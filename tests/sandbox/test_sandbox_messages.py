"""Messages in the sandbox: taken and refused as WeChat and Tencent Cloud do."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx2
import msgspec
import pytest

from app.citizen.signature import compute_headers
from app.sandbox.answers import CREDENTIALS, ENVIRONMENT, compute_openid, compute_phone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TOKEN = {"appid": CREDENTIALS.app_id, "secret": CREDENTIALS.app_secret, "grant_type": "client_credential"}
SEND = "/cgi-bin/message/subscribe/send"
DATA = {"thing1": {"value": "事项"}, "time2": {"value": "2026年01月05日 08:00"}, "thing3": {"value": "提示"}}
MESSAGE = {
    "touser": compute_openid("demo-message"), "template_id": ENVIRONMENT["WECHAT_TEMPLATE_RECORD"],
    "page": "pages/notice/notice?id=1", "lang": "zh_CN", "data": DATA,
}  # fmt: skip
SMS = {
    "PhoneNumberSet": ["+8612012345678"], "SmsSdkAppId": ENVIRONMENT["SMS_APP_ID"],
    "SignName": ENVIRONMENT["SMS_SIGN_NAME"], "TemplateId": ENVIRONMENT["SMS_TEMPLATE_RECORD"],
    "TemplateParamSet": ["2026年01月05日"],
}  # fmt: skip


@pytest.fixture
async def outside() -> AsyncIterator[httpx2.AsyncClient]:
    """Open a plain client of the sandbox."""
    async with httpx2.AsyncClient(base_url=os.environ["WECHAT_BASE_URL"], trust_env=False) as http:
        yield http


async def send(outside: httpx2.AsyncClient, **changed: Any) -> int:
    """Send a subscribe message and return the errcode."""
    token = (await outside.post("/cgi-bin/stable_token", json=TOKEN)).json()["access_token"]
    answer = await outside.post(SEND, params={"access_token": token}, json=MESSAGE | changed)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return int(answer.json()["errcode"])


async def send_sms(outside: httpx2.AsyncClient, region: str = "ap-guangzhou", **changed: Any) -> dict[str, Any]:
    """Send an SMS, signed; headers beside, and return what is in ``Response``."""
    body = msgspec.json.encode(SMS | changed)
    headers = compute_headers(
        secret_id=CREDENTIALS.secret_id, secret_key=CREDENTIALS.secret_key, host=outside.base_url.netloc.decode(),
        service="sms", action="SendSms", version="2021-01-11", body=body, at=datetime.fromtimestamp(time.time(), UTC),
    )  # fmt: skip
    answer = await outside.post("/", content=body, headers=headers | ({"X-TC-Region": region} if region else {}))
    assert answer.status_code == 200
    response: dict[str, Any] = answer.json()["Response"]
    assert response.pop("RequestId")
    return response


@pytest.mark.parametrize(
    ("changed", "errcode"),
    [
        ({}, 0), ({"touser": "nobody"}, 40003), ({"template_id": "other"}, 40037), ({"page": "/pages/x"}, 41030),
        ({"touser": compute_openid("demo-noquota-1")}, 43101), ({"data": {}}, 47003),
        ({"data": DATA | {"thing1": {"value": "字" * 20}}}, 0),
        ({"data": DATA | {"thing1": {"value": "字" * 21}}}, 47003),
        ({"data": DATA | {"thing1": {"value": ""}}}, 47003), ({"data": DATA | {"time2": {"value": "soon"}}}, 47003),
        ({"data": DATA | {"thing4": {"value": "x"}}}, 47003), ({"data": "x"}, 47001),
    ],
)  # fmt: skip
async def test_a_subscribe_message_is_judged(
    outside: httpx2.AsyncClient, changed: dict[str, Any], errcode: int
) -> None:
    assert await send(outside, **changed) == errcode


async def test_it_needs_an_access_token(outside: httpx2.AsyncClient) -> None:
    answer = await outside.post(SEND, params={"access_token": "x"}, json=MESSAGE)
    assert answer.json()["errcode"] == 40001


async def test_what_was_sent_is_remembered(outside: httpx2.AsyncClient) -> None:
    openid = compute_openid("demo-remembered")
    assert await send(outside, touser=openid) == 0
    assert await send(outside, touser=openid, template_id="other") == 40037
    (message,) = (await outside.get("/sandbox/messages", params={"to": openid})).json()
    assert message == {**MESSAGE, "touser": openid, "channel": "wechat"}


async def test_some_are_reached_at_the_third_try_and_some_never(outside: httpx2.AsyncClient) -> None:
    token = (await outside.post("/cgi-bin/stable_token", json=TOKEN)).json()["access_token"]
    for manner, statuses in (("wxflaky", [502, 502, 200]), ("wxdown", [502, 502, 502])):
        body = MESSAGE | {"touser": compute_openid(f"demo-{manner}-{time.time_ns()}")}
        answers = [await outside.post(SEND, params={"access_token": token}, json=body) for _ in range(3)]
        assert [answer.status_code for answer in answers] == statuses


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, "Ok"), ({"SmsSdkAppId": "1"}, "UnauthorizedOperation.SmsSdkAppIdVerifyFail"),
        ({"SignName": "别人"}, "FailedOperation.SignatureIncorrectOrUnapproved"),
        ({"TemplateId": "1"}, "FailedOperation.TemplateIncorrectOrUnapproved"),
        ({"TemplateParamSet": []}, "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"),
        ({"PhoneNumberSet": ["12012345678"]}, "InvalidParameterValue.IncorrectPhoneNumber"),
        ({"PhoneNumberSet": [f"+86{compute_phone('demo-phone-barred-1')[1]}"]},  # type: ignore[index]
         "FailedOperation.PhoneNumberInBlacklist"),
    ],
)  # fmt: skip
async def test_an_sms_is_judged_number_by_number(
    outside: httpx2.AsyncClient, changed: dict[str, Any], code: str
) -> None:
    (status,) = (await send_sms(outside, **changed))["SendStatusSet"]
    assert status["Code"] == code
    assert status["PhoneNumber"] == (SMS | changed)["PhoneNumberSet"][0]
    assert status["Fee"] == (code == "Ok")


async def test_an_sms_is_signed_for_its_own_service_and_region(outside: httpx2.AsyncClient) -> None:
    assert (await send_sms(outside, region=""))["Error"]["Code"] == "MissingParameter"
    assert (await send_sms(outside, PhoneNumberSet=1))["Error"]["Code"] == "InvalidParameter"
    answer = await outside.post("/", json=SMS, headers={"X-TC-Action": "SendSms"})
    assert answer.json()["Response"]["Error"]["Code"] == "AuthFailure.InvalidAuthorization"

"""Tencent Cloud: faceid ``PhoneVerification`` (name, ID number and phone, one verdict) and ``SendSms``.

Always HTTP 200. Both are a POST to ``/``; the header X-TC-Action says which one it is.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.datastructures import State

from app.sandbox.answers import find_signature_error, judge_person
from app.sandbox.routes.message import answer_sms

API_VERSION = "2018-03-01"
AnyRequest = Request[Any, Any, State]


class VerificationAsk(msgspec.Struct, kw_only=True, rename="pascal"):
    """The three elements."""

    id_card: str
    name: str
    phone: str


@post("/", status_code=200)
async def answer_tencent_cloud(request: AnyRequest) -> Response[bytes]:
    """Answer whichever of the two is asked."""
    body = await request.body()
    headers = {name.lower(): value for name, value in request.headers.items()}
    return answer_sms(headers, body) if headers.get("x-tc-action") == "SendSms" else verify_phone(headers, body)


def verify_phone(headers: dict[str, str], body: bytes) -> Response[bytes]:
    """Judge whether name, ID number and phone belong to one person."""
    error = find_signature_error(headers, body, int(time.time())) or _find_call_error(headers)
    if error is not None:
        return _say_error(error)
    try:
        ask = msgspec.json.decode(body, type=VerificationAsk)
    except msgspec.DecodeError:
        return _say_error("InvalidParameter")
    result, description = judge_person(ask.name, ask.id_card, ask.phone)
    return _say({"Result": result, "Description": description, "Isp": "移动" if result == "0" else ""})


def _find_call_error(headers: dict[str, str]) -> str | None:
    if headers.get("x-tc-action") != "PhoneVerification":
        return "InvalidAction"
    return None if headers.get("x-tc-version") == API_VERSION else "NoSuchVersion"


def _say_error(code: str) -> Response[bytes]:
    return _say({"Error": {"Code": code, "Message": "sandbox"}})


def _say(answer: dict[str, object]) -> Response[bytes]:
    return Response(msgspec.json.encode({"Response": answer | {"RequestId": "sandbox"}}), media_type="application/json")

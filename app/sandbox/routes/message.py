"""Messages to people: WeChat's subscribe message and Tencent Cloud ``SendSms``; and, for tests, what was sent.

What was sent stays in memory: the last thousand messages, listed by ``GET /sandbox/messages?to=…``.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State

from app.sandbox.answers import find_signature_error
from app.sandbox.message import MessageAsk, SmsAsk, find_message_errcode, find_sms_call_error, is_failing, judge_number
from app.sandbox.routes.wechat import find_token_error

SENT_MAX = 1000
AnyRequest = Request[Any, Any, State]
_sent: deque[tuple[str, dict[str, object]]] = deque(maxlen=SENT_MAX)
_failed: Counter[str] = Counter()


@post("/cgi-bin/message/subscribe/send", status_code=200)
async def send_subscribe_message(request: AnyRequest) -> Response[bytes]:
    """Send a one-time subscribe message."""
    refused = find_token_error(request.query_params.get("access_token", ""))
    if refused:
        return _say_errcode(refused)
    try:
        ask = msgspec.json.decode(await request.body(), type=MessageAsk)
    except msgspec.DecodeError:
        return _say_errcode(47001)
    if is_failing(ask.touser, _failed[ask.touser]):
        _failed[ask.touser] += 1
        return Response(b"", status_code=502)
    errcode = find_message_errcode(ask)
    if errcode == 0:
        _sent.append((ask.touser, {"channel": "wechat", **msgspec.to_builtins(ask)}))
    return _say_errcode(errcode)


def answer_sms(headers: dict[str, str], body: bytes) -> Response[bytes]:
    """Send a text by template to each number."""
    error = find_signature_error(headers, body, int(time.time()), "sms") or find_sms_call_error(headers)
    if error is not None:
        return _say({"Error": {"Code": error, "Message": "sandbox"}})
    try:
        ask = msgspec.json.decode(body, type=SmsAsk)
    except msgspec.DecodeError:
        return _say({"Error": {"Code": "InvalidParameter", "Message": "sandbox"}})
    statuses = []
    for number in ask.phone_number_set:
        code = judge_number(number, ask)
        if code == "Ok":
            _sent.append((number, {"channel": "sms", **msgspec.to_builtins(ask)}))
        statuses.append(
            {
                "SerialNo": f"sandbox:{len(_sent)}", "PhoneNumber": number, "Fee": int(code == "Ok"),
                "SessionContext": "", "Code": code, "Message": "send success" if code == "Ok" else code,
                "IsoCode": "CN",
            }
        )  # fmt: skip
    return _say({"SendStatusSet": statuses})


@get("/sandbox/messages", status_code=200)
async def list_messages(to: str) -> Response[bytes]:
    """List what was sent to an openid or a number; no real service has this."""
    found = [message for receiver, message in _sent if receiver == to]
    return Response(msgspec.json.encode(found), media_type="application/json")


def _say_errcode(errcode: int) -> Response[bytes]:
    answer = {"errcode": errcode, "errmsg": "ok" if errcode == 0 else "sandbox"}
    return Response(msgspec.json.encode(answer), media_type="text/plain")


def _say(answer: dict[str, object]) -> Response[bytes]:
    return Response(msgspec.json.encode({"Response": answer | {"RequestId": "sandbox"}}), media_type="application/json")

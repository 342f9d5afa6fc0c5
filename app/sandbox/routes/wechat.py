"""WeChat's server API: login codes, the access token, phone numbers. Answers are JSON called text/plain, as there."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator
from typing import Any, ClassVar, TypeVar

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.response import Stream

from app.sandbox.answers import CODE_INVALID, CREDENTIALS, compute_openid, compute_phone, parse_errcode

TOKEN_SECONDS = 7200
SLOW_SECONDS = 30
HUGE_BYTES = 8 * 1024 * 1024
ERRMSGS = {
    -1: "system error", 40001: "invalid credential, access_token is invalid or not latest", 40013: "invalid appid",
    40014: "invalid access_token", 40029: "invalid code", 40125: "invalid appsecret", 40163: "code been used",
    40226: "code blocked", 41001: "access_token missing",
    42001: "access_token expired", 45011: "api minute-quota reach limit, must slower, retry next minute",
}  # fmt: skip
AnyRequest = Request[Any, Any, State]
Answer = Response[bytes] | Stream
Ask = TypeVar("Ask")


class TokenAsk(msgspec.Struct, kw_only=True):
    """What stable_token is sent."""

    grant_type: str = ""
    appid: str = ""
    secret: str = ""
    force_refresh: bool = False


class PhoneAsk(msgspec.Struct, kw_only=True):
    """What getuserphonenumber is sent."""

    code: str = ""


@get("/sns/jscode2session", status_code=200)
async def exchange_login_code(request: AnyRequest) -> Answer:
    """Exchange a login code for an openid."""
    asked = request.query_params
    refused = _credentials_error(asked.get("appid", ""), asked.get("secret", ""))
    if refused or asked.get("grant_type") != "authorization_code":
        return _say_error(refused or 40002)
    js_code = asked.get("js_code", "")
    if (strange := await _misbehave(js_code)) is not None:
        return strange
    openid = compute_openid(js_code)
    if openid is None:
        return _say_error(CODE_INVALID)
    session_key = base64.b64encode(hashlib.sha256(f"session {openid}".encode()).digest()[:16]).decode()
    return _say({"session_key": session_key, "openid": openid})


class _Tokens:
    """Which access token is good now, and which ones are dead; the sandbox is one process."""

    serial = 0
    given = 0
    dead: ClassVar[dict[str, int]] = {}


@post("/cgi-bin/stable_token", status_code=200)
async def get_stable_token(request: AnyRequest) -> Answer:
    """Give the access token of this two-hour window: the same one however often it is asked for, unless forced."""
    ask = _decode(await request.body(), TokenAsk)
    refused = _credentials_error(ask.appid, ask.secret)
    if refused or ask.grant_type != "client_credential":
        return _say_error(refused or 40002)
    window, elapsed = divmod(int(time.time()), TOKEN_SECONDS)
    _Tokens.serial += ask.force_refresh
    _Tokens.given += 1
    return _say({"access_token": _access_token(window), "expires_in": TOKEN_SECONDS - elapsed})


@post("/sandbox/access-token", status_code=200)
async def kill_access_token(errcode: int, *, is_given_on: bool = False) -> Answer:
    """Make the access token of now die, to be refused with an errcode; no real service has this.

    Another is given from now on, unless the dead one ``is_given_on`` until somebody forces another.
    """
    _Tokens.dead[_access_token(int(time.time()) // TOKEN_SECONDS)] = errcode
    _Tokens.serial += not is_given_on
    return _say({"given": _Tokens.given})


@get("/sandbox/access-token", status_code=200)
async def count_access_tokens() -> Answer:
    """Say how often an access token was given; no real service has this."""
    return _say({"given": _Tokens.given})


@post("/wxa/business/getuserphonenumber", status_code=200)
async def get_phone_number(request: AnyRequest) -> Answer:
    """Give the phone number behind a phone code."""
    refused = find_token_error(request.query_params.get("access_token", ""))
    if refused:
        return _say_error(refused)
    code = _decode(await request.body(), PhoneAsk).code
    if (strange := await _misbehave(code)) is not None:
        return strange
    phone = compute_phone(code)
    if phone is None:
        return _say_error(CODE_INVALID)
    full = phone.number if phone.country_code == "86" else f"+{phone.country_code}{phone.number}"
    watermark = {"timestamp": int(time.time()), "appid": CREDENTIALS.app_id}
    info = {
        "phoneNumber": full, "purePhoneNumber": phone.number, "countryCode": phone.country_code, "watermark": watermark
    }  # fmt: skip
    return _say({"errcode": 0, "errmsg": "ok", "phone_info": info})


def find_token_error(given: str) -> int | None:
    """Return why an access token is not taken."""
    if not given or given in _Tokens.dead:
        return _Tokens.dead.get(given, 41001)
    window = int(time.time()) // TOKEN_SECONDS
    if given == _access_token(window):
        return None
    return 42001 if given == _access_token(window - 1) else 40001


def _access_token(window: int) -> str:
    return "sandbox-" + hashlib.sha256(f"{CREDENTIALS.app_secret} {window} {_Tokens.serial}".encode()).hexdigest()


def _credentials_error(app_id: str, app_secret: str) -> int | None:
    if app_id != CREDENTIALS.app_id:
        return 40013
    return None if app_secret == CREDENTIALS.app_secret else 40125


async def _misbehave(code: str) -> Answer | None:
    """Do what a code asks for: an errcode, or one of the ways a service fails without saying so."""
    errcode = parse_errcode(code)
    if errcode is not None:
        return _say_error(errcode)
    manner = code.partition("-")[0]
    if manner == "slow":
        await asyncio.sleep(SLOW_SECONDS)
    if manner == "trickle":
        return Stream(_trickle(), media_type="text/plain")
    if manner == "huge":
        return Response(b'{"openid":"' + b"a" * HUGE_BYTES + b'"}', media_type="text/plain")
    bodies = {"slow": (200, b'{"errcode":-1}'), "garbled": (200, b"<html>502</html>"), "down": (502, b"")}
    status_code, body = bodies.get(manner, (0, b""))
    return Response(body, status_code=status_code, media_type="text/plain") if status_code else None


async def _trickle() -> AsyncIterator[bytes]:
    for _ in range(SLOW_SECONDS * 20):
        yield b" "
        await asyncio.sleep(0.05)


def _say(answer: object) -> Response[bytes]:
    return Response(msgspec.json.encode(answer), media_type="text/plain")


def _say_error(errcode: int) -> Response[bytes]:
    return _say({"errcode": errcode, "errmsg": f"{ERRMSGS.get(errcode, 'unknown error')}, rid: sandbox"})


def _decode(body: bytes, kind: type[Ask]) -> Ask:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError:
        return kind()

"""WeChat's server API, one function per call. Answers are returned as they are; ``errcode`` 0 is success.

https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/ — code2Session, getStableAccessToken, getPhoneNumber.
"""

from __future__ import annotations

import msgspec

from app.kit.outside.ask import ask_outside
from app.settings import read_settings

SERVICE = "WeChat"
JSON = {"Content-Type": "application/json"}


class SessionAnswer(msgspec.Struct, frozen=True):
    """Whose code it was. The ``session_key`` beside it is not even read."""

    openid: str = ""
    errcode: int = 0


class TokenAnswer(msgspec.Struct, frozen=True):
    """The token that other calls need, and for how long it is good."""

    access_token: str = ""
    expires_in: int = 0
    errcode: int = 0


class PhoneInfo(msgspec.Struct, frozen=True, rename="camel"):
    """A number without its country code, and the country code."""

    pure_phone_number: str = ""
    country_code: str = ""


class PhoneAnswer(msgspec.Struct, frozen=True):
    """The phone number behind a phone code."""

    phone_info: PhoneInfo = PhoneInfo()
    errcode: int = 0


async def exchange_login_code(js_code: str) -> SessionAnswer:
    """Exchange a login code for the openid behind it."""
    parameters = {
        "appid": read_settings().wechat_app_id,
        "secret": read_settings().wechat_app_secret,
        "js_code": js_code,
        "grant_type": "authorization_code",
    }
    url = f"{read_settings().wechat_base_url}/sns/jscode2session"
    return await ask_outside(SERVICE, SessionAnswer, "GET", url, parameters=parameters)


async def fetch_access_token(*, is_forced: bool = False) -> TokenAnswer:
    """Ask for the application's access token; WeChat gives everybody the same one until it ends, or one is forced."""
    body = msgspec.json.encode(
        {
            "grant_type": "client_credential",
            "appid": read_settings().wechat_app_id,
            "secret": read_settings().wechat_app_secret,
            "force_refresh": is_forced,
        }
    )
    url = f"{read_settings().wechat_base_url}/cgi-bin/stable_token"
    return await ask_outside(SERVICE, TokenAnswer, "POST", url, headers=JSON, body=body)


async def fetch_phone_number(phone_code: str, access_token: str) -> PhoneAnswer:
    """Exchange a phone code for the phone number the citizen has let us see."""
    url = f"{read_settings().wechat_base_url}/wxa/business/getuserphonenumber"
    parameters = {"access_token": access_token}
    body = msgspec.json.encode({"code": phone_code})
    return await ask_outside(SERVICE, PhoneAnswer, "POST", url, parameters=parameters, headers=JSON, body=body)

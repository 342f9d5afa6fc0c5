"""What WeChat tells of a person, its errcodes turned into refusals, and the access token all workers share."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, NoReturn

import msgspec

from app.citizen import clients
from app.citizen.refusals import WechatAccountBlocked, WechatCodeInvalid, WechatCodeUsed
from app.kit.errors import MisconfiguredHere, OutsideServiceUnavailable, RateLimited
from app.kit.valkey import VALKEY
from app.settings import SETTINGS

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from app.kit.errors import Refusal

LOG = logging.getLogger("huixin.citizen")
BUSY = -1
CODE_INVALID, CODE_USED, ACCOUNT_BLOCKED = 40029, 40163, 40226
QUOTA_GONE = 45011
TOKEN_REFUSED = frozenset({40001, 42001})
QUOTA_SECONDS = 60
TOKEN_MARGIN_SECONDS = 300
LOGIN_REFUSALS: dict[int, type[Refusal]] = {
    CODE_INVALID: WechatCodeInvalid,
    CODE_USED: WechatCodeUsed,
    ACCOUNT_BLOCKED: WechatAccountBlocked,
}


class AccessToken(msgspec.Struct, frozen=True):
    """WeChat's token for our calls, and until when we use it (unix seconds)."""

    text: str
    until: float


class _Held:
    """What this process knows of the token: the way on when Valkey is gone."""

    token = AccessToken("", 0.0)


async def fetch_openid(js_code: str) -> str:
    """Return the openid behind a login code, or refuse as WeChat does."""
    answer = await clients.exchange_login_code(js_code)
    if answer.errcode in LOGIN_REFUSALS:
        raise LOGIN_REFUSALS[answer.errcode]
    if answer.errcode or not answer.openid:
        _refuse(answer.errcode)
    return answer.openid


async def fetch_phone_number(phone_code: str) -> str | None:
    """Return the mainland phone number behind a phone code; None when the code or the number is not usable."""
    token = await _share_token()
    answer = await clients.fetch_phone_number(phone_code, token.text)
    if answer.errcode in TOKEN_REFUSED:
        token = await _share_token(refused=token.text)
        answer = await clients.fetch_phone_number(phone_code, token.text)
    if answer.errcode in (CODE_INVALID, CODE_USED):
        return None
    if answer.errcode:
        _refuse(answer.errcode)
    # A foreign number may look like a mainland one without its country code: it would be checked as somebody else's.
    return answer.phone_info.pure_phone_number if answer.phone_info.country_code == "86" else None


async def share_access_token(refused: str = "") -> str:
    """Return WeChat's access token for other rooms' calls; not the one WeChat just refused."""
    return (await _share_token(refused)).text


async def _share_token(refused: str = "") -> AccessToken:
    """Return a token that is not the refused one: from this process, from Valkey, or from WeChat."""
    for known in (_Held.token, await _find_shared()):
        if known.text and known.text != refused and known.until > time.time():
            _Held.token = known
            return known
    answer = await clients.fetch_access_token()
    if answer.errcode or not answer.access_token:
        _refuse(answer.errcode)
    lifetime = max(1, answer.expires_in - TOKEN_MARGIN_SECONDS)
    _Held.token = AccessToken(answer.access_token, time.time() + lifetime)
    await _store_shared(_Held.token, lifetime)
    return _Held.token


async def _find_shared() -> AccessToken:
    async def get(client: Redis) -> str | bytes | None:
        return await client.get(_place())

    raw = await VALKEY.try_call(get)
    try:
        return msgspec.json.decode(raw or "", type=AccessToken)
    except msgspec.DecodeError:
        return AccessToken("", 0.0)


async def _store_shared(token: AccessToken, lifetime: int) -> None:
    async def put(client: Redis) -> object:
        return await client.set(_place(), msgspec.json.encode(token), ex=lifetime)

    await VALKEY.try_call(put)


def _place() -> str:
    return f"wechat:access-token:{SETTINGS.wechat_app_id}"


def _refuse(errcode: int) -> NoReturn:
    """Refuse for an errcode that is not about the citizen's code."""
    if errcode == QUOTA_GONE:
        raise RateLimited(retry_after_seconds=QUOTA_SECONDS)
    if errcode in (BUSY, 0):  # 0: a success without what we asked for
        raise OutsideServiceUnavailable
    LOG.error("WeChat refuses our calls with errcode %d: check appid, secret and the IP allow-list", errcode)
    raise MisconfiguredHere

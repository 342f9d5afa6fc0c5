"""What WeChat says of a person, its errcodes turned into refusals, and the access token all workers share."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, NoReturn, Protocol, TypeVar

import msgspec

from app.citizen.answers import BUSY, compute_quota_wait, judge_errcode
from app.citizen.clients import wechat as wechat_clients
from app.citizen.refusals import WechatAccountBlocked, WechatCodeInvalid, WechatCodeUsed
from app.kit.clock import now
from app.kit.db.group_commit import GroupCommit
from app.kit.errors import MisconfiguredHere, OutsideServiceUnavailable, RateLimited
from app.kit.outside.valkey import VALKEY
from app.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from redis.asyncio import Redis

    from app.kit.errors import Refusal

LOG = logging.getLogger("huixin.citizen")
TOKEN_MARGIN_SECONDS = 300
FORCE_SECONDS_MIN = 60.0  # WeChat takes twenty forced renewals a day
WAITING_MAX = 4096
TOKENS_TRIED_MAX = 3
LOGIN_REFUSALS: dict[str, type[Refusal]] = {
    "code": WechatCodeInvalid,
    "used": WechatCodeUsed,
    "blocked": WechatAccountBlocked,
}


class _HasErrcode(Protocol):
    @property
    def errcode(self) -> int: ...


Answer = TypeVar("Answer", bound=_HasErrcode)


class AccessToken(msgspec.Struct, frozen=True):
    """WeChat's token for our calls, and until when we use it (unix seconds)."""

    text: str
    until: float


NO_TOKEN = AccessToken("", 0.0)


class _Held:
    """The token as this process has it: the way on when Valkey is gone."""

    token = NO_TOKEN
    may_force_at = 0.0  # on the monotonic clock


async def fetch_openid(js_code: str) -> str:
    """Return the openid behind a login code, or refuse as WeChat does."""
    answer = await wechat_clients.exchange_login_code(js_code)
    family = judge_errcode(answer.errcode, with_token=False)
    if family in LOGIN_REFUSALS:
        raise LOGIN_REFUSALS[family]
    if family != "ok" or not answer.openid:
        _refuse(answer.errcode, with_token=False)
    return answer.openid


async def fetch_phone_number(phone_code: str) -> str | None:
    """Return the mainland phone number behind a phone code; None when the code or the number is not usable."""
    answer = await call_with_token(lambda token: wechat_clients.fetch_phone_number(phone_code, token))
    family = judge_errcode(answer.errcode, with_token=True)
    if family in ("code", "used"):
        return None
    if family != "ok":
        _refuse(answer.errcode, with_token=True)
    # A foreign number may look like a mainland one without its country code: it would be checked as somebody else's.
    return answer.phone_info.pure_phone_number if answer.phone_info.country_code == "86" else None


async def call_with_token(call: Callable[[str], Awaitable[Answer]]) -> Answer:
    """Make a call that carries WeChat's access token, and again with another when WeChat refuses it.

    The token of this process may be dead and so may the one in Valkey, so a third try comes fresh from WeChat. A token
    that was refused is remembered nowhere, so that the next call asks for another again.
    """
    refused: frozenset[str] = frozenset()
    while True:
        token = await _share_token(refused)
        answer = await call(token)
        if judge_errcode(answer.errcode, with_token=True) != "token":
            return answer
        refused |= {token}
        if len(refused) == TOKENS_TRIED_MAX:
            await _drop(refused)
            return answer


async def _share_token(refused: frozenset[str]) -> str:
    """Return a token that is none of the refused ones: from this process, from Valkey, or from WeChat."""
    usable = await _find_usable(refused)
    return usable.text or await _renewals.submit(refused)


async def _find_usable(refused: Collection[str]) -> AccessToken:
    for token in (_Held.token, await _find_shared()):
        if token.text and token.text not in refused and token.until > time.time():
            _Held.token = token
            return token
    return NO_TOKEN


async def _renew(waiting: list[frozenset[str]]) -> list[str]:
    """Ask WeChat for a token once for all who wait for one; theirs may have come while they waited."""
    refused = frozenset[str]().union(*waiting)
    token = await _find_usable(refused)
    if not token.text:
        await _drop(refused)
        token = await _fetch_token(refused)
    return [token.text] * len(waiting)


async def _fetch_token(refused: Collection[str]) -> AccessToken:
    """Fetch a token that is none of the refused ones; WeChat repeats one until it ends, or until it is forced."""
    answer = await wechat_clients.fetch_access_token()
    if answer.access_token and answer.access_token in refused and _Held.may_force_at <= time.monotonic():
        _Held.may_force_at = time.monotonic() + FORCE_SECONDS_MIN
        LOG.warning("WeChat gives out the access token that it refuses; another one is forced")
        answer = await wechat_clients.fetch_access_token(is_forced=True)
    if answer.errcode or not answer.access_token or answer.access_token in refused:
        _refuse(answer.errcode, with_token=False)
    lifetime = max(1, answer.expires_in - TOKEN_MARGIN_SECONDS)
    _Held.token = AccessToken(answer.access_token, time.time() + lifetime)
    await _store_shared(_Held.token, lifetime)
    return _Held.token


_renewals: GroupCommit[frozenset[str], str] = GroupCommit(
    _renew, lanes=1, batch_size_max=WAITING_MAX, queue_size_max=WAITING_MAX
)


async def _drop(refused: Collection[str]) -> None:
    """Forget tokens that were refused, here and for the other workers."""
    if _Held.token.text in refused:
        _Held.token = NO_TOKEN
    shared = await _find_shared()
    if shared.text and shared.text in refused:

        async def delete(client: Redis) -> object:
            return await client.delete(_place())

        await VALKEY.try_call(delete)


async def _find_shared() -> AccessToken:
    async def get(client: Redis) -> str | bytes | None:
        return await client.get(_place())

    raw = await VALKEY.try_call(get)
    try:
        return msgspec.json.decode(raw or "", type=AccessToken)
    except msgspec.DecodeError:
        return NO_TOKEN


async def _store_shared(token: AccessToken, lifetime: int) -> None:
    async def put(client: Redis) -> object:
        return await client.set(_place(), msgspec.json.encode(token), ex=lifetime)

    await VALKEY.try_call(put)


def _place() -> str:
    return f"wechat:access-token:{read_settings().wechat_app_id}"


def _refuse(errcode: int, *, with_token: bool) -> NoReturn:
    """Refuse for an errcode that is not about the citizen's code."""
    family = judge_errcode(errcode, with_token=with_token)
    if family in ("minute", "day"):
        LOG.warning("a quota of ours with WeChat is used up: errcode %d", errcode)
        raise RateLimited(retry_after_seconds=compute_quota_wait(family, now()))
    if family == "ours":
        LOG.error("WeChat refuses our calls with errcode %d: check appid, secret and the IP allow-list", errcode)
        raise MisconfiguredHere
    if errcode not in (BUSY, 0):  # 0: a success without what we asked for
        LOG.warning("WeChat refuses with errcode %d; it is asked again next time", errcode)
    raise OutsideServiceUnavailable

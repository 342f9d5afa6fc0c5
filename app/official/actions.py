"""Signing in and out, and who is behind a token."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import msgspec
import pyotp

from app.kit.audit import write_audit
from app.kit.auth import OfficialCaller, TokenChecker, issue_token
from app.kit.clock import now
from app.kit.crypto import decrypt_field
from app.kit.database import transaction
from app.kit.errors import Refusal, Unauthenticated
from app.kit.keys import KEYS
from app.kit.rate_limit import SharedLimit
from app.official import actions_secret, queries
from app.official.actions_manage import NewOfficial, create_administrator, create_official
from app.official.rules import (
    FAILED_TRIES_MAX,
    LOCK,
    TOKEN_SECONDS,
    compute_session,
    compute_totp_step,
    is_username,
)

if TYPE_CHECKING:
    from datetime import datetime

    from app.official.queries import Account, Credentials

__all__ = [
    "AUDIENCE",
    "LoginFailed",
    "NewOfficial",
    "SignedIn",
    "authenticate",
    "create_administrator",
    "create_official",
    "log_in",
    "log_out",
]

AUDIENCE = "official"
CHECKER = TokenChecker(AUDIENCE)
LIMIT_BY_NAME = SharedLimit("official-login-name", 20, 60)
LIMIT_BY_ADDRESS = SharedLimit("official-login-address", 300, 60)


class LoginFailed(Refusal):
    """Username, password or code is wrong, the code was used before, or the account is locked or suspended."""

    code: ClassVar[str] = "login_failed"
    status_code: ClassVar[int] = 401
    zh: ClassVar[str] = "用户名、密码或动态码不正确，动态码已被使用，或账号已锁定、停用"


class SignedIn(msgspec.Struct, frozen=True):
    """An official with a fresh token, in force for ``expires_in`` seconds, until ``expires_at``."""

    account: Account
    token: str
    expires_in: int
    expires_at: datetime


async def authenticate(authorization: str | None) -> OfficialCaller:
    """Return who is behind ``Bearer <token>``; state, roles and generation are read anew for every request."""
    claims = CHECKER.check(authorization)
    account = await queries.find_account(claims.sub)
    if account is None or not account.is_active:
        raise Unauthenticated
    if claims.sid != compute_session(account.id, account.token_generation):
        raise Unauthenticated
    return _caller(account)


async def log_in(username: str, password: str, code: str, *, address: str) -> SignedIn:
    """Sign in with password and a code not used before; the same answer and work whatever was wrong."""
    await LIMIT_BY_ADDRESS.hit(address)
    await LIMIT_BY_NAME.hit(username)
    credentials = await queries.take_try(username, FAILED_TRIES_MAX, LOCK, now()) if is_username(username) else None
    password_hash = credentials.password_hash if credentials else actions_secret.NOBODYS_HASH
    is_right = await asyncio.to_thread(actions_secret.is_password_right, password_hash, password)
    step = _find_step(credentials, code) if credentials else None
    if credentials is None or step is None or not is_right:
        raise LoginFailed
    async with transaction():
        if not await queries.mark_signed_in(credentials.id, credentials.password_hash, step):
            raise LoginFailed
        account = await queries.find_account(credentials.id)
        assert account is not None
        await write_audit(_caller(account), action="official.login", subject=f"official:{account.id}", detail={})
    at = now().replace(microsecond=0)  # a token tells whole seconds
    expires_at = at + timedelta(seconds=TOKEN_SECONDS)
    return SignedIn(account, issue_official_token(account, at), TOKEN_SECONDS, expires_at)


async def log_out(official: OfficialCaller) -> None:
    """Let every token of the caller die."""
    async with transaction():
        await queries.mark_signed_out(official.id)
        await write_audit(official, action="official.logout", subject=f"official:{official.id}", detail={})


def issue_official_token(account: Account, at: datetime) -> str:
    """Sign a token bound to the account's generation, in force from ``at``."""
    return issue_token(
        key=KEYS.ring.token[-1],
        audience=AUDIENCE,
        subject=account.id,
        session=compute_session(account.id, account.token_generation),
        now=int(at.timestamp()),
        lifetime_seconds=TOKEN_SECONDS,
    )


def _find_step(credentials: Credentials, code: str) -> int | None:
    secret = decrypt_field(credentials.totp_cipher, column=actions_secret.TOTP_COLUMN, row_id=credentials.id)
    return compute_totp_step(code, time.time(), pyotp.TOTP(secret).at)


def _caller(account: Account) -> OfficialCaller:
    return OfficialCaller(
        id=account.id,
        username=account.username,
        roles=frozenset(account.roles),
        institution_id=account.institution_id,
    )

"""Coming in, staying in, going out."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from app.citizen.actions.sealing import OPENID_PURPOSE, seal_openid
from app.citizen.actions.wechat import fetch_openid
from app.citizen.queries import accounts as accounts_queries
from app.citizen.queries import sessions as sessions_queries
from app.citizen.refusals import CitizenFrozen, RefreshTokenInvalid
from app.citizen.session import ACCESS_SECONDS, REFRESH_LIFETIME, compute_successor, compute_token_hash, judge_refresh
from app.kit.clock import uuid7
from app.kit.db.database import transaction
from app.kit.errors import Overloaded
from app.kit.outside.rate_limit import SharedLimit
from app.kit.security.auth import issue_token
from app.kit.security.crypto import blind_index
from app.kit.security.keys import KEYS

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.citizen.queries.accounts import Account
    from app.kit.security.auth import CitizenCaller

AUDIENCE = "citizen"
ACCOUNT_NUMBERS = 10**9
ACCOUNT_TRIES_MAX = 20
# Mobile operators put whole districts behind one address: this stops floods, not people.
LOGINS_PER_ADDRESS_MAX = 6000
LOGINS_PER_OPENID_MAX = 600
LOGIN_PERIOD_SECONDS = 60
ADDRESS_LIMIT = SharedLimit("login-address", LOGINS_PER_ADDRESS_MAX, LOGIN_PERIOD_SECONDS)
OPENID_LIMIT = SharedLimit("login", LOGINS_PER_OPENID_MAX, LOGIN_PERIOD_SECONDS)


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh pair of tokens and whose they are."""

    access_token: str
    refresh_token: str
    expires_in: int
    expires_at: datetime
    citizen_id: UUID
    state: str


async def log_in(code: str, *, address: str, at: datetime) -> Tokens:
    """Open a session for the person to whom wx.login gave this code, and an account if it is their first time."""
    await ADDRESS_LIMIT.hit(address)
    openid = await fetch_openid(code)
    await OPENID_LIMIT.hit(blind_index(openid, purpose="limit.openid").hex())
    account = await _find_or_open_account(openid, at)
    if account.state == "frozen":
        raise CitizenFrozen
    return await open_session(account.id, account.state, at=at)


async def open_session(citizen_id: UUID, state: str, *, at: datetime) -> Tokens:
    """Open a session, inside the caller's transaction or alone."""
    session_id, token = uuid7(at), secrets.token_urlsafe(32)
    await sessions_queries.insert_session(
        session_id=session_id,
        citizen_id=citizen_id,
        token_hash=compute_token_hash(token),
        at=at,
        expires_at=at + REFRESH_LIFETIME,
    )
    return _issue(citizen_id, session_id, state, token, at)


async def refresh(token: str, *, at: datetime) -> Tokens:
    """Exchange a refresh token for its successor; one that was used before revokes the whole session."""
    successor = compute_successor(token, KEYS.ring.refresh)
    token_hash, successor_hash = compute_token_hash(token), compute_token_hash(successor)
    async with transaction():
        presented = await sessions_queries.find_token_for_update(token_hash, successor_hash)
        verdict = judge_refresh(presented, at) if presented else "dead"
        if verdict == "rotate":
            await sessions_queries.insert_successor(
                token_hash=token_hash, successor_hash=successor_hash, at=at, expires_at=at + REFRESH_LIFETIME
            )
        elif verdict == "reuse" and presented:
            await sessions_queries.mark_session_revoked(presented.session_id, because="refresh token reused", at=at)
    if presented is None or verdict in ("reuse", "dead"):  # after the commit: the revocation must stay
        raise RefreshTokenInvalid
    return _issue(presented.citizen_id, presented.session_id, presented.state, successor, at)


async def log_out(citizen: CitizenCaller, *, at: datetime) -> None:
    """End this session, and kill the codes it has shown."""
    async with transaction():
        await accounts_queries.mark_generation_raised(citizen.id)
        await sessions_queries.mark_session_revoked(citizen.session_id, because="logged out", at=at)


async def forget_old_sessions(at: datetime) -> int:
    """Delete what can never be refreshed again, and return how many sessions; the worker does this daily."""
    async with transaction():
        await sessions_queries.delete_expired_tokens(at)
        return await sessions_queries.delete_dead_sessions(at - REFRESH_LIFETIME)


async def _find_or_open_account(openid: str, at: datetime) -> Account:
    """Return the account of an openid; two first logins at once both get the one that was stored."""
    openid_index = blind_index(openid, purpose=OPENID_PURPOSE)
    for _ in range(ACCOUNT_TRIES_MAX):  # again when somebody else took the openid, or the number, at the same time
        account = await accounts_queries.find_account_by_openid(openid_index) or await _open_account(openid, at)
        if account is not None:
            return account
    raise Overloaded


async def _open_account(openid: str, at: datetime) -> Account | None:
    citizen_id = uuid7(at)
    openid_index, openid_cipher = seal_openid(citizen_id, openid)
    return await accounts_queries.insert_account(
        citizen_id=citizen_id,
        account_number=secrets.randbelow(ACCOUNT_NUMBERS),
        openid_index=openid_index,
        openid_cipher=openid_cipher,
        at=at,
    )


def _issue(citizen_id: UUID, session_id: UUID, state: str, refresh_token: str, at: datetime) -> Tokens:
    access_token = issue_token(
        key=KEYS.ring.token[-1],
        audience=AUDIENCE,
        subject=citizen_id,
        session=session_id,
        now=int(at.timestamp()),
        lifetime_seconds=ACCESS_SECONDS,
    )
    return Tokens(
        access_token=access_token,
        refresh_token=refresh_token,
        expires_in=ACCESS_SECONDS,
        expires_at=at.replace(microsecond=0) + timedelta(seconds=ACCESS_SECONDS),
        citizen_id=citizen_id,
        state=state,
    )


FORGETS = (forget_old_sessions,)

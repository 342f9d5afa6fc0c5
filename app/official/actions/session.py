"""Signing in and out: a wrong try slows down where it comes from, a good one always passes.

Every try is counted by address and name and by address, and checked in any case: over the limit a wrong one has to
wait, a right one passes. Work is bounded because passwords are checked one by one in three lanes: of addresses from
which the official signed in before, of strangers, and of those over the limit. Each lane has its share of a core and
few places for one address. Guesses at the code by somebody who has the password are counted in the account itself, and
apart for familiar addresses: so the tries of others never lock an account (decision 39).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from app.kit.clock import now
from app.kit.db.audit import write_audit
from app.kit.db.database import transaction
from app.kit.errors import Overloaded, RateLimited
from app.kit.outside.rate_limit import SharedLimit
from app.kit.request.address import compute_network
from app.kit.security.auth import OfficialCaller, issue_token
from app.kit.security.crypto import blind_index
from app.kit.security.keys import KEYS
from app.official.account import (
    ADDRESS_FAMILIAR_FOR,
    ADDRESSES_FAMILIAR_MAX,
    CODE_TRIES_MAX,
    CODE_TRIES_WINDOW,
    TOKEN_SECONDS,
    compute_session,
    compute_totp_step,
    is_username,
)
from app.official.actions import secret as secret_actions
from app.official.moves import AUDIT_LOGIN, AUDIT_LOGOUT
from app.official.queries import sessions as sessions_queries
from app.official.refusals import LoginFailed

if TYPE_CHECKING:
    from datetime import datetime

    from app.official.queries.sessions import Account, Credentials

AUDIENCE = "official"
LIMIT_BY_NAME = SharedLimit("official-login-name", 10, 300)
LIMIT_BY_ADDRESS = SharedLimit("official-login-address", 60, 300)
WAITING_PER_ADDRESS_MAX, WAITING_MAX = 8, 64
WAIT_SECONDS = 2
REFUSED_SECONDS_MIN = 0.3  # longer than any way to a refusal takes, so that its time says nothing


class SignedIn(msgspec.Struct, frozen=True):
    """An official with a fresh token, in force for ``expires_in`` seconds, until ``expires_at``."""

    account: Account
    token: str
    expires_in: int
    expires_at: datetime


class Lane:
    """Checks passwords one by one, at most ``share`` of the time; refuses who comes while too many wait.

    Nobody waits for the pause after their own password, only the next one does.
    """

    def __init__(self, share: float) -> None:
        self._pause = 1 / share - 1  # for each second of work
        self._free = asyncio.Semaphore(1)
        self._waiting: Counter[str] = Counter()

    async def check(self, network: str, password_hash: str, password: str) -> bool:
        """Whether this is the password; refuses when too many wait already, of this address or in all."""
        if self._waiting[network] >= WAITING_PER_ADDRESS_MAX:
            raise RateLimited(retry_after_seconds=WAIT_SECONDS)
        if self._waiting.total() >= WAITING_MAX:
            raise Overloaded(retry_after_seconds=WAIT_SECONDS)
        self._waiting[network] += 1
        try:
            await self._free.acquire()
            began = time.monotonic()
            try:
                return await asyncio.to_thread(secret_actions.is_password_right, password_hash, password)
            finally:
                rest = (time.monotonic() - began) * self._pause
                asyncio.get_running_loop().call_later(rest, self._free.release)
        finally:
            self._waiting[network] -= 1
            self._waiting += Counter()  # drops the addresses of which nobody waits any more


FAMILIAR, STRANGERS, OVER_LIMIT = Lane(1), Lane(0.3), Lane(0.1)  # of one core, so that tills are not starved


async def log_in(username: str, password: str, code: str, *, address: str) -> SignedIn:
    """Sign in with password and a code not used before; the same answer in the same time whatever was wrong."""
    began = time.monotonic()
    network = compute_network(address)
    over_limit = await _count_try(username, network)
    try:
        return await _log_in(username, password, code, network, is_over_limit=over_limit is not None)
    except LoginFailed:
        await asyncio.sleep(began + REFUSED_SECONDS_MIN - time.monotonic())
        if over_limit is not None:
            raise over_limit from None
        raise


async def log_out(official: OfficialCaller) -> None:
    """Let every token of the caller die."""
    async with transaction():
        await sessions_queries.mark_signed_out(official.id)
        await write_audit(official, action=AUDIT_LOGOUT, subject=f"official:{official.id}", detail={})


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


def make_caller(account: Account) -> OfficialCaller:
    """Return the caller an account is."""
    return OfficialCaller(
        id=account.id,
        username=account.username,
        roles=frozenset(account.roles),
        institution_id=account.institution_id,
    )


async def _count_try(username: str, network: str) -> RateLimited | None:
    """Count a try and return how to refuse it in case it is wrong: None says within the limits."""
    over: RateLimited | None = None
    for limit, key in ((LIMIT_BY_NAME, f"{network} {username}"), (LIMIT_BY_ADDRESS, network)):
        try:
            await limit.hit(key)
        except RateLimited as refusal:
            over = refusal
    return over


async def _log_in(username: str, password: str, code: str, network: str, *, is_over_limit: bool) -> SignedIn:
    at = now()
    place = blind_index(network, purpose="official_address")
    credentials = None
    if is_username(username):
        credentials = await sessions_queries.find_credentials(username, place, at - ADDRESS_FAMILIAR_FOR)
    is_familiar = credentials is not None and credentials.is_familiar
    lane = FAMILIAR if is_familiar else OVER_LIMIT if is_over_limit else STRANGERS
    password_hash = credentials.password_hash if credentials else secret_actions.NOBODYS_HASH
    is_right = await lane.check(network, password_hash, password)
    if credentials is None or not is_right:
        raise LoginFailed
    step = await _take_code(credentials, code, place, at)
    return await _accept(credentials, step, place)


async def _take_code(credentials: Credentials, code: str, place: bytes, at: datetime) -> int:
    """Return the step of a right code, for which one of the tries that are left is used up."""
    apart = place if credentials.is_familiar else None
    taken = await sessions_queries.take_code_try(
        credentials.id, credentials.password_hash, apart, tries_max=CODE_TRIES_MAX, since=at - CODE_TRIES_WINDOW, at=at
    )
    totp = secret_actions.open_totp(credentials.totp_cipher, credentials.id)
    step = compute_totp_step(code, time.time(), totp.at)
    if not taken or step is None:
        raise LoginFailed
    return step


async def _accept(credentials: Credentials, step: int, place: bytes) -> SignedIn:
    at = now().replace(microsecond=0)  # a token holds whole seconds
    apart = place if credentials.is_familiar else None
    async with transaction():
        if not await sessions_queries.mark_signed_in(credentials.id, credentials.password_hash, step, apart):
            raise LoginFailed
        await sessions_queries.insert_address(credentials.id, place, newest_max=ADDRESSES_FAMILIAR_MAX, at=at)
        account = await sessions_queries.find_account(credentials.id)
        assert account is not None
        await write_audit(
            make_caller(account), action=AUDIT_LOGIN, subject=f"official:{account.id}", detail={}
        )  # fmt: skip
    expires_at = at + timedelta(seconds=TOKEN_SECONDS)
    return SignedIn(account, issue_official_token(account, at), TOKEN_SECONDS, expires_at)

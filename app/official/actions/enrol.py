"""A person enrols: with the code they were given they choose their password and are given their own TOTP secret.

Nobody else sees either. A secret that is given takes the place of the one given before: who saw an earlier one has
nothing. A code works once: if somebody else used it up, the person finds out when they come with the same code.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import msgspec

from app.event.actions import insert_events
from app.event.feed import NewEvent
from app.kit.clock import now
from app.kit.db.audit import write_audit
from app.kit.db.database import transaction
from app.kit.errors import InvalidRequest, RateLimited
from app.kit.outside.rate_limit import SharedLimit
from app.kit.request.address import compute_network
from app.official.account import PasswordFlaw, compute_enrolment_hash, compute_totp_step, judge_password
from app.official.actions import secret as secret_actions
from app.official.actions.session import make_caller
from app.official.moves import AUDIT_ENROL, ENROLLED
from app.official.queries import accounts as accounts_queries
from app.official.queries.sessions import find_account
from app.official.refusals import EnrolmentCodeInvalid, EnrolmentProofWrong
from app.values.fault import Fault

if TYPE_CHECKING:
    from datetime import datetime

    from app.official.queries.accounts import Enrolment, Official

LIMIT_ENROLMENTS = SharedLimit("official-enrolment", 30, 300)
PASSWORD_FLAWS: dict[PasswordFlaw, tuple[str, str]] = {
    "password_names_account": ("密码不能包含用户名", "The password must not contain the username"),
    "password_common": ("密码过于常见或单调，请另选", "Everybody would try this password; choose another"),
}


class OpenedEnrolment(msgspec.Struct, frozen=True, kw_only=True):
    """Whose account is enrolled until when, and the TOTP secret that was just made for it."""

    username: str
    totp_secret: str
    provisioning_uri: str
    expires_at: datetime


async def open_enrolment(code: str, *, address: str) -> OpenedEnrolment:
    """Give the holder of a code a new TOTP secret; one given before is worth nothing from now on."""
    code_hash, found = await _find(code, address)
    secret = secret_actions.make_totp_secret()
    if not await accounts_queries.mark_secret_given(found.id, code_hash, secret_actions.encrypt_totp(secret, found.id)):
        raise EnrolmentCodeInvalid
    return OpenedEnrolment(
        username=found.username,
        totp_secret=secret,
        provisioning_uri=secret_actions.compute_provisioning_uri(secret, found.username),
        expires_at=found.expires_at,
    )


async def complete_enrolment(code: str, password: str, totp: str, *, address: str) -> Official:
    """Set the password, once the holder of a code proves the secret given last; the code is used up.

    The account is active, or waits for a second administrator. The proof is no sign-in: that takes a later code.
    """
    code_hash, found = await _find(code, address)
    if flaw := judge_password(password, found.username):
        zh, en = PASSWORD_FLAWS[flaw]
        raise InvalidRequest(errors=[Fault.at("/password", flaw, zh, en)])
    if found.totp_cipher is None:
        raise EnrolmentProofWrong
    step = compute_totp_step(totp, time.time(), secret_actions.open_totp(found.totp_cipher, found.id).at)
    if step is None:
        raise EnrolmentProofWrong
    password_hash, at = await asyncio.to_thread(secret_actions.hash_password, password), now()
    async with transaction():
        if not await accounts_queries.mark_enrolled(
            found.id, enrolment_hash=code_hash, totp_cipher=found.totp_cipher, password_hash=password_hash, step=step,
            at=at,
        ):  # fmt: skip
            raise EnrolmentCodeInvalid
        return await _note(found, at)


async def _find(code: str, address: str) -> tuple[bytes, Enrolment]:
    """Return the account of a good code, which always passes; wrong ones are limited by address."""
    over: RateLimited | None = None
    try:
        await LIMIT_ENROLMENTS.hit(compute_network(address))
    except RateLimited as refusal:
        over = refusal
    code_hash = compute_enrolment_hash(code)
    found = await accounts_queries.find_enrolment(code_hash, now())
    if found is None:
        raise over or EnrolmentCodeInvalid
    return code_hash, found


async def _note(found: Enrolment, at: datetime) -> Official:
    """Write an event and an audit entry that somebody enrolled as this account, and return it as it now is."""
    row, account = await accounts_queries.find_official(found.id), await find_account(found.id)
    assert row is not None
    assert account is not None
    await insert_events([NewEvent(type=ENROLLED, subject_id=row.id, at=at, data={"state": row.state})])
    detail: dict[str, object] = {"state": row.state, "askedBy": row.asked_by}
    await write_audit(make_caller(account), action=AUDIT_ENROL, subject=f"official:{row.id}", detail=detail)
    return row

"""Which roles may be given where, what a password is, when a code counts, and what a token is bound to. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Literal
from uuid import UUID, uuid5

from app.values.patterns import USERNAME

PasswordFlaw = Literal["password_names_account", "password_common"]

CENTRE_ROLES: frozenset[str] = frozenset(("reviewer", "caseworker", "importer", "auditor"))
PASSWORD_CHARACTERS_MIN, PASSWORD_CHARACTERS_MAX = 12, 128
PASSWORD_REST_MIN = 6  # different characters beside the words everybody tries first
PASSWORD_COMMON = (
    "password", "passw0rd", "qwertyuiop", "qwerty", "asdfgh", "letmein", "welcome", "iloveyou", "admin", "huixin",
    "惠信", "woaini", "123456789", "12345678", "123456", "12345", "1234", "abcdef", "abc",
)  # fmt: skip

ENROLMENT_LIFETIME = timedelta(hours=72)
# Wrong codes after the right password: somebody has the password. From an address that signed in before they are
# counted apart, so that who stole the password does not shut the official out.
CODE_TRIES_MAX, CODE_TRIES_WINDOW = 10, timedelta(days=1)
ADDRESSES_FAMILIAR_MAX, ADDRESS_FAMILIAR_FOR = 10, timedelta(days=90)
TOTP_STEP_SECONDS = 30
TOTP_STEPS_AROUND = 1
TOKEN_SECONDS = 30 * 60


def is_username(text: str) -> bool:
    """Whether a text can be a username: 3 to 64 of ``a-z 0-9 . _ -``, beginning with a letter or digit."""
    return re.match(USERNAME, text) is not None


def judge_password(password: str, username: str) -> PasswordFlaw | None:
    """Return what is wrong with a password that is long enough: it names the account, or is what everybody tries."""
    rest = password.casefold()
    if username in rest:
        return "password_names_account"
    for word in PASSWORD_COMMON:
        rest = rest.replace(word, "")
    return "password_common" if len(set(rest)) < PASSWORD_REST_MIN else None


def compute_enrolment_hash(code: str) -> bytes:
    """Return what is stored of an enrolment code. A plain SHA-256 suffices: the code is 256 random bits."""
    return hashlib.sha256(code.encode()).digest()


def may_hold_roles(institution_id: UUID | None, roles: Collection[str]) -> bool:
    """Whether an official of this tenant may hold these roles: those that watch over institutions are the centre's."""
    return institution_id is None or CENTRE_ROLES.isdisjoint(roles)


def compute_totp_step(code: str, unix_seconds: float, code_at: Callable[[int], str]) -> int | None:
    """Return the time step (RFC 6238) whose code this is, at most one step off; None when it is none of them.

    ``code_at`` gives the code of a unix time. The latest step is preferred and all are compared.
    """
    current = int(unix_seconds) // TOTP_STEP_SECONDS
    found: int | None = None
    for step in range(current - TOTP_STEPS_AROUND, current + TOTP_STEPS_AROUND + 1):
        if hmac.compare_digest(code_at(step * TOTP_STEP_SECONDS).encode(), code.encode()):
            found = step
    return found


def compute_session(official_id: UUID, token_generation: int) -> UUID:
    """Return what a token carries as its session: it changes, and every token dies, when the generation is raised."""
    return uuid5(official_id, f"token generation {token_generation}")

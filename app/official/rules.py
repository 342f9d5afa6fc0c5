"""Which roles may be given where, when a code of the second factor counts, and what a token is bound to. Pure."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Literal
from uuid import UUID, uuid5

State = Literal["active", "suspended"]
Move = Literal["suspend", "resume"]
MOVES: dict[State, dict[Move, State]] = {"active": {"suspend": "suspended"}, "suspended": {"resume": "active"}}
MOVED: dict[Move, State] = {move: state for moves in MOVES.values() for move, state in moves.items()}
STATES_ZH: dict[State, str] = {"active": "启用", "suspended": "停用"}

USERNAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{2,63}$"
CENTRE_ROLES: frozenset[str] = frozenset(("reviewer", "caseworker", "importer", "auditor"))
PASSWORD_CHARACTERS_MAX = 128

FAILED_TRIES_MAX = 5
LOCK = timedelta(minutes=15)
TOTP_STEP_SECONDS = 30
TOTP_STEPS_AROUND = 1
TOKEN_SECONDS = 30 * 60


def is_username(text: str) -> bool:
    """Whether a text can be a username: 3 to 64 of ``a-z 0-9 . _ -``, beginning with a letter or digit."""
    return re.fullmatch(USERNAME_PATTERN[1:-1], text) is not None


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

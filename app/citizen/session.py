"""Sessions: how a refresh token turns into its successor, and what a presented token means."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

ACCESS_SECONDS = 600
REFRESH_LIFETIME = timedelta(days=30)
REFRESH_GRACE = timedelta(seconds=30)
Verdict = Literal["rotate", "repeat", "reuse", "dead"]


class PresentedToken(msgspec.Struct, frozen=True, kw_only=True):
    """A stored refresh token that somebody has shown, with what became of its session and its successor."""

    session_id: UUID
    citizen_id: UUID
    state: str
    is_revoked: bool
    expires_at: datetime
    replaced_at: datetime | None
    is_successor_replaced: bool


def compute_successor(token: str, key: bytes) -> str:
    """Return the token that follows ``token``: always the same one, so that two refreshes at once agree."""
    return base64.urlsafe_b64encode(hmac.digest(key, token.encode(), hashlib.sha256)).decode().rstrip("=")


def compute_token_hash(token: str) -> bytes:
    """Return what is stored of a refresh token; 256 random bits need no salt."""
    return hashlib.sha256(token.encode()).digest()


def judge_refresh(presented: PresentedToken, at: datetime) -> Verdict:
    """Decide what showing a token means.

    ``rotate``: it is the current one. ``repeat``: it was replaced a moment ago and its successor has not been used, so
    the answer was lost: give the same successor again. ``reuse``: it is an old one, so somebody has a copy. ``dead``:
    nothing can come of it any more.
    """
    if presented.is_revoked or presented.state not in ("new", "active") or presented.expires_at <= at:
        return "dead"
    if presented.replaced_at is None:
        return "rotate"
    is_recent = at - presented.replaced_at <= REFRESH_GRACE
    return "repeat" if is_recent and not presented.is_successor_replaced else "reuse"

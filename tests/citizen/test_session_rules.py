"""What showing a refresh token means, and what follows it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from app.citizen.session import REFRESH_GRACE, PresentedToken, compute_successor, compute_token_hash, judge_refresh

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
CURRENT = PresentedToken(
    session_id=UUID(int=1), citizen_id=UUID(int=2), state="active", is_revoked=False,
    expires_at=AT + timedelta(days=1), replaced_at=None, is_successor_replaced=False,
)  # fmt: skip
JUST_REPLACED = {"replaced_at": AT - REFRESH_GRACE}
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({}, "rotate"),
        ({"state": "new"}, "rotate"),
        ({"state": "frozen"}, "dead"),
        ({"state": "left"}, "dead"),
        ({"is_revoked": True}, "dead"),
        ({"expires_at": AT}, "dead"),
        ({"expires_at": AT + MOMENT}, "rotate"),
        (JUST_REPLACED, "repeat"),
        ({"replaced_at": AT - REFRESH_GRACE - MOMENT}, "reuse"),
        (JUST_REPLACED | {"is_successor_replaced": True}, "reuse"),
        (JUST_REPLACED | {"is_revoked": True}, "dead"),
        (JUST_REPLACED | {"expires_at": AT}, "dead"),
    ],
)
def test_judge_refresh(changed: dict[str, Any], verdict: str) -> None:
    assert judge_refresh(msgspec.structs.replace(CURRENT, **changed), AT) == verdict


def test_a_successor_is_always_the_same_and_needs_the_key() -> None:
    token, key = "t" * 43, b"k" * 32
    successor = compute_successor(token, key)
    assert successor == compute_successor(token, key)
    assert len({token, successor, compute_successor(token, b"x" * 32), compute_successor(successor, key)}) == 4
    assert len(compute_token_hash(successor)) == 32

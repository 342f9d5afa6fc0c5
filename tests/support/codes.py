"""The code a phone shows, and what a till reads of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.credit_code.refusals import CreditCodeExpired, CreditCodeInvalid
from app.credit_code.short_form import ExpiredCode, OpenedCode, open_code
from app.kit.security.keys import KEYS

if TYPE_CHECKING:
    from datetime import datetime

    from httpx2 import AsyncClient

    from tests.support.citizens import Joined


async def issue_code(client: AsyncClient, citizen: Joined) -> str:
    """Return the code a citizen's phone shows now."""
    answer = await client.post("/v1/me/codes", json={"count": 1}, headers=citizen.headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["codes"][0]["text"])


def open_shown_code(text: str, at: datetime) -> OpenedCode:
    """Read a code a till scanned; whether the account lives and the code ``is_of_generation`` is left to the caller."""
    opened = open_code(text, [key.key for key in KEYS.code_keys(at.timestamp())], at)
    if opened is None:
        raise CreditCodeInvalid
    if isinstance(opened, ExpiredCode):
        raise CreditCodeExpired
    return opened

"""Makes officials without signing in: the row through the room's own query, a token like the one login gives."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
import pyotp
from argon2 import PasswordHasher

from app.kit.clock import now, uuid7
from app.kit.crypto import encrypt_field
from app.official import actions, actions_secret, queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.kit.auth import Role

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery staple"


class OfficialLogin(msgspec.Struct, frozen=True):
    """An official with everything needed to act."""

    id: UUID
    username: str
    headers: dict[str, str]
    password: str
    totp_secret: str


async def make_official(*, roles: Sequence[Role], institution_id: UUID | None = None) -> OfficialLogin:
    """Store an official and return headers that speak for them; without an institution: of the centre."""
    official_id = uuid7()
    row = queries.OfficialRow(
        id=official_id, username=f"official-{official_id.hex[-12:]}", institution_id=institution_id, roles=list(roles),
        state="active", locked_until=None, created_at=now(),
    )  # fmt: skip
    secret = pyotp.random_base32()
    cipher = encrypt_field(secret, column=actions_secret.TOTP_COLUMN, row_id=official_id)
    assert await queries.insert_official(row, CHEAP.hash(PASSWORD), cipher)
    return OfficialLogin(official_id, row.username, await headers_of(official_id), PASSWORD, secret)


async def headers_of(official_id: UUID) -> dict[str, str]:
    """Return headers with a fresh token of an official."""
    account = await queries.find_account(official_id)
    assert account is not None
    return {"Authorization": f"Bearer {actions.issue_official_token(account, now())}"}

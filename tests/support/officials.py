"""Makes officials without signing in: enrolled through the room's own queries, a token like the one login gives."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import pyotp
from argon2 import PasswordHasher

from app.kit.clock import now, uuid7
from app.official.account import TOTP_STEP_SECONDS, compute_enrolment_hash
from app.official.actions import secret as secret_actions
from app.official.actions import session as session_actions
from app.official.queries import accounts as accounts_queries
from app.official.queries import sessions as sessions_queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from httpx2 import AsyncClient, Response

    from app.values.roles import Role

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery staple"
OFFICIALS = "/v1/official/officials"
ENROLMENTS = "/v1/official/enrolments"


class OfficialLogin(msgspec.Struct, frozen=True):
    """An official with everything needed to act."""

    id: UUID
    username: str
    headers: dict[str, str]
    password: str
    totp_secret: str


async def make_official(*, roles: Sequence[Role], institution_id: UUID | None = None) -> OfficialLogin:
    """Store an official and return headers that speak for them; without an institution: of the centre.

    Invited and enrolled as by the command line: nobody confirms, and hashing the password costs next to nothing.
    """
    official_id, at = uuid7(), now()
    row = accounts_queries.Official(
        id=official_id, username=f"official-{official_id.hex[-12:]}", institution_id=institution_id, roles=list(roles),
        state="invited", created_at=at, enrolment_expires_at=at + timedelta(hours=1),
    )  # fmt: skip
    code_hash, secret = compute_enrolment_hash(secret_actions.make_enrolment_code()), secret_actions.make_totp_secret()
    cipher = secret_actions.encrypt_totp(secret, official_id)
    assert await accounts_queries.insert_official(row, code_hash)
    assert await accounts_queries.mark_secret_given(official_id, code_hash, cipher)
    assert await accounts_queries.mark_enrolled(
        official_id, enrolment_hash=code_hash, totp_cipher=cipher, password_hash=CHEAP.hash(PASSWORD), step=0, at=at
    )
    return OfficialLogin(official_id, row.username, await headers_of(official_id), PASSWORD, secret)


async def headers_of(official_id: UUID) -> dict[str, str]:
    """Return headers with a fresh token of an official."""
    account = await sessions_queries.find_account(official_id)
    assert account is not None
    return {"Authorization": f"Bearer {session_actions.issue_official_token(account, now())}"}


async def enrol(client: AsyncClient, code: str, *, password: str = PASSWORD) -> tuple[Response, str]:
    """Play the person with an enrolment code; return the last answer and the TOTP secret, whose current code is left.

    A code that was refused because time went on is sent once more.
    """
    opened = await client.post(ENROLMENTS, json={"code": code})
    if opened.status_code != 200:
        return opened, ""
    secret = opened.json()["totpSecret"]
    for _ in range(2):
        body = {"code": code, "password": password, "totp": code_of(secret, steps=-1)}
        answer = await client.post(f"{ENROLMENTS}/complete", json=body)
        if answer.json().get("code") != "enrolment_proof_wrong":
            break
    return answer, secret


def code_of(secret: str, *, steps: int = 0) -> str:
    """Return the code of so many steps from now."""
    return pyotp.TOTP(secret).at(time.time() + steps * TOTP_STEP_SECONDS)


async def move(client: AsyncClient, who: OfficialLogin, official_id: object, action: str) -> Response:
    """Do something to an account as it now is; who may not read it names its first version."""
    path = f"{OFFICIALS}/{official_id}"
    seen = await client.get(path, headers=who.headers)
    headers = who.headers | {"If-Match": seen.headers.get("etag", '"1"')}
    return await client.post(f"{path}/{action}", headers=headers)


async def invite(client: AsyncClient, who: OfficialLogin, **changes: Any) -> dict[str, Any]:
    """Invite an editor of the centre, or somebody else, and return the answer, which must be a 201."""
    body = {"username": f"staff-{uuid7().hex[-12:]}", "roles": ["editor"], "institutionId": None} | changes
    answer = await client.post(OFFICIALS, headers=who.headers, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made

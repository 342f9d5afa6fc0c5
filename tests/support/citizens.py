"""People for tests, made through HTTP: somebody logged in, somebody joined."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

if TYPE_CHECKING:
    from httpx2 import AsyncClient

REQUIRED_CONSENTS = ({"purpose": "join", "version": 1}, {"purpose": "sensitive_information", "version": 1})
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
OLDEST_BORN_ON = date(1945, 1, 1)
ADULT_DAYS = 20_000  # 1945 to 1999: everybody is an adult
NAME = "惠小信"


class Tokens(NamedTuple):
    """Somebody logged in."""

    code: str
    access: str
    refresh: str
    citizen_id: UUID
    state: str

    @property
    def headers(self) -> dict[str, str]:
        """What a request of theirs carries."""
        return bearer(self.access)


class Joined(NamedTuple):
    """A member."""

    tokens: Tokens
    name: str
    id_number: str
    phone_code: str

    @property
    def id(self) -> UUID:
        """The citizen id."""
        return self.tokens.citizen_id

    @property
    def headers(self) -> dict[str, str]:
        """What a request of theirs carries."""
        return self.tokens.headers


def bearer(access_token: str) -> dict[str, str]:
    """Return the header a citizen's request carries."""
    return {"Authorization": f"Bearer {access_token}"}


def make_id_number(*, born_on: date | None = None, district: str | None = None, sequence: int | None = None) -> str:
    """Make a checksum-valid ID number; by default random, adult, in an area that is not assigned.

    The areas 995000 to 999999 are these people's; cities of a seed below 50, as tests make them, lie below.
    """
    born_on = born_on or OLDEST_BORN_ON + timedelta(days=secrets.randbelow(ADULT_DAYS))
    district = district or f"99{5_000 + secrets.randbelow(5_000)}"
    sequence = secrets.randbelow(1000) if sequence is None else sequence
    digits = f"{district}{born_on:%Y%m%d}{sequence:03d}"
    total = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, digits, strict=True))
    return digits + "10X98765432"[total % 11]


async def log_in(client: AsyncClient, code: str | None = None) -> Tokens:
    """Log in with a demo code; without one, as somebody new."""
    code = code or f"demo-{secrets.token_hex(8)}"
    answer = await client.post("/v1/auth/wechat", json={"code": code})
    assert answer.status_code == 200, answer.text
    return read_tokens(answer.json(), code)


def read_tokens(body: dict[str, Any], code: str = "") -> Tokens:
    """Read what login, refresh and rebind answer."""
    citizen = body["citizen"]
    return Tokens(code, body["accessToken"], body["refreshToken"], UUID(citizen["id"]), citizen["state"])


def identity_body(
    *, name: str = NAME, id_number: str | None = None, phone_code: str | None = None, consents: Any = None
) -> dict[str, Any]:
    """Return a body of POST /v1/me/identity; what is not given is random and right."""
    return {
        "name": name,
        "idNumber": id_number or make_id_number(),
        "phoneCode": phone_code or f"demo-phone-{secrets.token_hex(8)}",
        "consents": list(REQUIRED_CONSENTS if consents is None else consents),
    }


async def join(
    client: AsyncClient,
    *,
    name: str = NAME,
    id_number: str | None = None,
    phone_code: str | None = None,
    consents: Any = None,
    code: str | None = None,
) -> Joined:
    """Log in and become a member."""
    tokens = await log_in(client, code)
    body = identity_body(name=name, id_number=id_number, phone_code=phone_code, consents=consents)
    answer = await client.post("/v1/me/identity", json=body, headers=tokens.headers)
    assert answer.status_code == 200, answer.text
    return Joined(tokens._replace(state="active"), name, body["idNumber"], body["phoneCode"])

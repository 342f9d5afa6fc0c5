"""Confused, forged, stale and foreign tokens: none speaks for an official."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as make_ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as make_rsa_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.kit.clock import uuid7
from app.kit.db.database import execute
from app.kit.security.auth import ISSUER, issue_token
from app.kit.security.keys import KEYS
from app.official.account import compute_session
from tests.support.officials import OfficialLogin, headers_of, make_official
from tests.support.partners import bearer, make_partner

if TYPE_CHECKING:
    from httpx2 import AsyncClient

URL = "/v1/official/institutions"


class Scene(msgspec.Struct, frozen=True):
    """An official whose good token the variants are made from, another one, and a partner's key."""

    official: OfficialLogin
    other: OfficialLogin
    api_key: str

    @property
    def good(self) -> str:
        """The good token."""
        return self.official.headers["Authorization"].removeprefix("Bearer ")


def ours() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(KEYS.ring.token[-1].seed)


def public_bytes(encoding: Encoding, form: PublicFormat) -> bytes:
    return ours().public_key().public_bytes(encoding, form)


def sign(
    scene: Scene,
    *,
    key: Any = None,
    algorithm: str = "EdDSA",
    header: dict[str, Any] | None = None,
    without: str = "",
    **claims: Any,
) -> str:
    """Sign a token like ours but for what is given; ``without`` leaves a claim or header out."""
    at = int(time.time())
    body = {
        "iss": ISSUER, "aud": "official", "sub": str(scene.official.id),
        "sid": str(compute_session(scene.official.id, 0)), "jti": "1", "iat": at, "exp": at + 600,
    } | claims  # fmt: skip
    headers: dict[str, Any] = {"kid": KEYS.ring.token[-1].kid, "typ": "at+jwt"} | (header or {})
    body.pop(without, None)
    if without == "typ":
        headers["typ"] = None  # or the library would put its own
    if without == "kid":
        del headers["kid"]
    return jwt.encode(body, key or ours(), algorithm=algorithm, headers=headers)


def parts(token: str) -> list[str]:
    return token.split(".")


def encode(value: object) -> str:
    raw = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def with_header(scene: Scene, **changes: object) -> str:
    """Exchange the header and keep the signature."""
    head, body, signature = parts(scene.good)
    old = msgspec.json.decode(base64.urlsafe_b64decode(head + "=="))
    return ".".join((encode(old | changes), body, signature))


def with_body(scene: Scene, **changes: object) -> str:
    """Exchange the claims and keep the signature."""
    head, body, signature = parts(scene.good)
    old = msgspec.json.decode(base64.urlsafe_b64decode(body + "=="))
    return ".".join((head, encode(old | changes), signature))


def issue(scene: Scene, audience: str) -> str:
    return issue_token(
        key=KEYS.ring.token[-1], audience=audience, subject=scene.official.id,
        session=compute_session(scene.official.id, 0), now=int(time.time()), lifetime_seconds=600,
    )  # fmt: skip


STRANGER = Ed25519PrivateKey.generate()
RAW = (Encoding.Raw, PublicFormat.Raw)
NONE_HEADER = {"alg": "none", "typ": "at+jwt"}
HOUR = 3600

VARIANTS: dict[str, Callable[[Scene], str]] = {
    # no token, or not one
    "nothing": lambda _: "",
    "scheme only": lambda _: "Bearer",
    "empty token": lambda _: "Bearer ",
    "no scheme": lambda scene: scene.good,
    "basic scheme": lambda scene: f"Basic {scene.good}",
    "two spaces": lambda scene: f"Bearer  {scene.good}",
    "two tokens": lambda scene: f"Bearer {scene.good},{scene.good}",
    "quoted": lambda scene: f'Bearer "{scene.good}"',
    "one part": lambda scene: f"Bearer {parts(scene.good)[0]}",
    "two parts": lambda scene: "Bearer " + ".".join(parts(scene.good)[:2]),
    "four parts": lambda scene: f"Bearer {scene.good}.x",
    "five parts": lambda scene: f"Bearer {scene.good}.x.y",
    "only dots": lambda _: "Bearer ..",
    "not base64": lambda _: "Bearer !.!.!",
    "not ASCII": lambda scene: f"Bearer {scene.good}é",
    "wrapped again": lambda scene: f"Bearer {encode(scene.good.encode())}",
    "lower case": lambda scene: f"Bearer {scene.good.lower()}",
    # signatures
    "signature gone": lambda scene: "Bearer " + ".".join((*parts(scene.good)[:2], "")),
    "signature zero": lambda scene: "Bearer " + ".".join((*parts(scene.good)[:2], encode(bytes(64)))),
    "signature cut": lambda scene: f"Bearer {scene.good[:-4]}",
    "signature of another token": lambda scene: "Bearer "
    + ".".join((*parts(scene.good)[:2], parts(scene.other.headers["Authorization"])[2])),
    "claims exchanged": lambda scene: f"Bearer {with_body(scene, sub=str(scene.other.id))}",
    "lifetime exchanged": lambda scene: f"Bearer {with_body(scene, exp=int(time.time()) + 10**6)}",
    "signed by a stranger": lambda scene: f"Bearer {sign(scene, key=STRANGER)}",
    "stranger's key embedded": lambda scene: "Bearer "
    + sign(scene, key=STRANGER, header={"jwk": msgspec.json.decode(jwt.algorithms.OKPAlgorithm.to_jwk(STRANGER))}),
    "stranger's key by address": lambda scene: "Bearer "
    + sign(scene, key=STRANGER, header={"jku": "https://example.org/keys"}),
    # algorithms
    "alg none": lambda scene: f"Bearer {encode(NONE_HEADER)}.{parts(scene.good)[1]}.",
    "alg None": lambda scene: f"Bearer {encode(NONE_HEADER | {'alg': 'None'})}.{parts(scene.good)[1]}.",
    "alg none with kid": lambda scene: f"Bearer {with_header(scene, alg='none')}",
    "alg missing": lambda scene: f"Bearer {with_header(scene, alg=None)}",
    "HS256 with the public key": lambda scene: "Bearer " + sign(scene, key=public_bytes(*RAW), algorithm="HS256"),
    "HS512 with the public key": lambda scene: "Bearer "
    + sign(scene, key=public_bytes(*RAW) * 2, algorithm="HS512"),
    "HS256 with the key id": lambda scene: "Bearer "
    + sign(scene, key=KEYS.ring.token[-1].kid.encode() * 4, algorithm="HS256"),
    "ES256": lambda scene: f"Bearer {sign(scene, key=make_ec_key(SECP256R1()), algorithm='ES256')}",
    "RS256": lambda scene: f"Bearer {sign(scene, key=make_rsa_key(65537, 2048), algorithm='RS256')}",
    "header says HS256": lambda scene: f"Bearer {with_header(scene, alg='HS256')}",
    # headers
    "kid unknown": lambda scene: f"Bearer {sign(scene, header={'kid': 'ffffffff'})}",
    "kid missing": lambda scene: f"Bearer {sign(scene, without='kid')}",
    "kid empty": lambda scene: f"Bearer {sign(scene, header={'kid': ''})}",
    "kid a path": lambda scene: f"Bearer {sign(scene, header={'kid': '../../../dev/null'})}",
    "kid a query": lambda scene: "Bearer " + sign(scene, header={"kid": "' OR 1=1 --"}),
    "kid a number": lambda scene: f"Bearer {with_header(scene, kid=1)}",
    "typ JWT": lambda scene: f"Bearer {sign(scene, header={'typ': 'JWT'})}",
    "typ missing": lambda scene: f"Bearer {sign(scene, without='typ')}",
    "typ in capitals": lambda scene: f"Bearer {sign(scene, header={'typ': 'AT+JWT'})}",
    "critical extension": lambda scene: f"Bearer {sign(scene, header={'crit': ['x'], 'x': 1})}",
    # claims
    "audience citizen": lambda scene: f"Bearer {issue(scene, 'citizen')}",
    "audience partner": lambda scene: f"Bearer {issue(scene, 'partner')}",
    "audience empty": lambda scene: f"Bearer {issue(scene, '')}",
    "audience of two": lambda scene: f"Bearer {sign(scene, aud=['official', 'citizen'])}",
    "audience missing": lambda scene: f"Bearer {sign(scene, without='aud')}",
    "issuer of another city": lambda scene: f"Bearer {sign(scene, iss='elsewhere')}",
    "issuer missing": lambda scene: f"Bearer {sign(scene, without='iss')}",
    "expired": lambda scene: f"Bearer {sign(scene, exp=int(time.time()) - 1)}",
    "expiry missing": lambda scene: f"Bearer {sign(scene, without='exp')}",
    "expiry a word": lambda scene: f"Bearer {sign(scene, exp='never')}",
    "not yet": lambda scene: f"Bearer {sign(scene, nbf=int(time.time()) + HOUR)}",
    "issued tomorrow": lambda scene: f"Bearer {sign(scene, iat=int(time.time()) + HOUR)}",
    "issue time missing": lambda scene: f"Bearer {sign(scene, without='iat')}",
    "token id missing": lambda scene: f"Bearer {sign(scene, without='jti')}",
    "subject missing": lambda scene: f"Bearer {sign(scene, without='sub')}",
    "subject a name": lambda scene: f"Bearer {sign(scene, sub=scene.official.username)}",
    "subject nobody": lambda scene: f"Bearer {sign(scene, sub=str(uuid7()))}",
    "subject zero": lambda scene: f"Bearer {sign(scene, sub=str(UUID(int=0)))}",
    "subject another official": lambda scene: f"Bearer {sign(scene, sub=str(scene.other.id))}",
    "session missing": lambda scene: f"Bearer {sign(scene, without='sid')}",
    "session random": lambda scene: f"Bearer {sign(scene, sid=str(uuid7()))}",
    "session of another": lambda scene: f"Bearer {sign(scene, sid=str(compute_session(scene.other.id, 0)))}",
    "session of a later life": lambda scene: f"Bearer {sign(scene, sid=str(compute_session(scene.official.id, 1)))}",
    # other callers' credentials
    "a partner's key": lambda scene: f"Bearer {scene.api_key}",
    "a citizen's token": lambda _: "Bearer "
    + issue_token(
        key=KEYS.ring.token[-1], audience="citizen", subject=uuid7(), session=uuid7(), now=int(time.time()),
        lifetime_seconds=600,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
async def scene(app: object) -> Scene:
    assert app is not None
    partner = await make_partner()
    official, other = [await make_official(roles=["administrator"]) for _ in range(2)]
    return Scene(official, other, partner.api_key)


async def test_the_token_they_are_made_from_is_good(client: AsyncClient, scene: Scene) -> None:
    assert (await client.get(URL, headers=bearer(scene.good))).status_code == 200
    assert (await client.get(URL, headers=bearer(sign(scene)))).status_code == 200
    assert (await client.get(URL, headers={"Authorization": f"bearer {scene.good}"})).status_code == 200


@pytest.mark.parametrize("variant", VARIANTS)
async def test_a_confused_token_is_nobodys(client: AsyncClient, scene: Scene, variant: str) -> None:
    headers = {b"authorization": VARIANTS[variant](scene).encode()}
    answer = await client.get(URL, headers=headers)
    assert answer.status_code == 401, variant
    assert answer.json()["code"] == "unauthenticated"
    assert answer.headers["www-authenticate"] == "Bearer"


def test_there_are_enough_of_them() -> None:
    assert len(VARIANTS) >= 60


async def test_a_remembered_token_dies_with_its_account(client: AsyncClient) -> None:
    """The signature is remembered for a minute; whether the account may still act is not."""
    official = await make_official(roles=["administrator"])
    for change, back in (
        ("state = 'suspended'", "state = 'active'"),
        ("token_generation = token_generation + 1", "token_generation = token_generation - 1"),
    ):
        assert (await client.get(URL, headers=official.headers)).status_code == 200
        await execute(f"UPDATE official SET {change} WHERE id = $1", official.id)
        assert (await client.get(URL, headers=official.headers)).status_code == 401
        await execute(f"UPDATE official SET {back} WHERE id = $1", official.id)
    await execute("UPDATE official SET roles = ARRAY['auditor'] WHERE id = $1", official.id)
    assert (await client.get(URL, headers=official.headers)).status_code == 403


async def test_staff_of_a_suspended_institution_stop(client: AsyncClient) -> None:
    partner = await make_partner()
    official = await make_official(roles=["administrator"], institution_id=partner.institution_id)
    assert (await client.get(URL, headers=official.headers)).status_code == 200
    await execute("UPDATE institution SET state = 'suspended' WHERE id = $1", partner.institution_id)
    assert (await client.get(URL, headers=official.headers)).status_code == 401
    await execute("UPDATE institution SET state = 'active' WHERE id = $1", partner.institution_id)
    assert (await client.get(URL, headers=await headers_of(official.id))).status_code == 200

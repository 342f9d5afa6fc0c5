"""Tokens that look right and are not: none of them is let in, and the real one beside them is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.kit.clock import uuid7
from app.kit.security.auth import issue_token
from app.kit.security.keys import KEYS
from tests.support.citizens import Tokens, log_in

if TYPE_CHECKING:
    from httpx2 import AsyncClient


class Bench(NamedTuple):
    """What a forger may know: a real token, another citizen's, and the public key."""

    real: Tokens
    other: Tokens

    @property
    def key(self) -> Ed25519PrivateKey:
        """Our own key: a token signed with it is wrong only in what it says."""
        return Ed25519PrivateKey.from_private_bytes(KEYS.ring.token[-1].seed)

    @property
    def parts(self) -> list[str]:
        """Header, payload and signature of the real token."""
        return self.real.access.split(".")

    @property
    def claims(self) -> dict[str, Any]:
        """The real token's claims."""
        return dict(json.loads(unpack(self.parts[1])))

    def signed(self, *, header: dict[str, Any] | None = None, key: Any = None, without: str = "", **said: Any) -> str:
        """Return a token with some claims changed or missing, well signed unless another key is given."""
        claims = {name: value for name, value in (self.claims | said).items() if name != without}
        headers = {"kid": KEYS.ring.token[-1].kid, "typ": "at+jwt"} | (header or {})
        head = {"alg": "EdDSA"} | {name: value for name, value in headers.items() if value is not None}
        text = f"{pack(head)}.{pack(claims)}"
        return f"{text}.{pack_bytes((key or self.key).sign(text.encode()))}"

    def public(self, encoding: Encoding, form: PublicFormat) -> bytes:
        """Return the public key in one of the shapes a forger would use as an HMAC secret."""
        return self.key.public_key().public_bytes(encoding, form)

    def hmac_signed(self, secret: bytes, header: dict[str, Any] | None = None) -> str:
        """Return a token signed with HS256 under ``secret``."""
        head = {"alg": "HS256", "kid": KEYS.ring.token[-1].kid, "typ": "at+jwt"} | (header or {})
        text = f"{pack(head)}.{self.parts[1]}"
        return f"{text}.{pack_bytes(hmac.digest(secret, text.encode(), hashlib.sha256))}"

    def unsigned(self, alg: str, signature: str = "") -> str:
        """Return a token that claims to need no signature."""
        head = {"alg": alg, "kid": KEYS.ring.token[-1].kid, "typ": "at+jwt"}
        return f"{pack(head)}.{self.parts[1]}.{signature}"

    def issued(self, **changed: Any) -> str:
        """Return a token from our own issuer, for something else."""
        facts: dict[str, Any] = {
            "key": KEYS.ring.token[-1], "audience": "citizen", "subject": self.real.citizen_id, "session": uuid7(),
            "now": int(time.time()), "lifetime_seconds": 600,
        }  # fmt: skip
        return issue_token(**(facts | changed))


def pack(value: object) -> str:
    return pack_bytes(json.dumps(value).encode())


def pack_bytes(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unpack(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def flip(text: str, place: int) -> str:
    """Change one character of a token."""
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]


def retyped(bench: Bench) -> str:
    """Return the same signature bytes in another spelling: the last four bits of 86 characters say nothing."""
    text = bench.real.access
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1]
    assert unpack(other.split(".")[2]) == unpack(bench.parts[2])
    return other


STRANGER = Ed25519PrivateKey.generate()
RAW, PEM, SPKI = (
    (Encoding.Raw, PublicFormat.Raw),
    (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    (Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
)
JWK = {"kty": "OKP", "crv": "Ed25519", "x": pack_bytes(STRANGER.public_key().public_bytes(*RAW))}

CASES: dict[str, Callable[[Bench], str]] = {
    "alg none": lambda b: b.unsigned("none"),
    "alg None": lambda b: b.unsigned("None"),
    "alg NONE": lambda b: b.unsigned("NONE"),
    "alg none with the real signature": lambda b: b.unsigned("none", b.parts[2]),
    "alg empty": lambda b: b.unsigned("", b.parts[2]),
    "alg missing": lambda b: f"{pack({'typ': 'at+jwt', 'kid': KEYS.ring.token[-1].kid})}.{b.parts[1]}.{b.parts[2]}",
    "HS256 with the raw public key": lambda b: b.hmac_signed(b.public(*RAW)),
    "HS256 with the PEM public key": lambda b: b.hmac_signed(b.public(*PEM)),
    "HS256 with the DER public key": lambda b: b.hmac_signed(b.public(*SPKI)),
    "HS256 with an empty secret": lambda b: b.hmac_signed(b""),
    "HS256 with the kid as secret": lambda b: b.hmac_signed(KEYS.ring.token[-1].kid.encode()),
    "HMAC that calls itself EdDSA": lambda b: b.hmac_signed(b.public(*RAW), {"alg": "EdDSA"}),
    "ES256": lambda b: jwt.encode(
        b.claims, generate_private_key(SECP256R1()), "ES256", {"kid": KEYS.ring.token[-1].kid, "typ": "at+jwt"}
    ),
    "alg Ed25519": lambda b: b.signed(header={"alg": "Ed25519"}),
    "alg in small letters": lambda b: b.signed(header={"alg": "eddsa"}),
    "a stranger's key under our kid": lambda b: b.signed(key=STRANGER),
    "a stranger's key in the header": lambda b: b.signed(key=STRANGER, header={"jwk": JWK}),
    "a key by address": lambda b: b.signed(key=STRANGER, header={"jku": "https://example.com/keys.json"}),
    "kid unknown": lambda b: b.signed(header={"kid": "feedface"}),
    "kid missing": lambda b: b.signed(header={"kid": None}),
    "kid empty": lambda b: b.signed(header={"kid": ""}),
    "kid a number": lambda b: b.signed(header={"kid": 1}),
    "kid a path": lambda b: b.signed(header={"kid": "../../dev/null"}),
    "typ missing": lambda b: b.signed(header={"typ": None}),
    "typ JWT": lambda b: b.signed(header={"typ": "JWT"}),
    "typ in capitals": lambda b: b.signed(header={"typ": "AT+JWT"}),
    "typ of an id token": lambda b: b.signed(header={"typ": "id+jwt"}),
    "crit not understood": lambda b: b.signed(header={"crit": ["huixin"], "huixin": 1}),
    "iss another": lambda b: b.signed(iss="weixin"),
    "iss missing": lambda b: b.signed(without="iss"),
    "iss a list": lambda b: b.signed(iss=["huixin"]),
    "aud official": lambda b: b.signed(aud="official"),
    "aud partner": lambda b: b.signed(aud="partner"),
    "aud missing": lambda b: b.signed(without="aud"),
    "aud a list with ours": lambda b: b.signed(aud=["citizen", "official"]),
    "aud empty": lambda b: b.signed(aud=""),
    "sub missing": lambda b: b.signed(without="sub"),
    "sub no id": lambda b: b.signed(sub="admin"),
    "sub of another citizen": lambda b: b.signed(sub=str(b.other.citizen_id)),
    "sub of nobody": lambda b: b.signed(sub=str(uuid7())),
    "sid missing": lambda b: b.signed(without="sid"),
    "sid of another citizen's session": lambda b: b.signed(sid=json.loads(unpack(b.other.access.split(".")[1]))["sid"]),
    "sid of nobody": lambda b: b.issued(session=uuid7()),
    "sid no id": lambda b: b.signed(sid=1),
    "jti missing": lambda b: b.signed(without="jti"),
    "iat missing": lambda b: b.signed(without="iat"),
    "iat in the future": lambda b: b.signed(iat=int(time.time()) + 3600),
    "nbf in the future": lambda b: b.signed(nbf=int(time.time()) + 3600),
    "nbf no number": lambda b: b.signed(nbf="now"),
    "exp missing": lambda b: b.signed(without="exp"),
    "exp past": lambda b: b.signed(exp=int(time.time()) - 1),
    "exp long past": lambda b: b.issued(now=int(time.time()) - 6000),
    "exp null": lambda b: b.signed(exp=None),
    "exp text": lambda b: b.signed(exp="never"),
    "exp true": lambda b: b.signed(exp=True),
    "another audience's valid token": lambda b: b.issued(audience="official"),
    "payload swapped": lambda b: f"{b.parts[0]}.{b.other.access.split('.')[1]}.{b.parts[2]}",
    "signature swapped": lambda b: f"{b.parts[0]}.{b.parts[1]}.{b.other.access.split('.')[2]}",
    "signature gone": lambda b: f"{b.parts[0]}.{b.parts[1]}.",
    "two parts": lambda b: f"{b.parts[0]}.{b.parts[1]}",
    "four parts": lambda b: b.real.access + ".AAAA",
    "five parts": lambda b: b.real.access + ".AAAA.AAAA",
    "truncated by one": lambda b: b.real.access[:-1],
    "truncated to half": lambda b: b.real.access[: len(b.real.access) // 2],
    "one letter too many": lambda b: b.real.access + "A",
    "first letter changed": lambda b: flip(b.real.access, 0),
    "a payload letter changed": lambda b: flip(b.real.access, len(b.parts[0]) + 10),
    "a signature letter changed": lambda b: flip(b.real.access, -20),
    "the signature in another spelling": retyped,
    "padded": lambda b: b.real.access + "==",
    "space before": lambda b: " " + b.real.access,
    "space after": lambda b: b.real.access + " ",
    "tab after": lambda b: b.real.access + "\t",
    "space within": lambda b: b.real.access[:30] + " " + b.real.access[30:],
    "space in the signature": lambda b: b.real.access[:-10] + " " + b.real.access[-10:],
    "newline in the signature": lambda b: b.real.access[:-10] + "\n" + b.real.access[-10:],
    "junk in the signature": lambda b: b.real.access[:-10] + "!" + b.real.access[-10:],
    "NUL after": lambda b: b.real.access + "\x00",
    "quoted": lambda b: f'"{b.real.access}"',
    "twice": lambda b: f"{b.real.access}, Bearer {b.real.access}",
    "a letter outside ASCII": lambda b: b.real.access + "é",
    "the refresh token": lambda b: b.real.refresh,
    "an institution's key": lambda _: "hxk_live_" + "a" * 43,
    "empty": lambda _: "",
    "dots": lambda _: "..",
    "null": lambda _: "null",
    "very long": lambda b: b.real.access + "A" * 10_000,
    "payload a list": lambda b: sign_text(b, f"{b.parts[0]}.{pack([1])}"),
    "payload no JSON": lambda b: sign_text(b, f"{b.parts[0]}.{pack_bytes(b'sub')}"),
    "header no JSON": lambda b: sign_text(b, f"{pack_bytes(b'alg')}.{b.parts[1]}"),
    "header a list": lambda b: sign_text(b, f"{pack(['EdDSA'])}.{b.parts[1]}"),
}


def sign_text(bench: Bench, text: str) -> str:
    """Sign whatever is before the second dot."""
    return f"{text}.{pack_bytes(bench.key.sign(text.encode()))}"


@pytest.fixture(scope="module")
async def bench(client: AsyncClient) -> Bench:
    """Two citizens with good tokens."""
    return Bench(await log_in(client), await log_in(client))


async def status_of(client: AsyncClient, authorization: bytes) -> int:
    """Ask for the own account with exactly these bytes as the header."""
    answer = await client.get("/v1/me", headers=[(b"authorization", authorization)])
    assert answer.status_code == 200 or answer.json()["code"] == "unauthenticated"
    return answer.status_code


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("name", CASES)
async def test_a_confused_token_is_refused(client: AsyncClient, bench: Bench, name: str) -> None:
    token = CASES[name](bench)
    assert await status_of(client, b"Bearer " + token.encode()) == 401
    assert await status_of(client, b"Bearer " + bench.real.access.encode()) == 200


@pytest.mark.parametrize(
    "scheme", [b"", b"Basic ", b"bearer", b"Bearer", b"Token ", b"Bearer  ", b"Bearer\t", b"Bearer: ", b"\xff "]
)
async def test_a_real_token_behind_another_scheme_is_refused(client: AsyncClient, bench: Bench, scheme: bytes) -> None:
    assert await status_of(client, scheme + bench.real.access.encode()) == 401


async def test_no_token_is_refused(client: AsyncClient) -> None:
    answer = await client.get("/v1/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_well_made_tokens_of_the_bench_are_let_in(client: AsyncClient, bench: Bench) -> None:
    """The forger's tools themselves work, so what is refused is refused for what it says."""
    assert await status_of(client, b"Bearer " + bench.signed().encode()) == 200
    assert await status_of(client, b"bearer " + bench.signed(note="more").encode()) == 200

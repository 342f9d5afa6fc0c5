"""The three typed callers a route may ask for, and how a signed token is checked.

A route names exactly one of ``citizen``, ``partner``, ``official`` as a dependency, or is on the public list of
``tests/test_access.py``. Which key, session or account that is, is looked up by the room that owns it; ``main`` wires
it.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections import OrderedDict
from uuid import UUID

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.kit.errors import Forbidden, NotJoined, Unauthenticated
from app.kit.security.keys import KEYS, TokenKey
from app.values.patterns import VISIBLE
from app.values.roles import Role, Scope

ISSUER = "huixin"
CACHE_ENTRIES_MAX = 20_000
CACHE_SECONDS_MAX = 60
_VISIBLE = re.compile(VISIBLE + "{1,4096}")
# One spelling only: base64 decoders skip what they do not know and ignore the last four bits of 64 signed bytes.
_SIGNED = re.compile(r"[\w-]+\.[\w-]+\.[\w-]{85}[AQgw]", re.ASCII)


class CitizenCaller(msgspec.Struct, frozen=True, kw_only=True):
    """A citizen with a live session; ``state`` is ``new`` until the identity is verified, then ``active``."""

    id: UUID
    session_id: UUID
    state: str
    account_number: int
    code_generation: int

    def need_active(self) -> None:
        """Refuse a citizen who has not joined yet."""
        if self.state != "active":
            raise NotJoined


class PartnerCaller(msgspec.Struct, frozen=True, kw_only=True):
    """An institution's key: what it may do and at which stores (None: all of the institution's)."""

    key_id: UUID
    institution_id: UUID
    institution_kind: str
    scopes: tuple[Scope, ...]
    store_ids: frozenset[UUID] | None


class OfficialCaller(msgspec.Struct, frozen=True, kw_only=True):
    """A staff member; ``institution_id`` None means the city's credit centre."""

    id: UUID
    username: str
    roles: frozenset[Role]
    institution_id: UUID | None

    @property
    def for_centre(self) -> bool:
        """Whether this official is the credit centre's own."""
        return self.institution_id is None

    def may_act_for(self, institution_id: UUID) -> bool:
        """Whether this official's tenant covers an institution; the centre's covers all."""
        return self.for_centre or self.institution_id == institution_id

    def need_centre(self) -> None:
        """Refuse an institution's own official: this is the credit centre's."""
        if not self.for_centre:
            raise Forbidden


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token of ours says."""

    sub: UUID
    sid: UUID
    aud: str
    exp: int


def issue_token(*, key: TokenKey, audience: str, subject: UUID, session: UUID, now: int, lifetime_seconds: int) -> str:
    """Sign an EdDSA token with typ, kid, iss, aud, sub, sid, jti, iat and exp."""
    claims = {
        "iss": ISSUER, "aud": audience, "sub": str(subject), "sid": str(session),
        "jti": hashlib.sha256(f"{session}{now}{time.monotonic_ns()}".encode()).hexdigest()[:24],
        "iat": now, "exp": now + lifetime_seconds,
    }  # fmt: skip
    private = Ed25519PrivateKey.from_private_bytes(key.seed)
    return jwt.encode(claims, private, algorithm="EdDSA", headers={"kid": key.kid, "typ": "at+jwt"})


class TokenChecker:
    """Checks signatures of one audience; remembers good ones for a minute, because EdDSA costs 170 µs.

    Only the signature is remembered. Whether the session still lives is read with every request.
    """

    def __init__(self, audience: str) -> None:
        self.audience = audience
        self._checked: OrderedDict[bytes, tuple[float, Claims]] = OrderedDict()

    def check(self, authorization: str | None) -> Claims:
        """Return the claims of ``Bearer <token>``, or refuse."""
        token = bearer_of(authorization)
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        now = time.time()
        checked = self._checked.get(digest)
        if checked is not None and checked[0] > now:
            return checked[1]
        claims = self._verify(token)
        self._checked[digest] = (min(claims.exp, now + CACHE_SECONDS_MAX), claims)
        if len(self._checked) > CACHE_ENTRIES_MAX:
            self._checked.popitem(last=False)
        return claims

    def _verify(self, token: str) -> Claims:
        if _SIGNED.fullmatch(token) is None:
            raise Unauthenticated
        try:
            header = jwt.get_unverified_header(token)
            key = KEYS.token_key(str(header.get("kid", "")))
            if header.get("typ") != "at+jwt" or header.get("alg") != "EdDSA" or key is None:
                raise Unauthenticated
            payload = jwt.decode(
                token,
                Ed25519PrivateKey.from_private_bytes(key.seed).public_key(),
                algorithms=["EdDSA"],
                audience=self.audience,
                issuer=ISSUER,
                options={"require": ["iss", "aud", "sub", "sid", "jti", "iat", "exp"]},
            )
            return msgspec.convert(payload, Claims)
        except (jwt.PyJWTError, msgspec.ValidationError, ValueError, UnicodeError) as error:
            raise Unauthenticated from error


def bearer_of(authorization: str | None) -> str:
    """Return what follows ``Bearer``, or refuse."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or _VISIBLE.fullmatch(token) is None:
        raise Unauthenticated
    return token

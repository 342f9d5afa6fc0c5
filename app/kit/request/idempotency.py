"""The Idempotency-Key header and the digest by which another request under the same key is found."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated

import msgspec
from litestar.params import HeaderParameter

from app.kit.errors import IdempotencyKeyInvalid
from app.values.patterns import VISIBLE

KEY_CHARACTERS_MIN = 16
KEY_CHARACTERS_MAX = 64
REPLAYED_HEADER = "Idempotency-Replayed"
_VISIBLE = re.compile(rf"{VISIBLE}{{{KEY_CHARACTERS_MIN},{KEY_CHARACTERS_MAX}}}")

# Optional for the framework, so that a missing key is our own refusal with its own code.
IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(name="Idempotency-Key", description="Required; 16 to 64 visible ASCII characters."),
]


def check_key(key: str | None) -> str:
    """Return a usable key, or refuse."""
    if key is None or not _VISIBLE.fullmatch(key):
        raise IdempotencyKeyInvalid
    return key


def digest_request(method: str, path: str, body: object) -> bytes:
    """Return the digest of what is asked: method, path and the body in canonical form."""
    canonical = msgspec.json.encode(body, order="deterministic")
    return hashlib.sha256(f"{method} {path}\n".encode() + canonical).digest()

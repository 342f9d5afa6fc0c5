"""Signed bodies in the form of Standard Webhooks (standardwebhooks.com, symmetric ``v1``). Pure.

A secret is ``whsec_`` and base64; what is signed is ``id.timestamp.body``; the signature header holds one or several
``v1,<base64>``, so that a sender may sign with its old and its new secret while they overlap.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import datetime

import msgspec

SECRET_MARK = "whsec_"  # noqa: S105 - the mark, not a secret
SECRET_BYTES = 32
TOLERANCE_SECONDS = 300
SIGNATURES_MAX = 10
ID = re.compile(r"[\x21-\x2d\x2f-\x7e]{1,128}")  # visible, and no dot: one follows it in what is signed
TIMESTAMP = re.compile(r"[0-9]{1,12}")
SIGNATURE = re.compile(r"v1,([A-Za-z0-9+/]{43}=)")


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A body with the three headers it came with, as they came."""

    id: str | None
    timestamp: str | None
    signature: str | None
    body: bytes


def make_secret(random: bytes) -> str:
    """Write 32 random bytes as the secret that both sides keep."""
    return SECRET_MARK + base64.b64encode(random).decode()


def parse_secret(secret: str) -> bytes | None:
    """Return the key inside a secret; None when it is not one."""
    try:
        return base64.b64decode(secret.removeprefix(SECRET_MARK), validate=True) or None
    except ValueError:
        return None


def compute_signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """Return ``v1,<base64>`` of what is sent."""
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def find_fault(signed: Signed, at: datetime) -> str | None:
    """Return which header is missing, malformed or out of time; None when there is a signature to be compared."""
    if signed.id is None or ID.fullmatch(signed.id) is None:
        return "webhook-id"
    if signed.timestamp is None or TIMESTAMP.fullmatch(signed.timestamp) is None:
        return "webhook-timestamp"
    if abs(at.timestamp() - int(signed.timestamp)) > TOLERANCE_SECONDS:
        return "webhook-timestamp"
    return None if _find_signatures(signed) else "webhook-signature"


def is_signed_with(signed: Signed, key: bytes) -> bool:
    """Whether one of the signatures is this key's; as long whichever it is."""
    assert signed.id is not None, "find_fault looks first"
    assert signed.timestamp is not None, "find_fault looks first"
    expected = compute_signature(key, signed.id, signed.timestamp, signed.body).encode()
    return _is_among(expected, _find_signatures(signed))


def _find_signatures(signed: Signed) -> list[str]:
    sent = (signed.signature or "").split(" ")[:SIGNATURES_MAX]
    return [one for one in sent if SIGNATURE.fullmatch(one)]


def _is_among(expected: bytes, signatures: Iterable[str]) -> bool:
    found = False
    for signature in signatures:
        found |= hmac.compare_digest(expected, signature.encode())
    return found

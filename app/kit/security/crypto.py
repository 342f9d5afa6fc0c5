"""Personal fields: encrypted with their place as associated data, found by a keyed blind index.

Cipher text is ``version | kid | nonce (12) | AES-256-GCM cipher text and tag``.
"""

from __future__ import annotations

import hmac
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.kit.security.keys import KEYS

FORMAT_VERSION = 1
NONCE_BYTES = 12
HEADER_BYTES = 2


class FieldUnreadable(Exception):  # noqa: N818
    """A stored field does not decrypt in its place: a wrong key, or a row that was tampered with."""


def encrypt_field(text: str, *, column: str, row_id: UUID) -> bytes:
    """Encrypt ``text`` for one column (``table.column``) of one row; it decrypts nowhere else."""
    return encrypt_bytes(text.encode(), column=column, row_id=row_id)


def decrypt_field(cipher: bytes, *, column: str, row_id: UUID) -> str:
    """Return the text encrypted for this place."""
    return decrypt_bytes(cipher, column=column, row_id=row_id).decode()


def encrypt_bytes(clear: bytes, *, column: str, row_id: UUID) -> bytes:
    """Encrypt what is not text, a piece of a file say, for one column of one row."""
    key = KEYS.ring.field[-1]
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(key.key).encrypt(nonce, clear, _place(column, row_id))
    return bytes((FORMAT_VERSION, key.kid)) + nonce + sealed


def decrypt_bytes(cipher: bytes, *, column: str, row_id: UUID) -> bytes:
    """Return what was encrypted for this place."""
    key = KEYS.ring.field_key(cipher[1]) if len(cipher) > HEADER_BYTES + NONCE_BYTES else None
    if key is None or cipher[0] != FORMAT_VERSION:
        raise FieldUnreadable(column)
    nonce, sealed = cipher[HEADER_BYTES : HEADER_BYTES + NONCE_BYTES], cipher[HEADER_BYTES + NONCE_BYTES :]
    try:
        return AESGCM(key.key).decrypt(nonce, sealed, _place(column, row_id))
    except InvalidTag as error:
        raise FieldUnreadable(column) from error


def blind_index(*parts: str, purpose: str) -> bytes:
    """Return the keyed digest by which equal values are found without being readable."""
    return compute_keyed_digest(KEYS.ring.blind_index, purpose, *parts)


def _place(column: str, row_id: UUID) -> bytes:
    return f"{column}|{row_id}".encode()


def compute_keyed_digest(key: bytes, purpose: str, *parts: str) -> bytes:
    """Return HMAC-SHA256 of a purpose and its parts."""
    return hmac.digest(key, "\x1f".join((purpose, *parts)).encode(), "sha256")

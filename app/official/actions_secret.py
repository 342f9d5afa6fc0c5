"""Passwords and TOTP secrets: made, hashed, encrypted, checked."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import msgspec
import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.kit.crypto import encrypt_field

if TYPE_CHECKING:
    from uuid import UUID

ARGON2_MEMORY_KIB = 47_104  # with one pass and one lane the first choice of OWASP's password storage cheat sheet
ARGON2_PASSES = 1
ARGON2_LANES = 1
PASSWORD_BYTES = 15
TOTP_COLUMN = "official.totp"
TOTP_ISSUER = "惠信"
HASHER = PasswordHasher(time_cost=ARGON2_PASSES, memory_cost=ARGON2_MEMORY_KIB, parallelism=ARGON2_LANES)
# Checked for usernames that do not exist, so that they take as long; nobody knows a password for it.
NOBODYS_HASH = (
    f"$argon2id$v=19$m={ARGON2_MEMORY_KIB},t={ARGON2_PASSES},p={ARGON2_LANES}"
    "$bm9ib2R5IGtub3dzIGl0$lk8hJX0C8ZZq0d9hZ3q6Gk0d8o1c0h6b7u2jv0Wm3S4"
)


class NewSecrets(msgspec.Struct, frozen=True, kw_only=True):
    """Fresh credentials: what is shown once, and what is stored."""

    password: str
    totp_secret: str
    password_hash: str
    totp_cipher: bytes

    def provisioning_uri(self, username: str) -> str:
        """Return what an authenticator app reads as a QR code."""
        return pyotp.TOTP(self.totp_secret).provisioning_uri(name=username, issuer_name=TOTP_ISSUER)


def make_secrets(official_id: UUID) -> NewSecrets:
    """Make a random password and TOTP secret; takes a few dozen milliseconds of CPU, so call it in a thread."""
    password, totp_secret = secrets.token_urlsafe(PASSWORD_BYTES), pyotp.random_base32()
    return NewSecrets(
        password=password,
        totp_secret=totp_secret,
        password_hash=HASHER.hash(password),
        totp_cipher=encrypt_field(totp_secret, column=TOTP_COLUMN, row_id=official_id),
    )


def is_password_right(password_hash: str, password: str) -> bool:
    """Whether this is the password; takes a few dozen milliseconds of CPU, so call it in a thread."""
    try:
        return HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False

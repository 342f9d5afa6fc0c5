"""Passwords, TOTP secrets and enrolment codes: made, hashed, encrypted, checked."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.kit.security.crypto import decrypt_field, encrypt_field

if TYPE_CHECKING:
    from uuid import UUID

ARGON2_MEMORY_KIB = 47_104  # with one pass and one lane the first choice of OWASP's password storage cheat sheet
ARGON2_PASSES = 1
ARGON2_LANES = 1
ENROLMENT_MARK = "hxe_"
ENROLMENT_BYTES = 32
TOTP_COLUMN = "official.totp"
TOTP_ISSUER = "惠信"
HASHER = PasswordHasher(time_cost=ARGON2_PASSES, memory_cost=ARGON2_MEMORY_KIB, parallelism=ARGON2_LANES)
# Checked for usernames that do not exist, so that they take as long; nobody knows a password for it.
NOBODYS_HASH = (
    f"$argon2id$v=19$m={ARGON2_MEMORY_KIB},t={ARGON2_PASSES},p={ARGON2_LANES}"
    "$bm9ib2R5IGtub3dzIGl0$lk8hJX0C8ZZq0d9hZ3q6Gk0d8o1c0h6b7u2jv0Wm3S4"
)


def make_enrolment_code() -> str:
    """Make a code with which one account is enrolled once: 256 random bits, of which only a hash is stored."""
    return ENROLMENT_MARK + secrets.token_urlsafe(ENROLMENT_BYTES)


def make_totp_secret() -> str:
    """Make the secret of an authenticator app, in base 32."""
    return pyotp.random_base32()


def compute_provisioning_uri(totp_secret: str, username: str) -> str:
    """Return what an authenticator app reads as a QR code."""
    return pyotp.TOTP(totp_secret).provisioning_uri(name=username, issuer_name=TOTP_ISSUER)


def encrypt_totp(totp_secret: str, official_id: UUID) -> bytes:
    """Return a TOTP secret as it is stored."""
    return encrypt_field(totp_secret, column=TOTP_COLUMN, row_id=official_id)


def open_totp(totp_cipher: bytes, official_id: UUID) -> pyotp.TOTP:
    """Return what makes the codes of an account."""
    return pyotp.TOTP(decrypt_field(totp_cipher, column=TOTP_COLUMN, row_id=official_id))


def hash_password(password: str) -> str:
    """Return a password as it is stored; takes a few dozen milliseconds of CPU, so call it in a thread."""
    return HASHER.hash(password)


def is_password_right(password_hash: str, password: str) -> bool:
    """Whether this is the password; takes a few dozen milliseconds of CPU, so call it in a thread."""
    try:
        return HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False

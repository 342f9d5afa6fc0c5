"""Instants, and UUIDv7 ids that carry their instant."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

EPOCH, MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
UUID_RANDOM_BITS = 62
UUID_VARIANTS = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))  # two random bits after the two fixed ones
RANDOM_DIGITS = 20  # taken for a UUID in hexadecimal; one is left over, for there are whole bytes only


def now() -> datetime:
    """Return this instant, in UTC."""
    return datetime.now(UTC)


def uuid7(at: datetime | None = None) -> UUID:
    """Return a new UUIDv7 (RFC 9562) that carries ``at``, to the millisecond; sorted by time, random within it."""
    milliseconds = time.time_ns() // 1_000_000 if at is None else _milliseconds_of(at)
    random = int.from_bytes(os.urandom(10)) >> 6  # 74 bits
    return UUID(
        int=milliseconds << 80
        | 0x7 << 76
        | (random >> UUID_RANDOM_BITS) << 64
        | 0b10 << 62
        | random & ((1 << UUID_RANDOM_BITS) - 1)
    )


def uuid7_texts(count: int) -> list[str]:
    """Return new UUIDv7s of this instant as texts, for many records at once."""
    instant = f"{time.time_ns() // 1_000_000:012x}"
    digits = os.urandom(count * RANDOM_DIGITS // 2).hex()
    return [
        f"{instant}7{digits[at : at + 3]}{UUID_VARIANTS[digits[at + 3]]}{digits[at + 4 : at + 19]}"
        for at in range(0, count * RANDOM_DIGITS, RANDOM_DIGITS)
    ]


def first_id_of(at: datetime) -> UUID:
    """Return the smallest id there can be of this instant's millisecond: ids of earlier ones are below it."""
    return UUID(int=_milliseconds_of(at) << 80)


def _milliseconds_of(at: datetime) -> int:
    """Return the whole milliseconds since 1970, exactly: a float may fall into the one before."""
    return (at - EPOCH) // MILLISECOND

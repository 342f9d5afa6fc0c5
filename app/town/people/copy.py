"""Rows as PostgreSQL's binary COPY takes them, put together from pieces that many rows share. Pure.

A field is its length in four bytes and its value; NULL has length -1. Days and microseconds count from 2000-01-01,
UTC.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from datetime import date

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
UUID_LENGTH = b"\0\0\0\x10"
DAY_ZERO = date(2000, 1, 1).toordinal()
DAY_MICROSECONDS = 86_400_000_000
SHANGHAI_MICROSECONDS = 8 * 3_600_000_000
NOISE_BYTES, IDS_MAX = 7, 1 << 18

pack_instant = struct.Struct(">iq").pack  # call it with 8 and the microseconds
_ID = struct.Struct(">6sHB7s").pack
_LENGTH = struct.Struct(">i").pack
_COUNT = struct.Struct(">h").pack
_INTEGER = struct.Struct(">ii").pack
_BIGINT = struct.Struct(">iq").pack


def pack_rows(pieces: Iterable[bytes]) -> bytes:
    """Return whole rows as what COPY ... (FORMAT binary) reads."""
    return b"".join((HEADER, *pieces, TRAILER))


def pack_count(fields: int) -> bytes:
    """Return what a row begins with: how many fields it has."""
    return _COUNT(fields)


def pack_bytes(value: bytes | None) -> bytes:
    """Return a bytea or uuid field."""
    return NULL if value is None else _LENGTH(len(value)) + value


def pack_text(text: str | None) -> bytes:
    """Return a text field."""
    return NULL if text is None else pack_bytes(text.encode())


def pack_integer(number: int) -> bytes:
    """Return an integer field."""
    return _INTEGER(4, number)


def pack_bigint(number: int | None) -> bytes:
    """Return a bigint field."""
    return NULL if number is None else _BIGINT(8, number)


def pack_day(day: date | None) -> bytes:
    """Return a date field."""
    return NULL if day is None else pack_integer(day.toordinal() - DAY_ZERO)


def pack_timestamp(microseconds: int | None) -> bytes:
    """Return a timestamptz field."""
    return NULL if microseconds is None else pack_instant(8, microseconds)


def compute_day_begin(ordinal: int) -> int:
    """Return the beginning of a Shanghai day as an instant; the day as its ordinal."""
    return (ordinal - DAY_ZERO) * DAY_MICROSECONDS - SHANGHAI_MICROSECONDS


def make_ids(milliseconds: int, noise: bytes) -> list[bytes]:
    """Return UUIDv7s of one millisecond in the order they sort in: one for every seven bytes of noise.

    What follows the instant is a count, and random from there on (RFC 9562, 6.2 method 1).
    """
    count, instant = len(noise) // NOISE_BYTES, milliseconds.to_bytes(6)
    assert count <= IDS_MAX, "the count has eighteen bits"
    return [
        _ID(instant, 0x7000 | number >> 6, 0x80 | number & 0x3F, noise[at : at + NOISE_BYTES])
        for number, at in zip(range(count), range(0, len(noise), NOISE_BYTES), strict=True)
    ]

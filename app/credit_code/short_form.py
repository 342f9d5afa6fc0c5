"""The short form of HX1: ``96`` and FF1 of account (9), slot (6), generation (2), salt (2) and a zero (1). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import msgspec

from app.credit_code.cipher import DecimalCipher
from app.values.text import clean_code

PREFIX = "96"
PLAIN_DIGITS = 20
CODE_CHARACTERS = 22
TWEAK = b"huixin-code/1"
SLOT_SECONDS = 30
EARLY_SECONDS_MAX = 5
LATE_SECONDS_MAX = 15
CODES_AT_ONCE_MAX = 3
RECENT = timedelta(hours=24)
ACCOUNTS = 1_000_000_000
SLOTS = 1_000_000
GENERATIONS = 100
SALTS = 100
CIPHERS_REMEMBERED_MAX = 8


class OpenedCode(msgspec.Struct, frozen=True):
    """What a code says; ``code_id`` is its 20 encrypted digits, ``generation`` the citizen's mod 100."""

    account_number: int
    slot_start: datetime
    generation: int
    code_id: str


class ExpiredCode(msgspec.Struct, frozen=True):
    """What a code of another moment says; one random text in ten looks like such a code."""

    opened: OpenedCode


def compute_slot(at: datetime) -> int:
    """Return the number of the 30-second slot an instant lies in, counted from 1970."""
    return int(at.timestamp() // SLOT_SECONDS)


def compute_slot_start(slot: int) -> datetime:
    """Return the instant a slot begins."""
    return datetime.fromtimestamp(slot * SLOT_SECONDS, UTC)


def encode_code(*, key: bytes, account_number: int, slot: int, generation: int, salt: int) -> str:
    """Write the 22 digits of one citizen's code for one slot."""
    assert 0 <= account_number < ACCOUNTS, "nine digits"
    assert 0 <= salt < SALTS, "two digits"
    plain = (account_number * SLOTS + slot % SLOTS) * GENERATIONS + generation % GENERATIONS
    cipher = _cipher(key).encrypt((plain * SALTS + salt) * 10)
    return f"{PREFIX}{cipher:0{PLAIN_DIGITS}d}"


def open_code(text: str, keys: Sequence[bytes], now: datetime) -> OpenedCode | ExpiredCode | None:
    """Read a code with the first of ``keys`` by which it is of this moment; None for what is never a code of ours.

    Characters that a scanner adds, full width and grouping do not matter: ``code_id`` is made of the digits alone. An
    ``ExpiredCode`` looks like a code of ours of another moment; whether it is one, only its account can show.
    """
    text = clean_code(text)
    if len(text) != CODE_CHARACTERS or not (text.isascii() and text.isdigit()) or not text.startswith(PREFIX):
        return None
    code_id = text[len(PREFIX) :]
    number, now_seconds = int(code_id), now.timestamp()
    expired: ExpiredCode | None = None
    for key in keys:
        plain, zero = divmod(_cipher(key).decrypt(number), 10)
        if zero:
            continue
        rest, generation = divmod(plain // SALTS, GENERATIONS)
        account_number, slot_digits = divmod(rest, SLOTS)
        starts_at = _nearest_slot(slot_digits, int(now_seconds // SLOT_SECONDS)) * SLOT_SECONDS
        opened = OpenedCode(account_number, datetime.fromtimestamp(starts_at, UTC), generation, code_id)
        if starts_at - EARLY_SECONDS_MAX <= now_seconds <= starts_at + SLOT_SECONDS + LATE_SECONDS_MAX:
            return opened
        expired = expired or ExpiredCode(opened)
    return expired


def is_recent(expired: ExpiredCode, now: datetime) -> bool:
    """Whether a code of another moment is of the last day, or one that a phone holds ahead.

    An older one, and one that we cannot have made yet, is more likely a random text that looks like somebody's code.
    """
    ahead = expired.opened.slot_start - now
    return -RECENT < ahead <= (CODES_AT_ONCE_MAX - 1) * timedelta(seconds=SLOT_SECONDS)


def is_of_generation(opened: OpenedCode, code_generation: int) -> bool:
    """Whether a code is of the citizen's current generation: they have not killed their codes since it was made."""
    return opened.generation == code_generation % GENERATIONS


def compute_salt(walked: int, worker: int, workers: int) -> int:
    """Return the salt that a step leads to, of the worker's share of all salts, which no other worker has.

    As many steps as there are salts in the share lead to different ones.
    """
    share = range(worker % workers, SALTS, workers)
    return share[walked % len(share)]


def _nearest_slot(slot_digits: int, slot_now: int) -> int:
    """Return the slot nearest to now whose number ends in these six digits, at most half a cycle away."""
    ahead = (slot_digits - slot_now) % SLOTS
    return slot_now + (ahead if ahead < SLOTS // 2 else ahead - SLOTS)


@lru_cache(maxsize=CIPHERS_REMEMBERED_MAX)
def _cipher(key: bytes) -> DecimalCipher:
    return DecimalCipher(key, digits=PLAIN_DIGITS, tweak=TWEAK)

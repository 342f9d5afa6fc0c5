"""People and records as they are given to the engine instead of stored, and its answer. Pure nouns."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

import msgspec

from app.score.engine.parts import Adjustment, Contribution

RecordState = Literal["active", "suspended", "repaired", "corrected", "superseded"]


class GivenRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record; exactly one of ``indicator`` and ``honour``."""

    id: UUID
    indicator: str | None = None
    honour: str | None = None
    event_on: date
    ends_on: date | None = None
    grade: str | None = None
    quantity: int | None = None
    act_id: str | None = None
    state: RecordState = "active"
    version: int = 1


class GivenPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Who is to be scored: born when, consenting to what (separate consents only), with which records."""

    birth_on: date
    consents: tuple[str, ...] = ()
    records: tuple[GivenRecord, ...] = ()


class AskedPerson(GivenPerson, frozen=True, kw_only=True):
    """A person on the way into the engine, under an id that is nobody's."""

    id: UUID


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The engine's answer about one person: base, contributions and adjustments add up to the value."""

    citizen_id: UUID
    value: int
    level: str
    rule_book_id: int
    as_of: date
    next_change_on: date | None
    inputs_hash: bytes
    base: int
    contributions: tuple[Contribution, ...]
    adjustments: tuple[Adjustment, ...]

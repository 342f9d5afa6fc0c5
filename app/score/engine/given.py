"""People and facts as they are told to the engine, and its answer. Pure nouns."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

import msgspec

from app.score.engine.parts import Adjustment, Contribution

RecordState = Literal["active", "suspended", "repaired", "corrected", "superseded"]


class ToldRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it is told; exactly one of ``indicator`` and ``honour``."""

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


class ToldPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Who is to be scored: born when, consenting to what (separate consents only), with which records."""

    birth_on: date
    consents: tuple[str, ...] = ()
    records: tuple[ToldRecord, ...] = ()


class AskedPerson(ToldPerson, frozen=True, kw_only=True):
    """A person on the way into the engine, under an id that is nobody's."""

    id: UUID


class ToldScore(msgspec.Struct, frozen=True, kw_only=True):
    """The engine's answer: base, contributions and adjustments add up to the value."""

    base: int
    value: int
    level: str
    contributions: tuple[Contribution, ...]
    adjustments: tuple[Adjustment, ...]
    next_change_on: date | None
    inputs_hash: bytes

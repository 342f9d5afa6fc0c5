"""SQL of objection tickets: one function, one statement."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from app.kit.db.database import execute, fetch_all, fetch_one, fetch_value
from app.repair.objection import OBJECTION_MOVES, Finding, ObjectionKind, ObjectionState


class ObjectionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as it lies in the database."""

    id: UUID
    number: str
    citizen_id: UUID
    idempotency_key: str
    request_digest: bytes
    kind: ObjectionKind
    record_id: UUID | None
    indicator: str | None
    honour: str | None
    source: str | None
    text_cipher: bytes
    is_contact_ok: bool
    state: ObjectionState
    received_at: datetime
    answer_due_on: date
    asked_at: datetime | None = None
    finding: Finding | None = None
    answer_cipher: bytes | None = None
    answered_at: datetime | None = None
    answered_by: UUID | None = None
    withdrawn_at: datetime | None = None


class SubjectRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a record is about and whose register it comes from."""

    indicator: str | None
    honour: str | None
    source: str


class RecordRow(msgspec.Struct, frozen=True, kw_only=True):
    """The record a ticket is about, for who must look it up."""

    id: UUID
    version: int
    indicator: str | None
    honour: str | None
    source: str
    event_id: str
    event_on: date
    ends_on: date | None
    grade: str | None
    quantity: int | None
    document: str | None
    act_id: str | None
    state: str
    entered_at: datetime


COLUMNS = ", ".join(ObjectionRow.__struct_fields__)
RECORD_COLUMNS = ", ".join(RecordRow.__struct_fields__)


async def find_subject(citizen_id: UUID, record_id: UUID) -> SubjectRow | None:
    """Find what a citizen's own record is about."""
    return await fetch_one(
        SubjectRow,
        "SELECT indicator, honour, source FROM record WHERE citizen_id = $1 AND id = $2",
        citizen_id,
        record_id,
    )


async def find_record(citizen_id: UUID, record_id: UUID) -> RecordRow | None:
    """Find a record of a citizen."""
    return await fetch_one(
        RecordRow, f"SELECT {RECORD_COLUMNS} FROM record WHERE citizen_id = $1 AND id = $2", citizen_id, record_id
    )


async def find_objection_by_key(citizen_id: UUID, key: str) -> ObjectionRow | None:
    """Find the ticket a citizen's key has made."""
    return await fetch_one(
        ObjectionRow,
        f"SELECT {COLUMNS} FROM objection WHERE idempotency_key = $2 AND citizen_id = $1",
        citizen_id,
        key,
    )


async def find_open_number(record_id: UUID) -> str | None:
    """Return the number of the open ticket on a record."""
    number: str | None = await fetch_value(
        "SELECT number FROM objection WHERE record_id = $1 AND state IN ('received', 'asked', 'answered')", record_id
    )
    return number


async def count_open(citizen_id: UUID) -> int:
    """How many open tickets a citizen has."""
    return int(
        await fetch_value(
            "SELECT count(*) FROM objection WHERE citizen_id = $1 AND state = ANY($2)", citizen_id, OBJECTION_MOVES.open
        )
    )


async def insert_objection(row: ObjectionRow) -> bool:
    """Store a new ticket; False when its number is taken, so that another is tried."""
    names = ObjectionRow.__struct_fields__
    places = ", ".join(f"${place}" for place in range(1, len(names) + 1))
    return bool(
        await execute(
            f"INSERT INTO objection ({COLUMNS}) VALUES ({places}) ON CONFLICT (number) DO NOTHING",
            *(getattr(row, name) for name in names),
        )
    )


async def list_own_objections(citizen_id: UUID, before: UUID | None, limit: int) -> list[ObjectionRow]:
    """Return ``limit`` + 1 of a citizen's tickets, newest first."""
    return await fetch_all(
        ObjectionRow,
        f"""
        SELECT {COLUMNS} FROM objection
        WHERE citizen_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3
        """,
        citizen_id,
        before,
        limit + 1,
    )


async def find_own_objection(citizen_id: UUID, objection_id: UUID) -> ObjectionRow | None:
    """Find a ticket of a citizen."""
    return await fetch_one(
        ObjectionRow, f"SELECT {COLUMNS} FROM objection WHERE id = $2 AND citizen_id = $1", citizen_id, objection_id
    )


async def find_own_objection_for_update(citizen_id: UUID, objection_id: UUID) -> ObjectionRow | None:
    """Find a ticket of a citizen and keep others from moving it."""
    return await fetch_one(
        ObjectionRow,
        f"SELECT {COLUMNS} FROM objection WHERE id = $2 AND citizen_id = $1 FOR UPDATE",
        citizen_id,
        objection_id,
    )


async def mark_withdrawn(objection_id: UUID, at: datetime) -> None:
    """Take a ticket back."""
    await execute("UPDATE objection SET state = 'withdrawn', withdrawn_at = $2 WHERE id = $1", objection_id, at)


async def mark_asked(objection_id: UUID, at: datetime) -> None:
    """Pass a ticket on to its source."""
    await execute("UPDATE objection SET state = 'asked', asked_at = $2 WHERE id = $1", objection_id, at)


async def mark_answered(objection_id: UUID, finding: Finding, answer_cipher: bytes, *, by: UUID, at: datetime) -> None:
    """Write down what a source found."""
    await execute(
        """
        UPDATE objection SET state = 'answered', finding = $2, answer_cipher = $3, answered_by = $4, answered_at = $5
        WHERE id = $1
        """,
        objection_id,
        finding,
        answer_cipher,
        by,
        at,
    )


async def delete_objections(citizen_id: UUID) -> None:
    """Delete every ticket of a citizen."""
    await execute("DELETE FROM objection WHERE citizen_id = $1", citizen_id)

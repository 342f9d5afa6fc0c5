"""Statements that read a citizen's records: one function, one statement."""

from __future__ import annotations

from uuid import UUID

from app.kit.db.database import fetch_all
from app.kit.db.rows import fetch_row, fetch_rows, select
from app.record.stored import RecordPlace, StoredRecord
from app.record.tables import Record

COLUMNS = ", ".join(StoredRecord.__struct_fields__)


async def find_record(citizen_id: UUID, record_id: UUID) -> StoredRecord | None:
    """Find a record of a citizen, of whatever state."""
    records = select(Record, StoredRecord)
    return await fetch_row(StoredRecord, records.where((Record.citizen_id == citizen_id) & (Record.id == record_id)))


async def list_own_records(citizen_id: UUID, before: RecordPlace | None, limit: int) -> list[StoredRecord]:
    """Return ``limit`` + 1 of a citizen's records, of whatever state, newest event first."""
    return await fetch_all(
        StoredRecord,
        f"""
        SELECT {COLUMNS} FROM record
         WHERE citizen_id = $1 AND ($2::date IS NULL OR (event_on, id) < ($2, $3::uuid))
         ORDER BY event_on DESC, id DESC LIMIT $4
        """,
        citizen_id,
        before.event_on if before else None,
        before.id if before else None,
        limit + 1,
    )


async def list_all_records(citizen_id: UUID) -> list[StoredRecord]:
    """Return all of a citizen's records, of whatever state, in the order of their ids."""
    records = select(Record, StoredRecord)
    return await fetch_rows(StoredRecord, records.where(Record.citizen_id == citizen_id).order_by(Record.id))

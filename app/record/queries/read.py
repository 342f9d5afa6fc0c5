"""SQL for a citizen's own records: one function, one statement."""

from __future__ import annotations

from uuid import UUID

from app.kit.db.database import fetch_all
from app.record.kept import KeptRecord, RecordPlace

COLUMNS = ", ".join(KeptRecord.__struct_fields__)


async def list_own_records(citizen_id: UUID, before: RecordPlace | None, limit: int) -> list[KeptRecord]:
    """Return ``limit`` + 1 of a citizen's records, of whatever state, newest event first."""
    return await fetch_all(
        KeptRecord,
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


async def list_all_records(citizen_id: UUID) -> list[KeptRecord]:
    """Return all of a citizen's records, of whatever state, in the order of their ids."""
    return await fetch_all(KeptRecord, f"SELECT {COLUMNS} FROM record WHERE citizen_id = $1 ORDER BY id", citizen_id)

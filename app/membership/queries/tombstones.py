"""SQL for tombstones: one function, one statement."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.kit.db.database import execute, fetch_value


async def insert_tombstone(
    citizen_id: UUID, *, person_hash: bytes, cap_holder_id: UUID, left_at: datetime, forget_at: datetime
) -> None:
    """Remember under whose caps a person would return, and whose account's uses are theirs."""
    await execute(
        """
        WITH former AS (
            INSERT INTO former_account (citizen_id, cap_holder_id, forget_at) VALUES ($5, $2, $4)
            ON CONFLICT (citizen_id) DO NOTHING
        )
        INSERT INTO tombstone (person_hash, cap_holder_id, left_at, forget_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (person_hash) DO UPDATE SET cap_holder_id = $2, left_at = $3, forget_at = $4
        """,
        person_hash,
        cap_holder_id,
        left_at,
        forget_at,
        citizen_id,
    )


async def take_tombstone(person_hash: bytes, at: datetime) -> UUID | None:
    """Use up a tombstone that is not past its year, and return whose caps it stands for."""
    found: UUID | None = await fetch_value(
        "DELETE FROM tombstone WHERE person_hash = $1 AND forget_at > $2 RETURNING cap_holder_id", person_hash, at
    )
    return found


async def delete_old_tombstones(at: datetime) -> int:
    """Delete tombstones, and what is known of former accounts, whose year is over; how many tombstones."""
    return await execute(
        """
        WITH former AS (DELETE FROM former_account WHERE forget_at <= $1)
        DELETE FROM tombstone WHERE forget_at <= $1
        """,
        at,
    )

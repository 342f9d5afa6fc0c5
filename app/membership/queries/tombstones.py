"""SQL for tombstones: one function, one statement."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.kit.db.database import execute
from app.kit.db.rows import fetch_field
from app.membership.tables import Tombstone


async def insert_tombstone(
    citizen_id: UUID, *, person_hash: bytes, cap_holder_id: UUID, left_at: datetime, forget_at: datetime
) -> None:
    """Remember the cap holder under which a person returns and the account's uses count (decision 16)."""
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
    """Use up a tombstone whose year is not over, and return the cap holder of the person who left."""
    valid = (Tombstone.person_hash == person_hash) & (Tombstone.forget_at > at)
    cap_holder_id: UUID | None = await fetch_field(Tombstone.delete().where(valid).returning(Tombstone.cap_holder_id))
    return cap_holder_id


async def delete_old_tombstones(at: datetime) -> int:
    """Delete tombstones, and the cap holders of accounts that were left, whose year is over; how many tombstones."""
    return await execute(
        """
        WITH former AS (DELETE FROM former_account WHERE forget_at <= $1)
        DELETE FROM tombstone WHERE forget_at <= $1
        """,
        at,
    )

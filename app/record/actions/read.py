"""Reading what is recorded about a citizen, for rooms that tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.record.queries import read as read_queries

if TYPE_CHECKING:
    from uuid import UUID

    from app.record.kept import KeptRecord


async def list_records(citizen_id: UUID) -> list[KeptRecord]:
    """Return everything recorded about a citizen, of whatever state, in the order of the records' ids."""
    return await read_queries.list_all_records(citizen_id)

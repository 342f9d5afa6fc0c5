"""SQL of objection tickets as officials see them: the centre all, an institution those its own sources were asked."""

from __future__ import annotations

from uuid import UUID

from app.kit.db.database import fetch_all, fetch_one
from app.repair.objection import ObjectionState
from app.repair.queries.objections import COLUMNS, ObjectionRow

OF_INSTITUTION = """
    state IN ('asked', 'answered') AND source IN (SELECT code FROM source WHERE institution_id = $1)
"""


async def list_objections(state: ObjectionState | None, after: UUID | None, limit: int) -> list[ObjectionRow]:
    """Return ``limit`` + 1 tickets of the city after an id, the one due first first."""
    return await fetch_all(
        ObjectionRow,
        f"""
        SELECT {COLUMNS} FROM objection
        WHERE {"$1::text IS NULL" if state is None else "state = $1"} AND ($2::uuid IS NULL OR id > $2)
        ORDER BY id LIMIT $3
        """,
        state,
        after,
        limit + 1,
    )


async def list_objections_of(
    institution_id: UUID, state: ObjectionState | None, after: UUID | None, limit: int
) -> list[ObjectionRow]:
    """Return ``limit`` + 1 tickets an institution's sources were asked about, after an id, the one due first first."""
    return await fetch_all(
        ObjectionRow,
        f"""
        SELECT {COLUMNS} FROM objection
        WHERE {OF_INSTITUTION} AND ($2::text IS NULL OR state = $2) AND ($3::uuid IS NULL OR id > $3)
        ORDER BY id LIMIT $4
        """,
        institution_id,
        state,
        after,
        limit + 1,
    )


async def find_objection(objection_id: UUID) -> ObjectionRow | None:
    """Find a ticket of the city."""
    return await fetch_one(ObjectionRow, f"SELECT {COLUMNS} FROM objection WHERE id = $1", objection_id)


async def find_objection_of(institution_id: UUID, objection_id: UUID) -> ObjectionRow | None:
    """Find a ticket an institution's source was asked about."""
    return await fetch_one(
        ObjectionRow,
        f"SELECT {COLUMNS} FROM objection WHERE {OF_INSTITUTION} AND id = $2",
        institution_id,
        objection_id,
    )

"""Objection tickets for officials: the centre sees all, an institution those its own sources were asked about."""

from __future__ import annotations

from uuid import UUID

from app.kit.db.database import fetch_all, fetch_one
from app.kit.db.rows import fetch_row, fetch_rows, select
from app.repair.objection import ObjectionState
from app.repair.queries.objections import COLUMNS
from app.repair.tables import Objection
from app.repair.ticket import Ticket

OF_INSTITUTION = """
    state IN ('asked', 'answered') AND source IN (SELECT code FROM source WHERE institution_id = $1)
"""


async def list_objections(state: ObjectionState | None, after: UUID | None, limit: int) -> list[Ticket]:
    """Return ``limit`` + 1 tickets of the city after an id, the one due first first."""
    tickets = select(Objection, Ticket)
    if state is not None:
        tickets = tickets.where(Objection.state == state)
    if after is not None:
        tickets = tickets.where(Objection.id > after)
    return await fetch_rows(Ticket, tickets.order_by(Objection.id), limit=limit + 1)


async def list_objections_of(
    institution_id: UUID, state: ObjectionState | None, after: UUID | None, limit: int
) -> list[Ticket]:
    """Return ``limit`` + 1 tickets an institution's sources were asked about, after an id, the one due first first."""
    return await fetch_all(
        Ticket,
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


async def find_objection(objection_id: UUID) -> Ticket | None:
    """Find a ticket of the city."""
    return await fetch_row(Ticket, select(Objection, Ticket).where(Objection.id == objection_id))


async def find_objection_of(institution_id: UUID, objection_id: UUID) -> Ticket | None:
    """Find a ticket an institution's source was asked about."""
    return await fetch_one(
        Ticket, f"SELECT {COLUMNS} FROM objection WHERE {OF_INSTITUTION} AND id = $2", institution_id, objection_id
    )

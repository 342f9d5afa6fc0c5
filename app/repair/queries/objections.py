"""Statements about objection tickets: one function, one statement."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.kit.db.database import execute, fetch_one, fetch_value
from app.kit.db.rows import fetch_row, fetch_rows, run, select
from app.repair.objection import OBJECTION_MOVES, Finding
from app.repair.tables import Objection
from app.repair.ticket import Ticket

COLUMNS = ", ".join(Ticket.__struct_fields__)


async def find_objection_by_key(citizen_id: UUID, key: str) -> Ticket | None:
    """Find the ticket a citizen's key has made."""
    tickets = select(Objection, Ticket)
    return await fetch_row(
        Ticket, tickets.where((Objection.idempotency_key == key) & (Objection.citizen_id == citizen_id))
    )


async def find_open_number(record_id: UUID) -> str | None:
    """Return the number of the open ticket on a record."""
    # The states are written out: the index of open tickets serves only a statement that names them.
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


async def insert_objection(ticket: Ticket) -> bool:
    """Store a new ticket; False when its number is taken, so that another is tried."""
    names = Ticket.__struct_fields__
    places = ", ".join(f"${place}" for place in range(1, len(names) + 1))
    return bool(
        await execute(
            f"INSERT INTO objection ({COLUMNS}) VALUES ({places}) ON CONFLICT (number) DO NOTHING",
            *(getattr(ticket, name) for name in names),
        )
    )


async def list_own_objections(citizen_id: UUID, before: UUID | None, limit: int) -> list[Ticket]:
    """Return ``limit`` + 1 of a citizen's tickets, newest first."""
    tickets = select(Objection, Ticket).where(Objection.citizen_id == citizen_id)
    if before is not None:
        tickets = tickets.where(Objection.id < before)
    return await fetch_rows(Ticket, tickets.order_by(Objection.id, ascending=False), limit=limit + 1)


async def find_own_objection(citizen_id: UUID, objection_id: UUID) -> Ticket | None:
    """Find a ticket of a citizen."""
    tickets = select(Objection, Ticket)
    return await fetch_row(Ticket, tickets.where((Objection.id == objection_id) & (Objection.citizen_id == citizen_id)))


async def find_own_objection_for_update(citizen_id: UUID, objection_id: UUID) -> Ticket | None:
    """Find a ticket of a citizen and let nobody else move it until the transaction ends."""
    return await fetch_one(
        Ticket,
        f"SELECT {COLUMNS} FROM objection WHERE id = $2 AND citizen_id = $1 FOR UPDATE",
        citizen_id,
        objection_id,
    )


async def mark_withdrawn(objection_id: UUID, at: datetime) -> None:
    """Take a ticket back."""
    await run(
        Objection.update({Objection.state: "withdrawn", Objection.withdrawn_at: at}).where(Objection.id == objection_id)
    )


async def mark_asked(objection_id: UUID, at: datetime) -> None:
    """Pass a ticket on to its source."""
    await run(Objection.update({Objection.state: "asked", Objection.asked_at: at}).where(Objection.id == objection_id))


async def mark_answered(objection_id: UUID, finding: Finding, answer_cipher: bytes, *, by: UUID, at: datetime) -> None:
    """Write down what a source found."""
    answered = Objection.update({
        Objection.state: "answered", Objection.finding: finding, Objection.answer_cipher: answer_cipher,
        Objection.answered_by: by, Objection.answered_at: at,
    })  # fmt: skip
    await run(answered.where(Objection.id == objection_id))


async def delete_objections(citizen_id: UUID) -> None:
    """Delete every ticket of a citizen."""
    await run(Objection.delete().where(Objection.citizen_id == citizen_id))

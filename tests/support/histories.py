"""Citizens and their records put straight into the database, for tests of what is computed from them."""

from __future__ import annotations

import secrets
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from app.kit.clock import now, uuid7
from app.kit.db.database import execute, execute_many
from app.record.catalogue import NewRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BORN_ON = date(1980, 6, 15)


async def make_citizens(count: int, *, born_on: date = BORN_ON, state: str = "active") -> list[UUID]:
    """Make citizens who have opted in, without a score yet."""
    ids = [uuid7() for _ in range(count)]
    await execute(
        """
        INSERT INTO citizen (id, account_number, state, id_number_index, id_number_cipher, person_index, name_cipher,
                             birth_on, district, cap_holder_id, created_at, joined_at)
        SELECT id, number, $3, uuid_send(id), 'x', 'x', 'x', $4, '990000', id, $5, $5
        FROM unnest($1::uuid[], $2::bigint[]) AS new (id, number)
        """,
        ids,
        [secrets.randbelow(1_000_000_000) for _ in ids],
        state,
        born_on,
        now(),
    )
    return ids


async def make_citizen(*, born_on: date = BORN_ON, state: str = "active") -> UUID:
    """Make one citizen."""
    return (await make_citizens(1, born_on=born_on, state=state))[0]


def new_record(citizen_id: UUID, indicator: str | None = None, **facts: Any) -> NewRecord:
    """Describe a record of an event of its own, of 5 January 2026 unless another day is given."""
    facts = {"honour": None, "source": "test", "event_id": secrets.token_hex(8), "event_on": date(2026, 1, 5)} | facts
    return NewRecord(citizen_id=citizen_id, indicator=indicator, **facts)


async def insert_facts(citizen_id: UUID, records: Iterable[Any]) -> None:
    """Insert records as they would lie there, in whatever state."""
    columns = ("id", "indicator", "event_on", "ends_on", "grade", "quantity", "act_id", "state")
    rows: Sequence[tuple[object, ...]] = [
        (citizen_id, now(), *(getattr(record, column) for column in columns)) for record in records
    ]
    await execute_many(
        """
        INSERT INTO record (citizen_id, entered_at, source, event_id, id, indicator, event_on, ends_on, grade, quantity,
                            act_id, state)
        VALUES ($1, $2, 'test', gen_random_uuid()::text, $3, $4, $5, $6, $7, $8, $9, $10)
        """,
        rows,
    )


async def give_separate_consents(citizen_id: UUID, purposes: Iterable[str]) -> None:
    """Insert consents as they would lie there."""
    await execute_many(
        "INSERT INTO consent (id, citizen_id, purpose, version, given_at) VALUES ($1, $2, $3, 1, $4)",
        [(uuid7(), citizen_id, purpose, now()) for purpose in purposes],
    )

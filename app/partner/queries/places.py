"""SQL of the directory: what is loaded into memory, and what officials change in it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from app.kit.db.database import execute, fetch_all, fetch_one, fetch_value
from app.kit.db.rows import fetch_rows, select
from app.partner import tables
from app.partner.directory import (
    InstitutionEntry,
    InstitutionKind,
    KeyEntry,
    State,
    StoreEntry,
    Suspendable,
    TerminalEntry,
)


class Managed(msgspec.Struct, frozen=True, kw_only=True):
    """What officials suspend and resume by itself; ``revision`` counts its changes from 1."""

    id: UUID
    name: str
    state: State
    created_at: datetime
    revision: int = 1
    suspended_by_centre: bool = False


class Institution(Managed, frozen=True, kw_only=True):
    """An institution as officials see it."""

    kind: InstitutionKind


class Store(Managed, frozen=True, kw_only=True):
    """A store as officials see it."""

    institution_id: UUID


class Terminal(Managed, frozen=True, kw_only=True):
    """A terminal as officials see it."""

    institution_id: UUID
    store_id: UUID


STANDING = """coalesce(n.revision, 1) AS revision,
           state = 'suspended' AND coalesce(n.suspended_by_centre, false) AS suspended_by_centre"""
INSTITUTIONS = f"""
    SELECT i.id, i.name, i.kind, i.state, i.created_at, {STANDING}
      FROM institution i LEFT JOIN standing n ON n.subject_id = i.id"""
STORES = f"""
    SELECT s.id, s.institution_id, s.name, s.state, s.created_at, {STANDING}
      FROM store s LEFT JOIN standing n ON n.subject_id = s.id"""
TERMINALS = f"""
    SELECT t.id, t.institution_id, t.store_id, t.name, t.state, t.created_at, {STANDING}
      FROM terminal t LEFT JOIN standing n ON n.subject_id = t.id"""


async def list_institution_entries() -> list[InstitutionEntry]:
    """Return every institution for the directory."""
    return await fetch_rows(InstitutionEntry, select(tables.Institution, InstitutionEntry))


async def list_store_entries() -> list[StoreEntry]:
    """Return every store for the directory."""
    return await fetch_all(
        StoreEntry,
        """
        SELECT s.id, s.institution_id, s.name, s.state = 'active' AND i.state = 'active' AS is_active
          FROM store s JOIN institution i ON i.id = s.institution_id
        """,
    )


async def list_terminal_entries() -> list[TerminalEntry]:
    """Return every terminal for the directory."""
    return await fetch_all(
        TerminalEntry,
        """
        SELECT t.id, t.institution_id, t.store_id, t.name,
               t.state = 'active' AND s.state = 'active' AND i.state = 'active' AS is_active
          FROM terminal t JOIN store s ON s.id = t.store_id JOIN institution i ON i.id = t.institution_id
        """,
    )


async def list_key_entries() -> list[KeyEntry]:
    """Return every key that has not expired for the directory."""
    rows = await fetch_all(
        KeyEntry,
        """
        SELECT id, institution_id, secret_hash, scopes, store_ids, state, expires_at
          FROM api_key WHERE expires_at > now()
        """,
    )
    return [
        msgspec.structs.replace(
            row, scopes=tuple(row.scopes), store_ids=None if row.store_ids is None else frozenset(row.store_ids)
        )
        for row in rows
    ]


async def insert_institution(row: Institution) -> bool:
    """Store an institution; False when the name is taken."""
    return bool(
        await execute(
            "INSERT INTO institution (id, name, kind, state, created_at) VALUES ($1, $2, $3, $4, $5)"
            " ON CONFLICT (name) DO NOTHING",
            row.id, row.name, row.kind, row.state, row.created_at,
        )
    )  # fmt: skip


async def insert_store(row: Store) -> bool:
    """Store a store; False when the institution has one of that name."""
    return bool(
        await execute(
            "INSERT INTO store (id, institution_id, name, state, created_at) VALUES ($1, $2, $3, $4, $5)"
            " ON CONFLICT (institution_id, name) DO NOTHING",
            row.id, row.institution_id, row.name, row.state, row.created_at,
        )
    )  # fmt: skip


async def insert_terminal(row: Terminal) -> bool:
    """Store a terminal; False when the store has one of that name."""
    return bool(
        await execute(
            "INSERT INTO terminal (id, institution_id, store_id, name, state, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (store_id, name) DO NOTHING",
            row.id, row.institution_id, row.store_id, row.name, row.state, row.created_at,
        )
    )  # fmt: skip


async def find_institution(institution_id: UUID) -> Institution | None:
    """Find an institution."""
    return await fetch_one(Institution, f"{INSTITUTIONS} WHERE i.id = $1", institution_id)


async def find_store(institution_id: UUID, store_id: UUID) -> Store | None:
    """Find a store of an institution."""
    return await fetch_one(Store, f"{STORES} WHERE s.institution_id = $1 AND s.id = $2", institution_id, store_id)


async def find_terminal(institution_id: UUID, terminal_id: UUID) -> Terminal | None:
    """Find a terminal of an institution."""
    return await fetch_one(
        Terminal, f"{TERMINALS} WHERE t.institution_id = $1 AND t.id = $2", institution_id, terminal_id
    )


async def list_institutions(only: UUID | None, after: UUID | None, limit: int) -> list[Institution]:
    """Return ``limit`` + 1 institutions after an id; ``only`` one when its own official asks."""
    return await fetch_all(
        Institution,
        f"""
        {INSTITUTIONS}
         WHERE ($1::uuid IS NULL OR i.id = $1) AND ($2::uuid IS NULL OR i.id > $2) ORDER BY i.id LIMIT $3
        """,
        only, after, limit + 1,
    )  # fmt: skip


async def list_stores(institution_id: UUID, after: UUID | None, limit: int) -> list[Store]:
    """Return ``limit`` + 1 stores of an institution after an id."""
    return await fetch_all(
        Store,
        f"{STORES} WHERE s.institution_id = $1 AND ($2::uuid IS NULL OR s.id > $2) ORDER BY s.id LIMIT $3",
        institution_id, after, limit + 1,
    )  # fmt: skip


async def list_terminals(institution_id: UUID, store_id: UUID | None, after: UUID | None, limit: int) -> list[Terminal]:
    """Return ``limit`` + 1 terminals of an institution, or of one store, after an id."""
    return await fetch_all(
        Terminal,
        f"""
        {TERMINALS}
         WHERE t.institution_id = $1 AND ($2::uuid IS NULL OR t.store_id = $2) AND ($3::uuid IS NULL OR t.id > $3)
         ORDER BY t.id LIMIT $4
        """,
        institution_id, store_id, after, limit + 1,
    )  # fmt: skip


async def lock_row(table: Suspendable, institution_id: UUID, row_id: UUID) -> bool:
    """Keep others from moving one row of an institution; False when it has none of that id."""
    tenant = "id" if table == "institution" else "institution_id"
    sql = f"SELECT id FROM {table} WHERE {tenant} = $1 AND id = $2 FOR UPDATE"
    return await fetch_value(sql, institution_id, row_id) is not None


async def mark_moved(table: Suspendable, row_id: UUID, state: State, *, revision: int, by_centre: bool) -> bool:
    """Suspend or resume something; False when its revision is another, or the centre's suspension is in the way.

    ``by_centre`` says whether the centre does it.
    """
    changed = await execute(
        f"""
        WITH moved AS (
            UPDATE {table} t SET state = $2
             WHERE t.id = $1 AND coalesce((SELECT n.revision FROM standing n WHERE n.subject_id = $1), 1) = $3
               AND ($4 OR t.state <> 'suspended'
                    OR NOT EXISTS (SELECT FROM standing n WHERE n.subject_id = $1 AND n.suspended_by_centre))
            RETURNING t.id)
        INSERT INTO standing (subject_id, revision, suspended_by_centre)
        SELECT id, $3 + 1, $4 AND $2 = 'suspended' FROM moved
        ON CONFLICT (subject_id) DO UPDATE
           SET revision = excluded.revision, suspended_by_centre = excluded.suspended_by_centre
        """,
        row_id, state, revision, by_centre,
    )  # fmt: skip
    return bool(changed)

"""SQL for the pieces of uploaded files: one function, one statement."""

from __future__ import annotations

from uuid import UUID

from app.kit.db.database import execute, fetch_value


async def insert_part(import_id: UUID, number: int, cipher: bytes) -> None:
    """Store a piece."""
    await execute("INSERT INTO import_part (import_id, number, cipher) VALUES ($1, $2, $3)", import_id, number, cipher)


async def find_part(import_id: UUID, number: int) -> bytes | None:
    """Return a piece; None after the last."""
    cipher: bytes | None = await fetch_value(
        "SELECT cipher FROM import_part WHERE import_id = $1 AND number = $2", import_id, number
    )
    return cipher


async def delete_parts(import_id: UUID, *, first: int = 0) -> None:
    """Delete a file's pieces, from one on."""
    await execute("DELETE FROM import_part WHERE import_id = $1 AND number >= $2", import_id, first)

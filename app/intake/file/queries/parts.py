"""Statements about the pieces of uploaded files: one function, one statement."""

from __future__ import annotations

from uuid import UUID

from app.intake.tables import ImportPart
from app.kit.db.database import execute
from app.kit.db.rows import fetch_field, run


async def insert_part(import_id: UUID, number: int, cipher: bytes) -> None:
    """Store a piece."""
    await execute("INSERT INTO import_part (import_id, number, cipher) VALUES ($1, $2, $3)", import_id, number, cipher)


async def find_part(import_id: UUID, number: int) -> bytes | None:
    """Return a piece; None after the last."""
    parts = ImportPart.select(ImportPart.cipher)
    cipher: bytes | None = await fetch_field(
        parts.where((ImportPart.import_id == import_id) & (ImportPart.number == number))
    )
    return cipher


async def delete_parts(import_id: UUID, *, first: int = 0) -> None:
    """Delete a file's pieces, from one on."""
    parts = ImportPart.delete()
    await run(parts.where((ImportPart.import_id == import_id) & (ImportPart.number >= first)))

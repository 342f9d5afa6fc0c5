"""The bytes of a file: pieces of an upload, encrypted in the database, or a file of this machine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from app.intake.file.counts import CHUNK_BYTES, PART_BYTES
from app.intake.file.queries import parts as parts_queries
from app.kit.security.crypto import decrypt_bytes, encrypt_bytes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from uuid import UUID

    ReadAt = Callable[[int], Awaitable[bytes]]


async def store_part(import_id: UUID, number: int, clear: bytes) -> None:
    """Encrypt a piece of an upload and store it."""
    cipher = encrypt_bytes(clear, column=_name_column(number), row_id=import_id)
    await parts_queries.insert_part(import_id, number, cipher)


async def find_part(import_id: UUID, number: int) -> bytes:
    """Return a piece of an upload, decrypted; nothing after the last."""
    cipher = await parts_queries.find_part(import_id, number)
    return b"" if cipher is None else decrypt_bytes(cipher, column=_name_column(number), row_id=import_id)


def read_file(path: Path) -> ReadAt:
    """Return a reader of a file on this machine, a block at a time."""

    def read(offset: int) -> bytes:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(CHUNK_BYTES)

    async def read_at(offset: int) -> bytes:
        return await asyncio.to_thread(read, offset)

    return read_at


def read_parts(import_id: UUID, *, first: int = 0) -> ReadAt:
    """Return a reader of an upload's pieces from one on, a block at a time; it remembers the piece it read last."""
    last: tuple[int, bytes] = (-1, b"")

    async def read_at(offset: int) -> bytes:
        nonlocal last
        number, begin = divmod(offset, PART_BYTES)
        number += first
        if last[0] != number:
            last = (number, await find_part(import_id, number))
        return last[1][begin : begin + CHUNK_BYTES]

    return read_at


def _name_column(number: int) -> str:
    """Return what a piece is encrypted for, beside its import's id: none can be put in the place of another."""
    return f"import_part.cipher.{number}"

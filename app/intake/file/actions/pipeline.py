"""A file read block by block, wherever it lies, and cleaned ahead of whoever stores it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, TypeVar

import msgspec

from app.intake.file.chunk import CleanChunk
from app.intake.file.counts import CHUNK_BYTES, PART_BYTES
from app.intake.file.queries import parts as parts_queries
from app.kit.clock import now
from app.kit.security.crypto import decrypt_bytes
from app.values.days import shanghai_day

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from pathlib import Path
    from uuid import UUID

    from app.kit.jobs.aside import Aside

    ReadAt = Callable[[int], Awaitable[bytes]]

CLEANED_AHEAD = 2  # with one, whoever cleans would wait while this process is busy with what is clean already
Item = TypeVar("Item")
_DECODER = msgspec.msgpack.Decoder(CleanChunk)


class FileCut(Exception):  # noqa: N818 - it says what is true
    """The file has become shorter or longer than it was when its import began."""


async def clean_ahead(cleaner: Aside, read_at: ReadAt, begin: int, file_bytes: int) -> AsyncGenerator[CleanChunk]:
    """Yield the chunks of a file; the next ones are cleaned while the caller is busy with this one."""
    seen_bytes, offset, is_over = begin, begin, False
    ahead: deque[asyncio.Task[CleanChunk]] = deque()
    try:
        while ahead or not is_over:
            while len(ahead) < CLEANED_AHEAD and not is_over:
                block = await read_at(offset)
                offset, is_over = offset + len(block), not block
                ahead.append(asyncio.create_task(_clean_block(cleaner, block)))
            chunk = await ahead.popleft()
            if is_over and not ahead and offset != file_bytes:
                raise FileCut
            if chunk.received or chunk.seen_bytes != seen_bytes:
                seen_bytes = chunk.seen_bytes
                yield chunk
    finally:
        for task in ahead:
            task.cancel()
        await asyncio.gather(*ahead, return_exceptions=True)


async def one_ahead(items: AsyncGenerator[Item]) -> AsyncGenerator[Item]:
    """Yield items; the next one is made while the caller is busy with this one."""
    ahead = asyncio.create_task(anext(items, None))
    try:
        while (item := await ahead) is not None:
            ahead = asyncio.create_task(anext(items, None))
            yield item
    finally:
        ahead.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await ahead  # before what it stands on is closed
        await items.aclose()


async def _clean_block(cleaner: Aside, block: bytes) -> CleanChunk:
    """Return the chunk a block makes; an empty block is the end of the file."""
    today = shanghai_day(now())
    answer = await (cleaner.call("feed", block, today) if block else cleaner.call("finish", today))
    return _DECODER.decode(answer)


def name_part(number: int) -> str:
    """Return the place a piece of a file is encrypted for, beside its import's id."""
    return f"import_part.cipher.{number}"


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
    known: tuple[int, bytes] = (-1, b"")

    async def read_at(offset: int) -> bytes:
        nonlocal known
        number, begin = divmod(offset, PART_BYTES)
        number += first
        if known[0] != number:
            cipher = await parts_queries.find_part(import_id, number)
            clear = b"" if cipher is None else decrypt_bytes(cipher, column=name_part(number), row_id=import_id)
            known = (number, clear)
        return known[1][begin : begin + CHUNK_BYTES]

    return read_at

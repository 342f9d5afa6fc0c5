"""A file is read block by block, and the next chunks are cleaned while this one is stored."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, TypeVar

import msgspec

from app.intake.file.actions.clean import FileCleaner
from app.intake.file.chunk import CleanChunk
from app.kit.clock import now
from app.kit.jobs.aside import aside
from app.values.days import shanghai_day

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from app.intake.file.actions.workbook import Opened
    from app.intake.file.chunk import CleanPlan
    from app.kit.jobs.aside import Aside

APART_BYTES_MIN = 4 * 1024 * 1024  # a smaller file is cleaned before another process has started
CLEANED_AHEAD = 2  # with one, the process that cleans would wait while this one stores
Item = TypeVar("Item")
_DECODER = msgspec.msgpack.Decoder(CleanChunk)


class FileCut(Exception):  # noqa: N818 - it says what is true
    """The file has become shorter or longer than it was when its import began."""


async def clean_ahead(plan: CleanPlan, opened: Opened) -> AsyncGenerator[CleanChunk]:
    """Yield the chunks of a file; the next ones are cleaned while the caller is busy with this one."""
    is_long = opened.text_bytes - plan.seen_bytes >= APART_BYTES_MIN
    async with (
        aside(FileCleaner, plan, apart=is_long) as cleaner,
        contextlib.aclosing(_clean_blocks(cleaner, plan.seen_bytes, opened)) as chunks,
    ):
        async for chunk in chunks:
            yield chunk


async def _clean_blocks(cleaner: Aside, begin: int, opened: Opened) -> AsyncGenerator[CleanChunk]:
    seen_bytes, offset, is_over = begin, begin, False
    ahead: deque[asyncio.Task[CleanChunk]] = deque()
    try:
        while ahead or not is_over:
            while len(ahead) < CLEANED_AHEAD and not is_over:
                block = await opened.read_at(offset)
                offset, is_over = offset + len(block), not block
                ahead.append(asyncio.create_task(_clean_block(cleaner, block)))
            chunk = await ahead.popleft()
            if is_over and not ahead and offset != opened.text_bytes:
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
            await ahead  # it uses ``items``, which is closed next
        await items.aclose()


async def _clean_block(cleaner: Aside, block: bytes) -> CleanChunk:
    """Return the chunk a block makes; an empty block is the end of the file."""
    today = shanghai_day(now())
    answer = await (cleaner.call("feed", block, today) if block else cleaner.call("finish", today))
    return _DECODER.decode(answer)

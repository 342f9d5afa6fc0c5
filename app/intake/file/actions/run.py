"""Running imports: a file is cleaned, chunk by chunk, while the chunk before is stored.

An import whose process dies is taken over by another one, which goes on after the last chunk that was stored.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

from app.event.actions import insert_events
from app.event.feed import NewEvent
from app.intake.fact.item import Flaw
from app.intake.file.actions.match import match_chunks
from app.intake.file.actions.pipeline import clean_ahead, one_ahead
from app.intake.file.actions.plan import begin_import
from app.intake.file.actions.store import ImportStopped, store_chunk
from app.intake.file.actions.workbook import open_text
from app.intake.file.counts import EVENTS, IMPORT_MOVES
from app.intake.file.queries import imports as imports_queries
from app.intake.file.queries import parts as parts_queries
from app.kit.clock import now
from app.kit.db.database import transaction
from app.kit.db.lock import try_lock
from app.kit.jobs.queue import Job

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path
    from uuid import UUID

    from app.intake.file.actions.match import Matched, RunningImport
    from app.intake.file.chunk import CleanChunk
    from app.intake.file.counts import EndState
    from app.intake.file.stored import StoredImport
    from app.kit.jobs.pace import Pace

    OnProgress = Callable[[RunningImport], None]

LOG = logging.getLogger("huixin.intake")
WAITING_MAX = 20  # looked at in one round


class ImportElsewhere(Exception):  # noqa: N818 - it says what is true
    """Another process runs this import."""


async def run_import(
    import_id: UUID, *, pace: Pace, on_progress: OnProgress | None = None, path: Path | None = None
) -> StoredImport | None:
    """Run an import from where it was left to its end, and return it; ``path`` when its file is not an upload.

    ``on_progress`` is called after every chunk that is stored. Raises ``ImportElsewhere`` when another process runs it,
    and ``ImportStopped`` when it was cancelled meanwhile. After any other exception it can be resumed.
    """
    async with try_lock(compute_lock(import_id)) as lost:
        if lost is None:
            raise ImportElsewhere
        stored = await imports_queries.find_import(import_id)
        if stored is not None and stored.state in IMPORT_MOVES.open:
            await _open_and_run(stored, path, pace, on_progress, lost)
    return await imports_queries.find_import(import_id)


async def run_waiting_imports(*, pace: Pace) -> bool:
    """Run the uploads that wait, or were left in the middle, one after another; whether there was one to run."""
    ran = False
    for waiting in await imports_queries.list_spooled(WAITING_MAX):
        try:
            await run_import(waiting.id, pace=pace)
            ran = True
        except (ImportElsewhere, ImportStopped):
            continue
        except Exception:  # one import that cannot be run must not keep the others waiting
            LOG.exception("import %s failed", waiting.id)
    return ran


async def run_imports(pace: Pace) -> None:
    """Run the files of records that wait."""
    while await run_waiting_imports(pace=pace):
        pass


async def close_import(import_id: UUID, state: EndState, *, refusal: Flaw | None = None) -> bool:
    """Close an import inside the caller's transaction and delete its upload; False when it is closed already."""
    at = now()
    if not await imports_queries.mark_ended(import_id, state, refusal=refusal, at=at):
        return False
    await parts_queries.delete_parts(import_id)
    await insert_events([NewEvent(type=EVENTS[state], subject_id=import_id, at=at)])
    return True


def compute_lock(import_id: UUID) -> int:
    """Return the number of the advisory lock that the process which runs an import holds."""
    return int.from_bytes(hashlib.sha256(b"import" + import_id.bytes).digest()[:8], signed=True)


async def _open_and_run(
    stored: StoredImport, path: Path | None, pace: Pace, on_progress: OnProgress | None, lost: asyncio.Event
) -> None:
    async with open_text(stored, path) as opened:
        planned = opened if isinstance(opened, Flaw) else await begin_import(stored, opened)
        if isinstance(planned, Flaw) or isinstance(opened, Flaw):
            async with transaction():
                await close_import(stored.id, "refused", refusal=planned if isinstance(planned, Flaw) else None)
            return
        running, plan = planned
        await _run(running, match_chunks(running, clean_ahead(plan, opened)), pace, on_progress, lost)
    async with transaction():
        await close_import(stored.id, "finished")


async def _run(
    running: RunningImport,
    chunks: AsyncGenerator[tuple[CleanChunk, Matched]],
    pace: Pace,
    on_progress: OnProgress | None,
    lost: asyncio.Event,
) -> None:
    """Store a file chunk by chunk; the next one is cleaned and matched while this one is stored."""
    async with aclosing(one_ahead(chunks)) as ahead:  # nothing reads the file any more when it is closed
        async for chunk, matched in ahead:
            if lost.is_set():
                raise ImportStopped
            async with pace.work():
                running.counts = await store_chunk(running, chunk, matched)
                running.seen_bytes = chunk.seen_bytes
            if on_progress is not None:
                on_progress(running)


JOBS = (Job("imports", "* * * * *", run_imports),)

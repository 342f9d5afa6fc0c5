"""Running imports: a file is cleaned, chunk by chunk, while the chunk before is stored.

An import whose process dies is taken over by another one, which goes on after the last chunk that was stored.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from typing import TYPE_CHECKING

import msgspec

from app.event.actions import insert_events
from app.event.feed import NewEvent
from app.intake.fact.item import Flaw
from app.intake.file.actions.clean import FileCleaner, judge_plan
from app.intake.file.actions.match import RunningImport, match_chunks
from app.intake.file.actions.pipeline import clean_ahead, one_ahead
from app.intake.file.actions.store import ImportStopped, store_chunk
from app.intake.file.actions.workbook import Opened, open_text
from app.intake.file.chunk import CleanPlan
from app.intake.file.counts import EVENTS, IMPORT_MOVES
from app.intake.file.quarantine import list_correction_names
from app.intake.file.queries import imports as imports_queries
from app.intake.file.queries import parts as parts_queries
from app.intake.reading.format import FileFormat, detect_format
from app.intake.source.compile import find_column, list_names
from app.intake.source.mapping import FIELD_TITLES
from app.intake.source.queries import register as register_queries
from app.intake.source.queries import shapes as shapes_queries
from app.kit.clock import now
from app.kit.db.database import transaction
from app.kit.db.failure import family_of
from app.kit.db.lock import try_lock
from app.kit.errors import Overloaded
from app.kit.jobs.aside import aside
from app.kit.jobs.queue import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path
    from uuid import UUID

    from app.intake.file.actions.match import Matched
    from app.intake.file.chunk import CleanChunk
    from app.intake.file.counts import EndState, ImportCounts
    from app.intake.file.stored import StoredImport
    from app.intake.source.entry import Source
    from app.kit.jobs.pace import Pace

    OnProgress = Callable[[RunningImport], None]

LOG = logging.getLogger("huixin.intake")
APART_BYTES_MIN = 4 * 1024 * 1024  # a smaller file is cleaned before another process has started
CHUNK_TRIES_MAX = 5
RETRY_SECONDS = 0.2
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
    source = await register_queries.find_source(stored.source)
    assert source is not None, "imports refer to sources that exist"
    async with open_text(stored, path) as opened:
        plan = opened if isinstance(opened, Flaw) else await _make_plan(stored, source, opened)
        if isinstance(plan, Flaw) or isinstance(opened, Flaw):
            async with transaction():
                await close_import(stored.id, "refused", refusal=plan if isinstance(plan, Flaw) else None)
            return
        running = await _begin(stored, source, plan)
        await _run(running, plan, opened, pace, on_progress, lost)
    async with transaction():
        await close_import(stored.id, "finished")


async def _begin(stored: StoredImport, source: Source, plan: CleanPlan) -> RunningImport:
    header = (plan.parent_format or plan.format).columns
    return RunningImport(
        id=stored.id,
        source=source.code,
        institution_id=source.institution_id,
        parent_id=stored.parent_id,
        entered_by=stored.started_by,
        seen_bytes=plan.seen_bytes,
        counts=stored.counts,
        columns={field: find_column(plan.mapping, header, field) for field in FIELD_TITLES},
        shapes={row.field: row for row in await shapes_queries.list_shapes([source.code])},
    )


async def _run(
    running: RunningImport, plan: CleanPlan, opened: Opened, pace: Pace, on_progress: OnProgress | None,
    lost: asyncio.Event,
) -> None:  # fmt: skip
    """Clean, match and store a file, chunk by chunk: each stage is busy with the chunk after the next stage's."""
    async with aside(FileCleaner, plan, apart=opened.text_bytes - plan.seen_bytes >= APART_BYTES_MIN) as cleaner:
        chunks = match_chunks(running, clean_ahead(cleaner, opened.read_at, plan.seen_bytes, opened.text_bytes))
        async for chunk, matched in one_ahead(chunks):
            if lost.is_set():
                raise ImportStopped
            async with pace.work():
                running.counts = await _store(running, chunk, matched)
                running.seen_bytes = chunk.seen_bytes
            if on_progress is not None:
                on_progress(running)


async def _make_plan(stored: StoredImport, source: Source, opened: Opened) -> CleanPlan | Flaw:
    """Return how to clean the file from where it was left, or why it cannot be."""
    parent_format = await _find_parent_format(stored)
    names = list_names(source.mapping) if parent_format is None else list_correction_names(parent_format)
    format_ = stored.file_format or await _detect(opened, names)
    if isinstance(format_, Flaw):
        return format_
    begun = stored.file_format is not None
    plan = CleanPlan(
        mapping=source.mapping,
        indicators=None if source.indicators is None else frozenset(source.indicators),
        honours=None if source.honours is None else frozenset(source.honours),
        format=format_,
        parent_format=parent_format,
        seen_bytes=stored.seen_bytes if begun else format_.header_bytes,
        next_row=stored.next_row if begun else format_.first_number,
    )
    flaw = judge_plan(plan)
    if flaw is not None or begun:
        return flaw or plan
    if not await imports_queries.mark_running(
        stored.id, file_format=format_, file_bytes=opened.text_bytes, seen_bytes=plan.seen_bytes, next_row=plan.next_row
    ):
        raise ImportStopped
    return plan


async def _detect(opened: Opened, names: Collection[str]) -> FileFormat | Flaw:
    head = await opened.read_at(0)
    format_ = detect_format(head, is_last=len(head) == opened.text_bytes, names=names)
    return format_ if isinstance(format_, Flaw) else msgspec.structs.replace(format_, is_workbook=opened.is_workbook)


async def _find_parent_format(stored: StoredImport) -> FileFormat | None:
    if stored.parent_id is None:
        return None
    parent = await imports_queries.find_import(stored.parent_id)
    assert parent is not None, "an import is not deleted"
    assert parent.file_format is not None, "only what was begun has rows to be corrected"
    return parent.file_format


async def _store(running: RunningImport, chunk: CleanChunk, matched: Matched) -> ImportCounts:
    """Store a chunk; again, some times, when other transactions were in the way."""
    for attempt in range(1, CHUNK_TRIES_MAX + 1):
        try:
            return await store_chunk(running, chunk, matched, at=now())
        except Exception as error:
            is_passing = isinstance(error, Overloaded) or family_of(error) == "again"
            if not is_passing or attempt == CHUNK_TRIES_MAX:
                raise
            await asyncio.sleep(RETRY_SECONDS * attempt)
    raise AssertionError("the last try returns or raises")


JOBS = (Job("imports", "* * * * *", run_imports),)

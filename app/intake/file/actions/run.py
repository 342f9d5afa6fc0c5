"""Running imports: a file is cleaned, chunk by chunk, while the chunk before is stored; whoever dies is taken over."""

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
from app.intake.file.actions.match import Import, match_chunks
from app.intake.file.actions.pipeline import clean_ahead, one_ahead
from app.intake.file.actions.store import ImportStopped, store_chunk
from app.intake.file.actions.workbook import Opened, open_text
from app.intake.file.chunk import CleanPlan
from app.intake.file.counts import EVENTS, IMPORT_MOVES, ImportCounts
from app.intake.file.quarantine import list_correction_names
from app.intake.file.queries import imports as imports_queries
from app.intake.file.queries import parts as parts_queries
from app.intake.reading.format import FileFormat, detect_format
from app.intake.source.compile import find_column, list_names
from app.intake.source.mapping import FIELD_TITLES, Mapping
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
    from app.intake.file.counts import EndState
    from app.intake.file.queries.imports import ImportRow
    from app.kit.jobs.pace import Pace

    Told = Callable[[Import], None]

LOG = logging.getLogger("huixin.intake")
APART_BYTES_MIN = 4 * 1024 * 1024  # a smaller file is cleaned before another process has started
CHUNK_TRIES_MAX = 5
RETRY_SECONDS = 0.2
WAITING_MAX = 20  # looked at in one round


class ImportElsewhere(Exception):  # noqa: N818 - it says what is true
    """Another process runs this import."""


async def run_import(
    import_id: UUID, *, pace: Pace, told: Told | None = None, path: Path | None = None
) -> ImportRow | None:
    """Run an import from where it was left to its end, and return it; ``path`` when its file is not an upload.

    ``told`` hears of every chunk that is stored. Raises ``ImportElsewhere`` when another process runs it, and
    ``ImportStopped`` when it was cancelled meanwhile. Whatever else is raised leaves it to be gone on with.
    """
    async with try_lock(compute_lock(import_id)) as lost:
        if lost is None:
            raise ImportElsewhere
        row = await imports_queries.find_import(import_id)
        if row is not None and row.state in IMPORT_MOVES.open:
            await _open_and_run(row, path, pace, told, lost)
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
    told = None if refusal is None else msgspec.json.encode(refusal).decode()
    at = now()
    if not await imports_queries.mark_ended(import_id, state, refusal=told, at=at):
        return False
    await parts_queries.delete_parts(import_id)
    await insert_events([NewEvent(type=EVENTS[state], subject_id=import_id, at=at)])
    return True


def compute_lock(import_id: UUID) -> int:
    """Return the number of the advisory lock that whoever runs an import holds."""
    return int.from_bytes(hashlib.sha256(b"import" + import_id.bytes).digest()[:8], signed=True)


async def _open_and_run(row: ImportRow, path: Path | None, pace: Pace, told: Told | None, lost: asyncio.Event) -> None:
    async with open_text(row, path) as opened:
        plan = opened if isinstance(opened, Flaw) else await _make_plan(row, opened)
        if isinstance(plan, Flaw) or isinstance(opened, Flaw):
            async with transaction():
                await close_import(row.id, "refused", refusal=plan if isinstance(plan, Flaw) else None)
            return
        await _run(row, plan, opened, pace, told, lost)


async def _run(
    row: ImportRow, plan: CleanPlan, opened: Opened, pace: Pace, told: Told | None, lost: asyncio.Event
) -> None:
    source = await register_queries.find_source(row.source)
    header = (plan.parent_format or plan.format).columns
    running = Import(
        id=row.id,
        source=row.source,
        institution_id=source.institution_id if source else None,
        parent_id=row.parent_id,
        entered_by=row.started_by,
        seen_bytes=plan.seen_bytes,
        counts=msgspec.json.decode(row.counts, type=ImportCounts),
        columns={field: find_column(plan.mapping, header, field) for field in FIELD_TITLES},
        shapes={known.field: known.shape for known in await shapes_queries.list_shapes([row.source])},
    )
    async with aside(FileCleaner, plan, apart=opened.text_bytes - plan.seen_bytes >= APART_BYTES_MIN) as cleaner:
        chunks = match_chunks(running, clean_ahead(cleaner, opened.read_at, plan.seen_bytes, opened.text_bytes))
        async for chunk, matched in one_ahead(chunks):
            if lost.is_set():
                raise ImportStopped
            async with pace.work():
                running.counts = await _store(running, chunk, matched)
                running.seen_bytes = chunk.seen_bytes
            if told is not None:
                told(running)
    async with transaction():
        await close_import(row.id, "finished")


async def _make_plan(row: ImportRow, opened: Opened) -> CleanPlan | Flaw:
    """Return how to clean the file from where it was left, or why it cannot be."""
    source = await register_queries.find_source(row.source)
    assert source is not None, "imports refer to sources that exist"
    begun = row.file_format is not None
    mapping = msgspec.json.decode(source.mapping, type=Mapping)
    parent_format = await _find_parent_format(row)
    names = list_names(mapping) if parent_format is None else list_correction_names(parent_format)
    format_ = _parse_format(row.file_format) if row.file_format else await _detect(opened, names)
    if isinstance(format_, Flaw):
        return format_
    plan = CleanPlan(
        import_id=row.id,
        source=row.source,
        mapping=mapping,
        indicators=None if source.indicators is None else frozenset(source.indicators),
        honours=None if source.honours is None else frozenset(source.honours),
        format=format_,
        parent_format=parent_format,
        seen_bytes=row.seen_bytes if begun else format_.header_bytes,
        next_row=row.next_row if begun else format_.first_number,
    )
    flaw = judge_plan(plan)
    if flaw is not None or begun:
        return flaw or plan
    text = msgspec.json.encode(format_).decode()
    if not await imports_queries.mark_running(
        row.id, file_format=text, file_bytes=opened.text_bytes, seen_bytes=plan.seen_bytes, next_row=plan.next_row
    ):
        raise ImportStopped
    return plan


async def _detect(opened: Opened, names: Collection[str]) -> FileFormat | Flaw:
    head = await opened.read_at(0)
    format_ = detect_format(head, is_last=len(head) == opened.text_bytes, names=names)
    return format_ if isinstance(format_, Flaw) else msgspec.structs.replace(format_, is_workbook=opened.is_workbook)


async def _find_parent_format(row: ImportRow) -> FileFormat | None:
    if row.parent_id is None:
        return None
    parent = await imports_queries.find_import(row.parent_id)
    assert parent is not None, "an import is not deleted"
    assert parent.file_format is not None, "only what was begun has rows to be corrected"
    return _parse_format(parent.file_format)


def _parse_format(text: str) -> FileFormat:
    return msgspec.json.decode(text, type=FileFormat)


async def _store(running: Import, chunk: CleanChunk, matched: Matched) -> ImportCounts:
    """Store a chunk, again when others were in the way."""
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

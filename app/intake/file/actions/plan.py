"""How a file is going to be cleaned: its format, its header held against its source's mapping, and where to begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.intake.fact.item import Flaw
from app.intake.file.actions.clean import judge_plan
from app.intake.file.actions.match import RunningImport
from app.intake.file.actions.store import ImportStopped
from app.intake.file.chunk import CleanPlan
from app.intake.file.quarantine import find_corrected_format
from app.intake.file.queries import imports as imports_queries
from app.intake.source.compile import find_column, find_format
from app.intake.source.mapping import FIELD_TITLES
from app.intake.source.queries import register as register_queries
from app.intake.source.queries import shapes as shapes_queries

if TYPE_CHECKING:
    from app.intake.file.actions.workbook import Opened
    from app.intake.file.stored import StoredImport
    from app.intake.reading.format import FileFormat
    from app.intake.source.entry import Source


async def begin_import(stored: StoredImport, opened: Opened) -> tuple[RunningImport, CleanPlan] | Flaw:
    """Return an import under way and how to clean the rest of its file, or why the file as a whole cannot be read."""
    source = await register_queries.find_source(stored.source)
    assert source is not None, "imports refer to sources that exist"
    plan = await _make_plan(stored, source, opened)
    return plan if isinstance(plan, Flaw) else (await _begin(stored, source, plan), plan)


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


async def _make_plan(stored: StoredImport, source: Source, opened: Opened) -> CleanPlan | Flaw:
    """Return how to clean the file from where it was left, or why it cannot be."""
    parent_format = await _find_parent_format(stored)
    format_ = stored.format or await _detect(opened, source, parent_format)
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


async def _detect(opened: Opened, source: Source, parent_format: FileFormat | None) -> FileFormat | Flaw:
    head = await opened.read_at(0)
    is_last = len(head) == opened.text_bytes
    if parent_format is None:
        format_ = find_format(source.mapping, head, is_last=is_last)
    else:
        format_ = find_corrected_format(parent_format, head, is_last=is_last)
    return format_ if isinstance(format_, Flaw) else msgspec.structs.replace(format_, is_workbook=opened.is_workbook)


async def _find_parent_format(stored: StoredImport) -> FileFormat | None:
    if stored.parent_id is None:
        return None
    parent = await imports_queries.find_import(stored.parent_id)
    assert parent is not None, "an import is not deleted"
    assert parent.file_format is not None, "only what was begun has rows to be corrected"
    return parent.format

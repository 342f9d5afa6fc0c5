"""One chunk of a file, matched, through link, sync and distribute, in one transaction with the place to go on from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.event.actions import insert_events
from app.event.feed import EVENT_TYPES, NewEvent
from app.intake.fact.judge import FLAWS, IMPORT_FLAWS
from app.intake.file.actions.match import HeldBack, Import, Matched
from app.intake.file.counts import ImportCounts, count_names
from app.intake.file.link import KEPT, compute_day_counts, list_kept
from app.intake.file.quarantine import name_cipher
from app.intake.file.queries import imports as imports_queries
from app.intake.file.queries import quarantine as quarantine_queries
from app.intake.file.queries.quarantine import QuarantinedRow
from app.intake.keeping.actions.notify import tell_of_negative_rows
from app.intake.quality import queries as quality_queries
from app.intake.source.queries import shapes as shapes_queries
from app.kit.db.database import transaction
from app.kit.security.crypto import encrypt_field
from app.record.actions.put import put_rows
from app.score.current.actions.rescore import mark_due
from app.values.days import shanghai_day

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from app.intake.fact.item import Flaw
    from app.intake.file.chunk import CleanChunk, CleanRows
    from app.record.catalogue import PutOutcome

IMPORTED = EVENT_TYPES.declare("records.imported.v1")
LINK_FLAWS: dict[PutOutcome, Flaw] = {
    "conflict": FLAWS["event_id_reused"],
    "not_renewable": IMPORT_FLAWS["honour_not_renewable"],
}


class ImportStopped(Exception):  # noqa: N818 - it says what is true
    """The import was cancelled, or another process has got further with it; the chunk leaves nothing behind."""


async def store_chunk(running: Import, chunk: CleanChunk, matched: Matched, *, at: datetime) -> ImportCounts:
    """Store a chunk and return the import's counts after it; all of it or nothing.

    The cursor moves in the same transaction: whoever goes on after a crash goes on after what is stored. Raises
    ``ImportStopped``.
    """
    counts = msgspec.json.decode(msgspec.json.encode(running.counts), type=ImportCounts)  # a chunk may be tried again
    async with transaction():
        outcomes = await _link(running, matched, counts, at)
        held = _hold_back(running, chunk.rows, matched, outcomes)
        _count(counts, chunk, matched, outcomes)
        await _quarantine(running.id, held, at)
        await _learn_shapes(running, matched)
        await _settle(running, chunk, outcomes, held, at)
        moved = await imports_queries.mark_seen(
            running.id,
            before=running.seen_bytes,
            seen_bytes=chunk.seen_bytes,
            next_row=chunk.next_row,
            counts=msgspec.json.encode(counts).decode(),
        )
        if not moved:
            raise ImportStopped
    return counts


async def _link(running: Import, matched: Matched, counts: ImportCounts, at: datetime) -> dict[int, PutOutcome]:
    """Keep the members' rows, have their citizens rescored and told, and return what became of each."""
    places, new = matched.places, matched.new
    if not places:
        return {}
    put = await put_rows(new, at=at, entered_by=running.entered_by, arranged=matched.arranged)
    outcomes = dict(zip(places, put.outcomes, strict=True))
    moved = {matched.citizens[place] for place in list_kept(outcomes)}
    if moved:
        await mark_due(list(moved), at=at)
    counts.sync.due += len(moved)
    counts.sync.notices += await tell_of_negative_rows(new, put.record_ids, at=at)
    return outcomes


def _hold_back(
    running: Import, rows: CleanRows, matched: Matched, outcomes: Mapping[int, PutOutcome]
) -> list[HeldBack]:
    linked = [
        HeldBack(rows.number[place], running.locate(LINK_FLAWS[outcome]), rows.text[place])
        for place, outcome in outcomes.items()
        if outcome in LINK_FLAWS
    ]
    return [*matched.spoilt, *matched.unfit.values(), *linked]


def _count(counts: ImportCounts, chunk: CleanChunk, matched: Matched, outcomes: Mapping[int, PutOutcome]) -> None:
    rows, told = chunk.rows, count_names(outcomes.values())
    counts.received += chunk.received
    counts.clean.in_ += chunk.received
    counts.clean.out += len(rows)
    count_names((row.flaw.code for row in matched.spoilt), counts.clean.quarantined)
    counts.match.in_ += len(rows)
    # Somebody may have left between being matched and being locked.
    matched_rows = len(matched.citizens) - told.get("not_a_member", 0)
    counts.match.matched += matched_rows
    counts.match.not_a_member += len(rows) - matched_rows - len(matched.unfit)
    count_names((row.flaw.code for row in matched.unfit.values()), counts.match.quarantined)
    counts.link.in_ += matched_rows
    counts.link.fresh += told.get("accepted", 0)
    counts.link.updated += told.get("updated", 0)
    counts.link.duplicate += told.get("duplicate", 0)
    count_names((LINK_FLAWS[one].code for one in outcomes.values() if one in LINK_FLAWS), counts.link.quarantined)
    counts.sync.inserted += told.get("accepted", 0)
    counts.sync.updated += told.get("updated", 0)
    counts.sync.late += sum(rows.is_late[place] for place in list_kept(outcomes))
    counts.distribute.events += bool(told.get("accepted", 0) + told.get("updated", 0))


async def _quarantine(import_id: UUID, held: Sequence[HeldBack], at: datetime) -> None:
    if held:
        rows = [
            QuarantinedRow(
                row_number=row.number,
                reason=row.flaw.code,
                note_zh=row.flaw.zh,
                note_en=row.flaw.en,
                place=row.flaw.column or row.flaw.pointer[1:],
                row_cipher=_encrypt(import_id, row),
                entered_at=at,
                corrected_by=None,
            )
            for row in held
        ]
        await quarantine_queries.insert_quarantined(import_id, rows, at=at)


async def _learn_shapes(running: Import, matched: Matched) -> None:
    """Remember what the ids look like, while they look alike."""
    if matched.shapes:
        await shapes_queries.insert_shapes({(running.source, field): one for field, one in matched.shapes.items()})


def _encrypt(import_id: UUID, row: HeldBack) -> bytes | None:
    if row.text is None:
        return None
    return encrypt_field(row.text, column=name_cipher(row.number), row_id=import_id)


async def _settle(
    running: Import, chunk: CleanChunk, outcomes: Mapping[int, PutOutcome], held: Sequence[HeldBack], at: datetime
) -> None:
    """Say that records came, count the source's day, and tell of the rows that are corrected now."""
    kept: dict[str, object] = {
        outcome: rows for outcome, rows in count_names(outcomes.values()).items() if outcome in KEPT
    }
    if kept:
        event = NewEvent(
            type=IMPORTED,
            subject_id=running.id,
            institution_id=running.institution_id,
            at=at,
            data={"source": running.source, **kept},
        )
        await insert_events([event])
    if running.parent_id is None:  # a corrected row counted where it first arrived
        day_counts = compute_day_counts(running.source, chunk, outcomes, [row.flaw.code for row in held])
        await quality_queries.insert_day_counts(shanghai_day(at), day_counts)
        return
    corrected = [
        number
        for place, outcome in outcomes.items()
        if outcome in {"accepted", "updated", "duplicate"} and (number := chunk.rows.parent_number[place]) is not None
    ]
    if corrected:
        number = await quarantine_queries.mark_corrected(running.parent_id, running.id, corrected)
        await quarantine_queries.mark_corrections(running.parent_id, number)

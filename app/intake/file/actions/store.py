"""One chunk of a file, matched, through link, sync and distribute, in one transaction with the place to go on from."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from app.event.actions import insert_events
from app.event.feed import EVENT_TYPES, NewEvent
from app.intake.fact.judge import FLAWS, IMPORT_FLAWS
from app.intake.file.actions.quarantine import hold_back
from app.intake.file.counts import ImportCounts, count_names
from app.intake.file.link import NEWS, compute_day_counts, list_news
from app.intake.file.quarantine import HeldRow
from app.intake.file.queries import imports as imports_queries
from app.intake.file.queries import quarantine as quarantine_queries
from app.intake.keeping.actions.notify import notify_of_negative_rows
from app.intake.quality import queries as quality_queries
from app.intake.source.queries import shapes as shapes_queries
from app.kit.clock import now
from app.kit.db.database import transaction
from app.kit.db.failure import family_of
from app.kit.errors import Overloaded
from app.record.actions.put import put_rows
from app.score.current.actions.rescore import mark_due
from app.values.days import shanghai_day

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from app.intake.fact.item import Flaw
    from app.intake.file.actions.match import Matched, RunningImport
    from app.intake.file.chunk import CleanChunk, CleanRows
    from app.record.catalogue import PutOutcome

CHUNK_TRIES_MAX = 5
RETRY_SECONDS = 0.2
IMPORTED = EVENT_TYPES.declare("records.imported.v1")
LINK_FLAWS: dict[PutOutcome, Flaw] = {
    "conflict": FLAWS["event_id_reused"],
    "not_renewable": IMPORT_FLAWS["honour_not_renewable"],
}


class ImportStopped(Exception):  # noqa: N818 - it says what is true
    """The import was cancelled, or another process has got further with it; the chunk leaves nothing behind."""


async def store_chunk(running: RunningImport, chunk: CleanChunk, matched: Matched) -> ImportCounts:
    """Store a chunk and return the import's counts after it; again, some times, when other transactions are in the way.

    Raises ``ImportStopped``.
    """
    for attempt in range(1, CHUNK_TRIES_MAX + 1):
        try:
            return await _store(running, chunk, matched, at=now())
        except Exception as error:
            is_passing = isinstance(error, Overloaded) or family_of(error) == "again"
            if not is_passing or attempt == CHUNK_TRIES_MAX:
                raise
            await asyncio.sleep(RETRY_SECONDS * attempt)
    raise AssertionError("the last try returns or raises")


async def _store(running: RunningImport, chunk: CleanChunk, matched: Matched, *, at: datetime) -> ImportCounts:
    """Store a chunk, all of it or nothing.

    The place to go on from moves in the same transaction: after a crash the import goes on after what is stored.
    """
    counts = msgspec.json.decode(msgspec.json.encode(running.counts), type=ImportCounts)  # a chunk may be tried again
    async with transaction():
        outcomes = await _link(running, matched, counts, at)
        held = [*matched.spoilt, *matched.unfit.values(), *_list_refused(running, chunk.rows, outcomes)]
        _count(counts, chunk, matched, outcomes)
        await hold_back(running.id, held, at=at)
        await _learn_shapes(running, matched)
        await _settle(running, chunk, outcomes, held, at)
        # The lock of an import is lost with its connection, so that for a moment two processes may run it: only the one
        # that finds the place it began at moves it on, and the other one's chunk is undone.
        moved = await imports_queries.mark_seen(
            running.id,
            before=running.seen_bytes,
            seen_bytes=chunk.seen_bytes,
            next_row=chunk.next_row,
            counts=counts,
        )
        if not moved:
            raise ImportStopped
    return counts


async def _link(running: RunningImport, matched: Matched, counts: ImportCounts, at: datetime) -> dict[int, PutOutcome]:
    """Store the members' rows, have their citizens rescored and notified, and return what became of each row."""
    places, new = matched.places, matched.new
    if not places:
        return {}
    put = await put_rows(new, at=at, entered_by=running.entered_by, arranged=matched.arranged)
    outcomes = dict(zip(places, put.outcomes, strict=True))
    moved = {matched.citizens[place] for place in list_news(outcomes)}
    if moved:  # the worker rescores them: here it would hold the locks of a whole chunk for as long (decision 33)
        await mark_due(list(moved), at=at)
    counts.sync.due += len(moved)
    counts.sync.notices += await notify_of_negative_rows(new, put.record_ids, at=at)
    return outcomes


def _list_refused(running: RunningImport, rows: CleanRows, outcomes: Mapping[int, PutOutcome]) -> Iterator[HeldRow]:
    for place, outcome in outcomes.items():
        if outcome in LINK_FLAWS:
            yield HeldRow(rows.number[place], running.locate(LINK_FLAWS[outcome]), rows.text[place])


def _count(counts: ImportCounts, chunk: CleanChunk, matched: Matched, outcomes: Mapping[int, PutOutcome]) -> None:
    rows, named = chunk.rows, count_names(outcomes.values())
    counts.received += chunk.received
    counts.clean.in_ += chunk.received
    counts.clean.out += len(rows)
    count_names((row.flaw.code for row in matched.spoilt), counts.clean.quarantined)
    counts.match.in_ += len(rows)
    # A citizen may leave after their rows were matched and before they are locked.
    matched_rows = len(matched.citizens) - named.get("not_a_member", 0)
    counts.match.matched += matched_rows
    counts.match.not_a_member += len(rows) - matched_rows - len(matched.unfit)
    count_names((row.flaw.code for row in matched.unfit.values()), counts.match.quarantined)
    counts.link.in_ += matched_rows
    counts.link.fresh += named.get("accepted", 0)
    counts.link.updated += named.get("updated", 0)
    counts.link.duplicate += named.get("duplicate", 0)
    count_names((LINK_FLAWS[one].code for one in outcomes.values() if one in LINK_FLAWS), counts.link.quarantined)
    counts.sync.inserted += named.get("accepted", 0)
    counts.sync.updated += named.get("updated", 0)
    counts.sync.late += sum(rows.is_late[place] for place in list_news(outcomes))
    counts.distribute.events += bool(named.get("accepted", 0) + named.get("updated", 0))


async def _learn_shapes(running: RunningImport, matched: Matched) -> None:
    """Remember what the ids look like, while they look alike."""
    if matched.shapes:
        await shapes_queries.insert_shapes({(running.source, field): one for field, one in matched.shapes.items()})


async def _settle(
    running: RunningImport, chunk: CleanChunk, outcomes: Mapping[int, PutOutcome], held: Sequence[HeldRow], at: datetime
) -> None:
    """Write the event, count the source's day, and note which rows in quarantine are corrected now."""
    news: dict[str, object] = {
        outcome: rows for outcome, rows in count_names(outcomes.values()).items() if outcome in NEWS
    }
    if news:
        event = NewEvent(
            type=IMPORTED,
            subject_id=running.id,
            institution_id=running.institution_id,
            at=at,
            data={"source": running.source, **news},
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

"""Previews: asked for by officials, counted by the worker in chunks that commit, released so that nobody is found."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from app.kit.clock import now, uuid7
from app.kit.db.database import transaction
from app.kit.errors import NotFound
from app.kit.jobs.queue import Job, enqueue
from app.kit.security.keys import KEYS
from app.score.book import queries as book_queries
from app.score.book.actions.find import find_book
from app.score.book.moves import RULE_BOOK_MOVES
from app.score.draft import queries as draft_queries
from app.score.draft.actions.write import need_allowed, read_book, write_down
from app.score.engine import queries as engine_queries
from app.score.preview import queries
from app.score.preview.cells import CELL_MIN
from app.score.preview.refusals import PreviewBudgetSpent
from app.score.preview.report import SAMPLE_PARTS, PreviewReport, Seen, compute_report, count_into, round_report
from app.score.preview.rounding import (
    PREVIEWS_COMPARED_DAYS,
    PREVIEWS_PER_BOOK_A_DAY,
    PREVIEWS_PER_OFFICIAL_A_DAY,
    count_different,
)
from app.values.days import compute_seconds_left, shanghai_day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from app.kit.jobs.pace import Pace
    from app.kit.security.auth import OfficialCaller
    from app.score.book.document import RuleBook
    from app.score.draft.queries import StoredBook
    from app.score.preview.queries import StoredPreview
    from app.score.preview.report import Sample, SampledCitizen

CHUNK_CITIZENS = 500


class Preview(msgspec.Struct, frozen=True):
    """A preview as far as it is, the books it compares, and its report once it is done and about enough people."""

    row: StoredPreview
    before: RuleBook
    after: RuleBook
    report: PreviewReport | None


async def request_preview(official: OfficialCaller, public_id: UUID, sample: Sample) -> Preview:
    """Have the worker count what a rule book would change; the same one that is under way goes on."""
    official.need_centre()
    at = now()
    async with transaction():
        await draft_queries.lock_books()
        book = await read_book(official, public_id)
        need_allowed(book, "preview")
        if await queries.insert_preview(book.id, sample, shanghai_day(at), official.id, at):
            await _spend(official, public_id, at)
            await write_down(official, book, "preview", at)
            await enqueue("previews")
    return await _unfold(book)


async def _spend(official: OfficialCaller, public_id: UUID, at: datetime) -> None:
    """Take a preview from the day's budgets, under the lock of all rule books; refused, nothing was asked for."""
    day = shanghai_day(at)
    asked = await queries.count_requests(public_id, official.id, day)
    if asked.of_book >= PREVIEWS_PER_BOOK_A_DAY or asked.by_official >= PREVIEWS_PER_OFFICIAL_A_DAY:
        raise PreviewBudgetSpent(retry_after_seconds=compute_seconds_left(at))
    await queries.insert_request(uuid7(), public_id, official.id, at, day)


async def read_preview(official: OfficialCaller, public_id: UUID) -> Preview:
    """Return the preview of what a rule book says now; an edit forgets the one before."""
    return await _unfold(await read_book(official, public_id))


async def run_waiting_previews(*, pace: Pace) -> bool:
    """Count every preview that waits, the longest waiting first; whether there was one. May be stopped anywhere."""
    has_worked = False
    while (row := await queries.find_open_preview()) is not None:
        async with pace.work():
            await _go_on(row)
        has_worked = True
    return has_worked


async def run_previews(pace: Pace) -> None:
    """Count what rule books that are not yet in force would change."""
    await run_waiting_previews(pace=pace)


async def _go_on(row: StoredPreview) -> None:
    """Do one piece of a preview; it begins anew when another book came into force, or an earlier version counted."""
    active_id = await book_queries.find_active_book_id()
    if row.state != "running" or row.from_rule_book_id != active_id or not row.is_whole():
        total = await queries.count_scored(active_id) // SAMPLE_PARTS[row.sample]
        await queries.mark_running(row, active_id, total)
        return
    citizens = await queries.list_sampled(row, SAMPLE_PARTS[row.sample], CHUNK_CITIZENS)
    if not citizens:
        await _finish(row)
        return
    tally = row.read_counts()
    seen = await _score_again(row, citizens)
    count_into(tally, seen, row.day, _secret())
    counts = msgspec.json.encode(tally).decode()
    await queries.update_progress(row, citizens[-1].id, row.citizens_done + len(seen), counts)


async def _finish(row: StoredPreview) -> None:
    """Release what was counted; or a report released lately again, where hardly anybody lies otherwise than in it."""
    tally, at = row.read_counts(), now()
    before, after = await find_book(row.from_rule_book_id), await find_book(row.rule_book_id)
    from_levels, to_levels = ([level.code for level in each.levels] for each in (before, after))
    exact = compute_report(tally, from_levels, to_levels)
    async with transaction():
        await draft_queries.lock_books()  # one preview is compared after the other
        if exact is None:
            await queries.mark_done(row, at, None)
            return
        since = at - timedelta(days=PREVIEWS_COMPARED_DAYS)
        await queries.delete_released(since)
        released = await queries.list_released(row.sample, since)
        near = [one for one in released if count_different(one.buckets, tally.buckets) < CELL_MIN]
        if near:
            await queries.mark_done(row, at, near[0].report)
            return
        report = msgspec.json.encode(round_report(exact, tally.keys, _secret())).decode()
        if await queries.mark_done(row, at, report):
            await queries.insert_released(uuid7(), row.sample, at, tally.buckets, report)


def _secret() -> bytes:
    return hmac.digest(KEYS.ring.audit, b"preview", hashlib.sha256)


async def _score_again(row: StoredPreview, citizens: Sequence[SampledCitizen]) -> list[Seen]:
    """Score citizens under the previewed book; those who have no score any more are left out."""
    async with transaction():
        await queries.mark_plan_custom()
        scores = await engine_queries.find_scores([one.id for one in citizens], row.day, row.rule_book_id)
    after = {score.citizen_id: score for score in scores}
    return [
        Seen(**msgspec.structs.asdict(one), to_value=after[one.id].value, to_level=after[one.id].level)
        for one in citizens
        if one.id in after
    ]


async def _unfold(book: StoredBook) -> Preview:
    """Return a book's preview; one that is not done, of a book that cannot be previewed any more, is not found."""
    row = await queries.find_preview(book.id)
    if row is None or (row.is_open() and not RULE_BOOK_MOVES.allows(book.state, "preview")):
        raise NotFound
    if row.is_open() and row.state == "done":  # by an earlier version: it is counted anew
        row = msgspec.structs.replace(row, state="waiting", finished_at=None)
    before = await find_book(row.from_rule_book_id)
    return Preview(row, before, book.read_document(), row.read_report())


JOBS = (Job("previews", "* * * * *", run_previews),)

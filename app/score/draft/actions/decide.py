"""Rule books on their way into force: submitted, rejected, approved for a day, withdrawn. Maker and checker are two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.kit.clock import now
from app.kit.db.database import transaction
from app.score.draft import queries
from app.score.draft.actions.examples import run_examples
from app.score.draft.actions.write import finish, lock_book, need_written
from app.score.draft.numbers import EFFECTIVE_DAYS_MAX, judge_draft, may_take_effect
from app.score.draft.refusals import (
    AnotherScheduled,
    EffectiveDayWrong,
    ExamplesFailed,
    ExamplesMissing,
    RuleBookInvalid,
    RuleBookMakerIsChecker,
)
from app.values.days import shanghai_day

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from app.kit.security.auth import OfficialCaller
    from app.score.draft.queries import StoredBook


async def submit_book(official: OfficialCaller, public_id: UUID, *, if_match: str | None) -> StoredBook:
    """Put a draft before the reviewers once every example passes; from here on it cannot be edited.

    Nobody else changes it while the examples run, so that what is submitted is what was tested.
    """
    at = now()
    async with transaction():
        row = await lock_book(official, public_id, "submit", if_match)
        await _check_examples(row)
        need_written(await queries.mark_submitted(row.id, row.revision, official.id, at))
        return await finish(official, public_id, "submit", at)


async def _check_examples(row: StoredBook) -> None:
    """Refuse a book without examples, with examples that fail, or with faults by the closed lists of today."""
    examples = row.read_examples()
    if faults := judge_draft(row.read_document(), examples, row.code, row.version):
        raise RuleBookInvalid(faults)
    if not examples:
        raise ExamplesMissing
    outcomes = await run_examples(examples, row.id)
    if failed := [(number, one) for number, one in enumerate(outcomes) if not one.has_passed]:
        raise ExamplesFailed(failed)


async def reject_book(official: OfficialCaller, public_id: UUID, note: str, *, if_match: str | None) -> StoredBook:
    """Send a submitted book back to its makers, with a reason."""
    at = now()
    async with transaction():
        row = await lock_book(official, public_id, "reject", if_match)
        _need_checker(official, row)
        need_written(await queries.mark_rejected(row.id, row.revision, official.id, at, note))
        return await finish(official, public_id, "reject", at)


async def approve_book(
    official: OfficialCaller, public_id: UUID, effective_on: date, note: str | None, *, if_match: str | None
) -> StoredBook:
    """Approve a submitted book for a day; it is public from now on, and counts from that day by itself."""
    at = now()
    async with transaction():
        row = await lock_book(official, public_id, "approve", if_match)
        _need_checker(official, row)
        if not may_take_effect(effective_on, shanghai_day(at)):
            raise EffectiveDayWrong(EFFECTIVE_DAYS_MAX)
        if faults := judge_draft(row.read_document(), row.read_examples(), row.code, row.version):
            raise RuleBookInvalid(faults)
        if not await queries.mark_scheduled(row.id, row.revision, official.id, at, note, effective_on):
            raise AnotherScheduled
        return await finish(official, public_id, "approve", at)


async def withdraw_book(official: OfficialCaller, public_id: UUID, note: str, *, if_match: str | None) -> StoredBook:
    """Take back a book before its day; it never counts, and its number is used up."""
    at = now()
    async with transaction():
        row = await lock_book(official, public_id, "withdraw", if_match)
        need_written(await queries.mark_withdrawn(row.id, row.revision, official.id, at, note))
        return await finish(official, public_id, "withdraw", at)


def _need_checker(official: OfficialCaller, row: StoredBook) -> None:
    if official.id in row.makers:
        raise RuleBookMakerIsChecker

"""Rule books being written: drafted, copied, edited, given examples, tested, deleted. By officials of the centre."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.event.actions import insert_events
from app.event.feed import NewEvent
from app.kit.clock import now, uuid7
from app.kit.db.audit import write_audit
from app.kit.db.database import transaction
from app.kit.errors import ETagStale, NotFound
from app.kit.request.etag import need_etag
from app.score.book import queries as book_queries
from app.score.book.moves import AUDIT_DRAFT, AUDITED, DRAFTED, EVENTS, RULE_BOOK_MOVES
from app.score.book.published import compute_document
from app.score.draft import queries
from app.score.draft.actions.examples import run_examples
from app.score.draft.numbers import judge_draft
from app.score.draft.refusals import RuleBookInvalid, RuleBookMoveNotAllowed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from app.kit.security.auth import OfficialCaller
    from app.score.book.document import RuleBook
    from app.score.book.moves import BookAction
    from app.score.draft.examples import Example, ExampleOutcome
    from app.score.draft.queries import StoredBook


async def read_book(official: OfficialCaller, public_id: UUID) -> StoredBook:
    """Return a rule book in whatever state."""
    official.need_centre()
    row = await queries.find_book(public_id)
    if row is None:
        raise NotFound
    return row


async def draft_book(official: OfficialCaller, book: RuleBook, examples: Sequence[Example]) -> StoredBook:
    """Store a new version as a draft; its number must be the next one of its code."""
    official.need_centre()
    at = now()
    async with transaction():
        await queries.lock_books()
        version = await queries.find_next_version(book.code)
        if faults := judge_draft(book, examples, book.code, version):
            raise RuleBookInvalid(faults)
        return await _put_new(official, book, examples, at)


async def copy_book(official: OfficialCaller, public_id: UUID) -> StoredBook:
    """Store a copy of a rule book, with its examples, as a draft of the next version."""
    official.need_centre()
    at = now()
    async with transaction():
        await queries.lock_books()
        row = await read_book(official, public_id)
        version = await queries.find_next_version(row.code)
        book = msgspec.structs.replace(row.read_document(), version=version)
        return await _put_new(official, book, row.read_examples(), at)


async def edit_book(official: OfficialCaller, public_id: UUID, book: RuleBook, *, if_match: str | None) -> StoredBook:
    """Replace what a draft says, as a new content; its examples stay, and the preview of the old content is deleted."""
    at = now()
    async with transaction():
        row = await lock_book(official, public_id, "edit", if_match)
        if faults := judge_draft(book, row.read_examples(), row.code, row.version):
            raise RuleBookInvalid(faults)
        need_written(await queries.delete_draft(row.id, row.revision))
        content_id = await book_queries.insert_rule_book(compute_document(book), "draft")
        await queries.update_new_content(
            content_id, public_id, revision=row.revision + 1, examples=row.examples,
            makers=sorted({*row.makers, official.id}), official_id=official.id, at=at, decided_by=row.decided_by,
            decided_at=row.decided_at, decision_note=row.decision_note,
        )  # fmt: skip
        return await finish(official, public_id, "edit", at)


async def put_examples(
    official: OfficialCaller, public_id: UUID, examples: Sequence[Example], *, if_match: str | None
) -> StoredBook:
    """Replace a draft's examples; they are run only when the draft is tested or submitted."""
    at = now()
    async with transaction():
        row = await lock_book(official, public_id, "edit", if_match)
        if faults := judge_draft(row.read_document(), examples, row.code, row.version):
            raise RuleBookInvalid(faults)
        need_written(await queries.update_examples(row.id, row.revision, encode(examples), official.id, at))
        return await finish(official, public_id, "edit", at)


async def delete_book(official: OfficialCaller, public_id: UUID, *, if_match: str | None) -> None:
    """Delete a draft; its number is free again, for nobody but officials ever saw it."""
    at = now()
    async with transaction():
        row = await lock_book(official, public_id, "delete", if_match)
        need_written(await queries.delete_draft(row.id, row.revision))
        await write_down(official, row, "delete", at)


async def run_book(official: OfficialCaller, public_id: UUID) -> tuple[StoredBook, list[ExampleOutcome]]:
    """Run a rule book's examples through the engine; nothing is stored, and nobody edits it meanwhile."""
    official.need_centre()
    async with transaction():
        await queries.lock_books()
        row = await read_book(official, public_id)
        return row, await run_examples(row.read_examples(), row.id)


async def lock_book(official: OfficialCaller, public_id: UUID, action: BookAction, if_match: str | None) -> StoredBook:
    """Return a rule book that nobody else changes until the transaction ends; refuse what its state does not allow."""
    official.need_centre()
    await queries.lock_books()
    row = await read_book(official, public_id)
    need_etag(if_match, row.revision)
    need_allowed(row, action)
    return row


def need_allowed(row: StoredBook, action: BookAction) -> None:
    """Refuse what the state does not allow."""
    if not RULE_BOOK_MOVES.allows(row.state, action):
        raise RuleBookMoveNotAllowed(row.state)


def need_written(rows: int) -> None:
    """Refuse when a conditional write wrote nothing: state or revision are no longer those that were read."""
    if rows == 0:
        raise ETagStale


async def finish(official: OfficialCaller, public_id: UUID, action: BookAction, at: datetime) -> StoredBook:
    """Write the event and the audit entry of an action, and return the rule book as it now is."""
    row = await read_book(official, public_id)
    await write_down(official, row, action, at)
    return row


async def write_down(official: OfficialCaller, row: StoredBook, action: BookAction | None, at: datetime) -> None:
    """Write the event and the audit entry of an action, None for drafting, in the caller's transaction."""
    data: dict[str, object] = {"code": row.code, "version": row.version, "state": row.state}
    event_type = DRAFTED if action is None else EVENTS[action]
    await insert_events([NewEvent(type=event_type, subject_id=row.public_id, at=at, data=data)])
    effective_on = row.effective_on.isoformat() if row.effective_on else None
    detail = {**data, "revision": row.revision, "effectiveOn": effective_on, "note": row.decision_note}
    audited = AUDIT_DRAFT if action is None else AUDITED[action]
    await write_audit(official, action=audited, subject=f"rule_book:{row.public_id}", detail=detail)


def encode(examples: Sequence[Example]) -> str:
    """Return examples as they are stored."""
    return msgspec.json.encode(examples).decode()


async def _put_new(official: OfficialCaller, book: RuleBook, examples: Sequence[Example], at: datetime) -> StoredBook:
    content_id, public_id = await book_queries.insert_rule_book(compute_document(book), "draft"), uuid7()
    await queries.update_new_content(
        content_id, public_id, revision=1, examples=encode(examples), makers=[official.id], official_id=official.id,
        at=at,
    )  # fmt: skip
    row = await read_book(official, public_id)
    await write_down(official, row, None, at)
    return row

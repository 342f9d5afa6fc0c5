"""Rule books on the wire, as officials write and read them; documents and examples are those of the rules."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from app.kit.web.http import Ask, Wire
from app.score.book.document import RuleBook
from app.score.book.moves import BookAction, BookState
from app.score.current.schemas import AdjustmentView, ContributionView
from app.score.draft.examples import EXAMPLES_MAX, Example
from app.values.patterns import ONE_LINE

NOTE_CHARACTERS_MAX = 500

Note = Annotated[str, msgspec.Meta(max_length=NOTE_CHARACTERS_MAX, pattern=ONE_LINE)]
Examples = Annotated[tuple[Example, ...], msgspec.Meta(max_length=EXAMPLES_MAX)]


class DraftRequest(Ask, kw_only=True):
    """A new draft: either a `document`, whose `version` must be the next of its `code`, or a copy.

    A copy takes document and examples of the rule book `copyFrom`; the server gives it the next version.
    """

    document: RuleBook | None = None
    copy_from: UUID | None = None
    examples: Examples = ()


class EditRequest(Ask, kw_only=True):
    """What a draft shall say; `code` and `version` stay."""

    document: RuleBook


class ExamplesRequest(Ask, kw_only=True):
    """The examples a draft carries, in the place of those it had."""

    examples: Examples


class RejectBookRequest(Ask, kw_only=True):
    """Why a rule book goes back to its makers."""

    note: Note


class ApproveBookRequest(Ask, kw_only=True):
    """From which day of the city's calendar a rule book counts."""

    effective_on: date
    note: Note | None = None


class WithdrawBookRequest(Ask, kw_only=True):
    """Why a rule book is taken back before its day."""

    note: Note


class BookSummaryView(Wire, kw_only=True):
    """A rule book without what it says.

    `allowedActions` is what the state allows; role, and maker and checker, decide who may do it: none of `makers`, who
    wrote or submitted it, may reject or approve it. `withdrawnBy`: it was taken back and never counted.
    """

    id: UUID
    code: str
    version: int
    title_zh: str
    title_en: str
    state: BookState
    allowed_actions: list[BookAction]
    examples_count: int
    makers: list[UUID]
    drafted_by: UUID | None
    drafted_at: datetime | None
    submitted_by: UUID | None
    submitted_at: datetime | None
    decided_by: UUID | None
    decided_at: datetime | None
    decision_note: str | None
    effective_on: date | None
    activated_at: datetime | None
    retired_at: datetime | None
    withdrawn_by: UUID | None


class BookView(BookSummaryView, kw_only=True):
    """A rule book with what it says and the examples it carries."""

    document: RuleBook
    examples: tuple[Example, ...]


class ExampleView(Wire, kw_only=True):
    """What the engine gives for an example, beside what it should give.

    `recordIds` end in the place of the record in the example's list: `…0000` is the first.
    """

    title_zh: str
    title_en: str
    passed: bool
    value: int | None
    level: str | None
    expected_value: int | None
    expected_level: str | None
    working: str | None
    base: int
    contributions: list[ContributionView]
    adjustments: list[AdjustmentView]


class TestView(Wire, kw_only=True):
    """Whether every example passes, and each one by itself; without examples none has passed."""

    passed: bool
    examples: list[ExampleView]

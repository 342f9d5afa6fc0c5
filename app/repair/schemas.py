"""What is said of objections on the wire."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from app.kit.web.http import Ask, Wire
from app.repair.objection import (
    TEXT_CHARACTERS_MAX,
    Finding,
    ObjectionAction,
    ObjectionKind,
    ObjectionState,
)
from app.values.patterns import CATALOGUE_CODE, SOURCE_CHARACTERS_MAX, SOURCE_CODE

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_CHARACTERS_MAX)]
Code = Annotated[str, msgspec.Meta(max_length=64, pattern=CATALOGUE_CODE)]
Source = Annotated[str, msgspec.Meta(max_length=SOURCE_CHARACTERS_MAX, pattern=SOURCE_CODE)]


class ObjectionRequest(Ask, kw_only=True):
    """What is wrong with a record, or which one is missing.

    A wrong one is named by `recordId`; of a missing one at most one of `indicator` and `honour`, and `source` where it
    is known. `contactOk` lets the centre's caseworker see the phone number.
    """

    kind: ObjectionKind
    record_id: UUID | None = None
    indicator: Code | None = None
    honour: Code | None = None
    source: Source | None = None
    text: Text
    contact_ok: bool = False


class AnswerRequest(Ask, kw_only=True):
    """What the source found in its own register; the citizen reads the text."""

    finding: Finding
    text: Text


class SourceAnswer(Wire, kw_only=True):
    """What the source answered."""

    finding: Finding
    text: str
    answered_at: datetime


class Objection(Wire, kw_only=True):
    """A ticket as its citizen sees it; the source answers by the end of `answerDueOn`."""

    id: UUID
    number: str
    kind: ObjectionKind
    state: ObjectionState
    allowed_actions: list[ObjectionAction]
    record_id: UUID | None
    indicator: str | None
    honour: str | None
    title: str | None
    source: str | None
    text: str
    contact_ok: bool
    received_at: datetime
    answer_due_on: date
    asked_at: datetime | None
    withdrawn_at: datetime | None
    answer: SourceAnswer | None


class ObjectionLine(Wire, kw_only=True):
    """A ticket in an official's list: nothing of who wrote it and what; overdue once `answerDueOn` is over."""

    id: UUID
    number: str
    kind: ObjectionKind
    state: ObjectionState
    allowed_actions: list[ObjectionAction]
    indicator: str | None
    honour: str | None
    source: str | None
    received_at: datetime
    answer_due_on: date
    is_overdue: bool
    asked_at: datetime | None
    answered_at: datetime | None
    finding: Finding | None


class ObjectedRecord(Wire, kw_only=True):
    """The record as it stands."""

    id: UUID
    version: int
    indicator: str | None
    honour: str | None
    source: str
    event_id: str
    event_on: date
    ends_on: date | None
    grade: str | None
    quantity: int | None
    document: str | None
    act_id: str | None
    state: str
    entered_at: datetime


class Objector(Wire, kw_only=True):
    """Who wrote: masked where the source's event id says enough, in full where a record must be looked for.

    The phone number is there for the centre, when its owner agreed to be called.
    """

    name: str
    id_number: str | None
    phone: str | None


class ObjectionDetail(ObjectionLine, kw_only=True):
    """A ticket with all an official may know of it; reading it stands in the citizen's access log."""

    objector: Objector
    record: ObjectedRecord | None
    text: str
    answer_text: str | None

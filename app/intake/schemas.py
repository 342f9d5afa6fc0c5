"""What intake answers on the wire; what it hears is ``rules.ArrivedItem``, item by item."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from app.citizen.rules import ID_NUMBER_CHARACTERS
from app.intake.rules import Outcome
from app.intake.rules_proposal import Decision, ProposalState, RejectReason
from app.kit.http import Ask, ReasonText, Wire
from app.values.names import NAME_CHARACTERS_MAX


class ItemReason(ReasonText):
    """Why an item was refused; ``pointer`` is the JSON pointer of what is wrong, in the body as it was sent."""

    pointer: str


class ItemAnswer(Wire, omit_defaults=True):
    """What became of one item; ``reason`` is there when it was refused, ``proposalId`` when it waits for approval."""

    index: int
    event_id: str | None
    outcome: Outcome
    reason: ItemReason | None = None
    proposal_id: UUID | None = None


class BatchCounts(Wire):
    """How many items had which outcome; they add up to ``received``."""

    received: int
    accepted: int
    updated: int
    duplicate: int
    proposed: int
    not_a_member: int
    refused: int


class ImportReport(Wire):
    """The outcome of every item, in the order sent."""

    items: list[ItemAnswer]
    counts: BatchCounts


class ApproveProposal(Ask, kw_only=True):
    """Whom the document is about, as the second official reads it there: it must be whom the first one named."""

    id_number: Annotated[str, msgspec.Meta(min_length=1, max_length=ID_NUMBER_CHARACTERS * 4)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_CHARACTERS_MAX * 2)]


class RejectProposal(Ask, kw_only=True):
    """Why a record is not kept."""

    reason: RejectReason


class RecordProposal(Wire, kw_only=True):
    """A record that waits for a second official, never whom it is about; once decided, nothing of what it said.

    `proposedBy` and `decidedBy` are user names.
    """

    id: UUID
    state: ProposalState
    allowed_actions: list[Decision]
    source: str
    event_id: str | None
    indicator: str | None
    honour: str | None
    event_on: date | None
    ends_on: date | None
    grade: str | None
    quantity: int | None
    document: str | None
    act_id: str | None
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: RejectReason | None

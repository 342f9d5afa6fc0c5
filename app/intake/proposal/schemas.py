"""Records that wait for a second official, on the wire."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from app.citizen.paper import ID_NUMBER_CHARACTERS
from app.intake.proposal.moves import Decision, ProposalState, RejectReason
from app.kit.web.http import Ask, Wire
from app.values.names import NAME_CHARACTERS_MAX


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

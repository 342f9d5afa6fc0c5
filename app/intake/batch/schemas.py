"""The answer to a batch, on the wire; a batch itself is read item by item, as ``fact.item.ArrivedItem``."""

from __future__ import annotations

from uuid import UUID

from app.intake.fact.item import Outcome
from app.kit.web.http import ReasonText, Wire


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

"""What intake answers on the wire; what it hears is ``rules.ArrivedItem``, item by item."""

from __future__ import annotations

from app.intake.rules import Outcome
from app.kit.http import ReasonText, Wire


class ItemReason(ReasonText):
    """Why an item was refused; ``pointer`` is the JSON pointer of what is wrong, in the body as it was sent."""

    pointer: str


class ItemAnswer(Wire, omit_defaults=True):
    """What became of one item; ``reason`` is there when it was refused."""

    index: int
    event_id: str | None
    outcome: Outcome
    reason: ItemReason | None = None


class ImportCounts(Wire):
    """How many items had which outcome; they add up to ``received``."""

    received: int
    accepted: int
    updated: int
    duplicate: int
    not_a_member: int
    refused: int


class ImportReport(Wire):
    """The outcome of every item, in the order sent."""

    items: list[ItemAnswer]
    counts: ImportCounts

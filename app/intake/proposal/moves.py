"""Which records that an official types in need a second one, and how such a proposal moves. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal

import msgspec

from app.event.feed import EVENT_TYPES, EventType
from app.intake.keeping.negative import is_negative, list_negative_codes
from app.record.catalogue import CATALOGUE, NewRecord
from app.score.book.document import RuleBook, RuleIndicator
from app.values.moves import Moves
from app.values.words import AUDIT_ACTIONS, AuditAction

ProposalState = Literal["pending", "approved", "rejected", "expired"]
Decision = Literal["approve", "reject"]

PROPOSAL_LIFE = timedelta(days=7)  # what nobody has decided by then must be sent again
DECIDED_LIFE = timedelta(days=365)
RejectReason = Literal["person_wrong", "facts_wrong", "document_missing", "not_proven"]  # a list: no text about people

PROPOSAL_MOVES: Moves[ProposalState, Decision] = Moves(
    {"pending": {"approve": "approved", "reject": "rejected"}, "approved": {}, "rejected": {}, "expired": {}},
    begins={"pending"},
    by_itself={"pending": {"expire": "expired"}},
    states_zh={"pending": "待核准", "approved": "已核准", "rejected": "已退回", "expired": "已过期"},
    actions_zh={"approve": "核准", "reject": "退回"},
)
PROPOSED, EXPIRED = (
    EVENT_TYPES.declare("record_proposal.proposed.v1"),
    EVENT_TYPES.declare("record_proposal.expired.v1"),
)
DECIDED: dict[Decision, EventType] = {
    "approve": EVENT_TYPES.declare("record_proposal.approved.v1"),
    "reject": EVENT_TYPES.declare("record_proposal.rejected.v1"),
}
AUDITED: dict[Decision, AuditAction] = {
    "approve": AUDIT_ACTIONS.declare("record_proposal.approve"),
    "reject": AUDIT_ACTIONS.declare("record_proposal.reject"),
}


class Weights(msgspec.Struct, frozen=True):
    """What a rule book says of records: which indicators it has, and of which some record is negative."""

    book: RuleBook
    listed: frozenset[str]
    negative: dict[str, RuleIndicator]


def make_weights(book: RuleBook) -> Weights:
    """Read a rule book once for many records."""
    return Weights(book, frozenset(one.code for one in book.indicators), list_negative_codes(book))


def is_worse(record: NewRecord, weights: Weights) -> bool:
    """Whether a new record may cost its citizen points: by the book, or because the book says nothing of it yet."""
    if record.indicator is None:
        return False
    negative = weights.negative.get(record.indicator)
    is_negative_one = negative is not None and is_negative(weights.book, negative, record.grade)
    return is_negative_one or record.indicator not in weights.listed


def is_end_worse(record: NewRecord, ends_on: date | None, weights: Weights) -> bool:
    """Whether sending a stored record again, which has ``ends_on``, costs its citizen points or an honour.

    A record against a citizen must not count for longer than before, nor one in their favour for less long. A state and
    an honour count until they end; an act counts from its event, or from its end when it went on.
    """
    if record.ends_on is None or record.ends_on == ends_on:
        return False
    lasts = record.indicator is None or CATALOGUE.indicators[record.indicator].measure == "state"
    before = ends_on or (date.max if lasts else record.event_on)
    return record.ends_on > before if is_worse(record, weights) else record.ends_on < before


def compute_state(state: ProposalState, expires_at: datetime, at: datetime) -> ProposalState:
    """Return the state a proposal is in, whether or not it was written down that its time is over."""
    return "expired" if state == "pending" and expires_at <= at else state


def compute_allowed_actions(state: ProposalState, *, is_own: bool) -> list[Decision]:
    """Return what an official may do with a proposal: nothing with one of their own."""
    return [] if is_own else PROPOSAL_MOVES.allowed(state)

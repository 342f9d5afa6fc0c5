"""Records that cost points and that an official types in wait for a second one; until then no citizen hears of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.citizen.actions.account import match_people
from app.citizen.paper import parse_id_number
from app.event.actions import insert_events
from app.event.feed import NewEvent
from app.intake.fact.judge import FLAWS, IMPORT_FLAWS
from app.intake.keeping.actions.keep import NEWS, store_records
from app.intake.proposal import queries
from app.intake.proposal.moves import (
    AUDITED,
    DECIDED,
    DECIDED_LIFE,
    EXPIRED,
    PROPOSAL_LIFE,
    PROPOSAL_MOVES,
    PROPOSED,
    compute_state,
    is_end_worse,
    is_worse,
    make_weights,
)
from app.intake.proposal.refusals import (
    PersonMismatch,
    ProposalMakerIsChecker,
    ProposalStateUnsuitable,
    ProposalUnfit,
    ProposerSuspended,
)
from app.intake.source.actions import may_still_report
from app.kit.clock import uuid7
from app.kit.db.audit import write_audit
from app.kit.db.database import is_in_transaction, transaction
from app.kit.errors import NotFound
from app.kit.request.etag import need_etag
from app.record.actions.find import find_stored_events, lock_members
from app.record.catalogue import NewRecord, compute_facts_digest
from app.score.book.actions.read import read_current_book
from app.values.names import clean_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from app.event.feed import EventType
    from app.intake.fact.item import Flaw
    from app.intake.proposal.moves import Decision, RejectReason, Weights
    from app.intake.proposal.queries import Proposal
    from app.kit.security.auth import OfficialCaller
    from app.record.stored import StoredEvent

EXPIRED_AT_ONCE_MAX = 500


UNFIT = {
    "conflict": FLAWS["event_id_reused"],
    "not_renewable": IMPORT_FLAWS["honour_not_renewable"],
    "not_of_this_source": IMPORT_FLAWS["not_of_this_source"],
}


async def pick_worse(records: Mapping[int, NewRecord]) -> set[int]:
    """Return the places of records that need a second official, inside the caller's transaction.

    Locks the citizens concerned, in id order and before anything else, as storing records does.
    """
    assert is_in_transaction(), "the stored event that is judged here must not change until the record is stored"
    if not records:
        return set()
    await lock_members(record.citizen_id for record in records.values())
    weights = make_weights(await read_current_book())
    stored = await find_stored_events(sorted({_event_of(record) for record in records.values()}))
    return {place for place, record in records.items() if _needs_second(record, stored.get(_event_of(record)), weights)}


async def propose(
    official: OfficialCaller, records: Mapping[int, NewRecord], *, at: datetime
) -> dict[int, UUID | Flaw]:
    """Let records wait, inside the caller's transaction; the proposal of each by its place, or why it cannot wait.

    A record that waits already keeps its proposal. Records of citizens who have left meanwhile are not in the answer.
    """
    if not records:
        return {}
    left = await lock_members(record.citizen_id for record in records.values())
    proposed: dict[int, UUID | Flaw] = {}
    # In the order of their events: of two officials who send the same ones at once, one waits for the other.
    for place, record in sorted(records.items(), key=lambda item: _event_of(item[1])):
        if record.citizen_id not in left:
            proposed[place] = await _propose_one(official, record, at)
    return proposed


async def approve_proposal(
    official: OfficialCaller, proposal_id: UUID, *, id_number: str, name: str, if_match: str | None, at: datetime
) -> Proposal:
    """Store a record that waits: from now on it counts, and its citizen is notified.

    The second official names the person as the document does, so nobody approves what they have not looked into, and
    nothing personal has to be shown for it.
    """
    async with transaction():
        row = await _lock(official, proposal_id, "approve", if_match, at)
        if not row.is_proposer_active:
            raise ProposerSuspended
        await _need_person(row, id_number, name)
        record = msgspec.convert(row, NewRecord, from_attributes=True)
        if not await may_still_report(record):
            raise ProposalUnfit(UNFIT["not_of_this_source"])
        (outcome,) = await store_records([record], at=at, entered_by=row.proposed_by)
        if outcome in UNFIT:
            raise ProposalUnfit(UNFIT[outcome])
        assert outcome in NEWS | {"duplicate"}, "its citizen is locked and has not left"
        return await _decide(official, row, "approve", None, at)


async def reject_proposal(
    official: OfficialCaller, proposal_id: UUID, *, reason: RejectReason, if_match: str | None, at: datetime
) -> Proposal:
    """Turn a record down: nothing of it is left, and its citizen never hears of it."""
    async with transaction():
        row = await _lock(official, proposal_id, "reject", if_match, at)
        return await _decide(official, row, "reject", reason, at)


async def find_proposal(proposal_id: UUID) -> Proposal:
    """Return a proposal, or refuse."""
    row = await queries.find_proposal(proposal_id)
    if row is None:
        raise NotFound
    return row


async def forget_old_proposals(at: datetime) -> int:
    """Expire proposals whose time is over, and delete those decided ``DECIDED_LIFE`` ago; how many of both."""
    done = await queries.delete_decided(at - DECIDED_LIFE)
    while True:
        async with transaction():
            expired = await queries.mark_expired(at, EXPIRED_AT_ONCE_MAX)
            await insert_events(_make_events(EXPIRED, expired, at))
        done += len(expired)
        if len(expired) < EXPIRED_AT_ONCE_MAX:
            return done


async def delete_proposals(citizen_id: UUID) -> None:
    """Delete what waits about a citizen who leaves, inside the caller's transaction."""
    assert is_in_transaction(), "leaving is one transaction"
    await queries.delete_proposals(citizen_id)


async def _propose_one(official: OfficialCaller, record: NewRecord, at: datetime) -> UUID | Flaw:
    proposal_id, digest = uuid7(at), compute_facts_digest(record)
    while not await queries.insert_proposal(
        proposal_id, record, digest, by=official.id, at=at, expires_at=at + PROPOSAL_LIFE
    ):
        waiting = await queries.find_waiting(*_event_of(record))
        if waiting is None:  # decided this very moment
            continue
        if compute_state(waiting.state, waiting.expires_at, at) == "expired":
            expired = await queries.mark_one_expired(waiting.id, at)
            await insert_events(_make_events(EXPIRED, expired, at))
            continue
        is_same = (waiting.facts_digest, waiting.ends_on) == (digest, record.ends_on)
        return waiting.id if is_same else FLAWS["event_id_reused"]
    await insert_events(_make_events(PROPOSED, [proposal_id], at))
    return proposal_id


async def _lock(
    official: OfficialCaller, proposal_id: UUID, action: Decision, if_match: str | None, at: datetime
) -> Proposal:
    """Lock a proposal for a decision, and its citizen first, as leaving does: no two wait for each other."""
    seen = await find_proposal(proposal_id)
    if seen.citizen_id is not None:
        await lock_members([seen.citizen_id])
    row = await queries.find_proposal_for_update(proposal_id)
    if row is None:  # its citizen has left
        raise NotFound
    state = compute_state(row.state, row.expires_at, at)
    if not PROPOSAL_MOVES.allows(state, action):
        raise ProposalStateUnsuitable(state)
    need_etag(if_match, row.revision)
    if row.proposed_by == official.id:
        raise ProposalMakerIsChecker
    return row


async def _need_person(row: Proposal, id_number: str, name: str) -> None:
    number, spelt = parse_id_number(id_number), clean_name(name)
    found = None
    if number is not None and spelt is not None:
        (found,) = await match_people([(spelt, number.number)])
    if found is None or found.id != row.citizen_id:
        raise PersonMismatch(errors=[PersonMismatch.fault("/idNumber")])


async def _decide(
    official: OfficialCaller, row: Proposal, action: Decision, reason: RejectReason | None, at: datetime
) -> Proposal:
    """Write a decision down with its event and audit entry, which name the indicator or honour, never the person."""
    state = PROPOSAL_MOVES.to("pending", action)
    is_decided = await queries.mark_decided(row.id, state, by=official.id, reason=reason, at=at)
    assert is_decided, "it is locked"
    await insert_events(_make_events(DECIDED[action], [row.id], at))
    detail: dict[str, object] = {
        "source": row.source, "proposedBy": row.proposer, "indicator": row.indicator, "honour": row.honour,
        "reason": reason,
    }  # fmt: skip
    await write_audit(official, action=AUDITED[action], subject=f"record_proposal:{row.id}", detail=detail)
    return await find_proposal(row.id)


def _make_events(event_type: EventType, proposal_ids: Iterable[UUID], at: datetime) -> Sequence[NewEvent]:
    """Return events that say nothing of whom they are about."""
    return [NewEvent(type=event_type, subject_id=one, at=at) for one in proposal_ids]


def _event_of(record: NewRecord) -> tuple[str, str]:
    return (record.source, record.event_id)


def _needs_second(record: NewRecord, stored: StoredEvent | None, weights: Weights) -> bool:
    if stored is None:
        return is_worse(record, weights)
    if stored.facts_digest != compute_facts_digest(record):
        return False  # it will be refused as a conflict
    return is_end_worse(record, stored.ends_on, weights)


FORGETS = (forget_old_proposals,)

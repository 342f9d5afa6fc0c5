"""Statements about records that wait for a second official: one function, one statement."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from app.intake.proposal.moves import ProposalState, RejectReason
from app.intake.tables import RecordProposal
from app.kit.db.database import execute, fetch_all, fetch_one
from app.kit.db.rows import run
from app.record.catalogue import NewRecord


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal with the user names of who made and decided it; once decided, nothing of what it said is left."""

    id: UUID
    state: ProposalState
    revision: int
    source: str
    citizen_id: UUID | None
    event_id: str | None
    indicator: str | None
    honour: str | None
    event_on: date | None
    ends_on: date | None
    grade: str | None
    quantity: int | None
    document: str | None
    act_id: str | None
    facts_digest: bytes | None
    proposed_by: UUID
    proposer: str
    is_proposer_active: bool
    proposed_at: datetime
    expires_at: datetime
    decider: str | None
    decided_at: datetime | None
    reason: RejectReason | None


class _Id(msgspec.Struct, frozen=True):
    id: UUID


SELECT = """
    SELECT p.id, p.state, p.revision, p.source, p.citizen_id, p.event_id, p.indicator, p.honour, p.event_on, p.ends_on,
           p.grade, p.quantity, p.document, p.act_id, p.facts_digest, p.proposed_by, maker.username AS proposer,
           maker.state = 'active' AS is_proposer_active, p.proposed_at, p.expires_at, checker.username AS decider,
           p.decided_at, p.reason
      FROM record_proposal p
      JOIN official maker ON maker.id = p.proposed_by
      LEFT JOIN official checker ON checker.id = p.decided_by
    """
RECORD_COLUMNS = ", ".join(NewRecord.__struct_fields__)
FORGET = """citizen_id = NULL, event_id = NULL, indicator = NULL, honour = NULL, event_on = NULL, ends_on = NULL,
    grade = NULL, quantity = NULL, document = NULL, act_id = NULL, facts_digest = NULL, revision = revision + 1"""


async def insert_proposal(
    proposal_id: UUID, record: NewRecord, digest: bytes, *, by: UUID, at: datetime, expires_at: datetime
) -> bool:
    """Let a record wait; False when one of the same event waits already."""
    return bool(
        await execute(
            f"""
            INSERT INTO record_proposal (id, state, facts_digest, proposed_by, proposed_at, expires_at,
                                         {RECORD_COLUMNS})
            VALUES ($1, 'pending', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
            ON CONFLICT (source, event_id) WHERE state = 'pending' DO NOTHING
            """,
            proposal_id, digest, by, at, expires_at, *msgspec.structs.astuple(record),
        )
    )  # fmt: skip


async def find_waiting(source: str, event_id: str) -> Proposal | None:
    """Find the proposal of an event that waits."""
    sql = f"{SELECT} WHERE p.state = 'pending' AND p.source = $1 AND p.event_id = $2"
    return await fetch_one(Proposal, sql, source, event_id)


async def find_proposal(proposal_id: UUID) -> Proposal | None:
    """Find a proposal."""
    return await fetch_one(Proposal, f"{SELECT} WHERE p.id = $1", proposal_id)


async def find_proposal_for_update(proposal_id: UUID) -> Proposal | None:
    """Find a proposal and let one at a time decide it; lock its citizen before."""
    return await fetch_one(Proposal, f"{SELECT} WHERE p.id = $1 FOR UPDATE OF p", proposal_id)


async def list_proposals(state: ProposalState | None, after: UUID | None, limit: int) -> list[Proposal]:
    """Return one more than a page of proposals, the oldest first; all, or those in one state as it is written down."""
    wanted = "" if state is None else "AND p.state = $3"
    return await fetch_all(
        Proposal,
        f"{SELECT} WHERE p.id > $1 {wanted} ORDER BY p.id LIMIT $2",
        after or UUID(int=0),
        limit + 1,
        *(() if state is None else (state,)),
    )


async def mark_decided(
    proposal_id: UUID, state: ProposalState, *, by: UUID, reason: RejectReason | None, at: datetime
) -> bool:
    """Write a decision down and forget what was proposed; False when it does not wait any more."""
    return bool(
        await execute(
            f"""
            UPDATE record_proposal SET state = $2, decided_by = $3, reason = $4, decided_at = $5, {FORGET}
             WHERE id = $1 AND state = 'pending'
            """,
            proposal_id, state, by, reason, at,
        )
    )  # fmt: skip


async def mark_expired(at: datetime, limit: int) -> list[UUID]:
    """Forget what has waited too long, at most ``limit`` at once, and return their ids; several may do so at once."""
    rows = await fetch_all(
        _Id,
        f"""
        UPDATE record_proposal SET state = 'expired', decided_at = $1, {FORGET}
         WHERE id IN (SELECT id FROM record_proposal WHERE state = 'pending' AND expires_at <= $1
                       ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
        RETURNING id
        """,
        at,
        limit,
    )
    return sorted(row.id for row in rows)


async def mark_one_expired(proposal_id: UUID, at: datetime) -> list[UUID]:
    """Forget one that has waited too long; its id, or nothing when another transaction did."""
    sql = f"""
        UPDATE record_proposal SET state = 'expired', decided_at = $2, {FORGET}
         WHERE id = $1 AND state = 'pending' AND expires_at <= $2 RETURNING id
        """
    return [row.id for row in await fetch_all(_Id, sql, proposal_id, at)]


async def delete_proposals(citizen_id: UUID) -> None:
    """Delete what was proposed about a citizen."""
    await run(RecordProposal.delete().where(RecordProposal.citizen_id == citizen_id))


async def delete_decided(before: datetime) -> int:
    """Delete what was decided, or ran out, before an instant; how many."""
    return await execute("DELETE FROM record_proposal WHERE state <> 'pending' AND decided_at <= $1", before)

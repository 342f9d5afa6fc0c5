"""Scenarios: where benefits may be used, proposed by one official of the centre and confirmed by another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.campaign.review.refusals import FlagsNotAcknowledged
from app.campaign.scenario import queries
from app.campaign.scenario.moves import CONFIRM, PROPOSE, REJECT
from app.campaign.scenario.refusals import (
    ProposalDecided,
    ProposerIsConfirmer,
    ScenarioInvalid,
    ScenarioTaken,
    UseDenied,
    UseUnknown,
)
from app.campaign.terms.flags import Flag, find_scenario_flags, judge_scenario_flags, list_unacknowledged
from app.campaign.terms.limits import Scenario
from app.kit.clock import now, uuid7
from app.kit.db.audit import write_audit
from app.kit.db.cache import bump
from app.kit.db.database import transaction
from app.kit.errors import NotFound
from app.kit.request.etag import need_etag

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from app.campaign.scenario.queries import StoredProposal
    from app.kit.security.auth import OfficialCaller
    from app.values.words import AuditAction


async def propose_scenario(official: OfficialCaller, scenario: Scenario) -> StoredProposal:
    """Propose a scenario for the whole city; it is there once another official of the centre confirms it."""
    official.need_centre()
    async with transaction():
        if await queries.find_scenario(scenario.code) is not None:
            raise ScenarioTaken
        return await _propose(official, scenario)


async def propose_change(official: OfficialCaller, scenario: Scenario, *, if_match: str | None) -> StoredProposal:
    """Propose what a scenario shall be; it goes on as it is until another official of the centre confirms it."""
    official.need_centre()
    async with transaction():
        found = await queries.find_scenario_for_update(scenario.code)
        if found is None:
            raise NotFound
        need_etag(if_match, found.revision)
        return await _propose(official, scenario)


async def confirm_proposal(
    official: OfficialCaller, proposal_id: UUID, acknowledged_flags: Sequence[str], *, if_match: str | None
) -> StoredProposal:
    """Put a proposal in force, as another official than the one who made it, who names its flagged words."""
    official.need_centre()
    async with transaction():
        proposal = await _lock(proposal_id, if_match)
        if proposal.proposed_by == official.id:
            raise ProposerIsConfirmer
        flags = await _check(proposal)  # again: the lists of words and of uses may have grown since
        if missing := list_unacknowledged(flags, acknowledged_flags):
            raise FlagsNotAcknowledged(missing)
        await queries.mark_decided(proposal.id, "confirmed", official.id, now(), None)
        await queries.put_scenario(proposal)
        await bump("catalogue")  # every process reads the catalogue anew once this transaction has committed
        return await _finish(official, proposal.id, CONFIRM, flags)


async def reject_proposal(
    official: OfficialCaller, proposal_id: UUID, note: str, *, if_match: str | None
) -> StoredProposal:
    """Reject a proposal with a note; the official who made it may take it back in this way."""
    official.need_centre()
    async with transaction():
        proposal = await _lock(proposal_id, if_match)
        await queries.mark_decided(proposal.id, "rejected", official.id, now(), note)
        return await _finish(official, proposal.id, REJECT)


async def _propose(official: OfficialCaller, scenario: Scenario) -> StoredProposal:
    flags = await _check(scenario)
    proposal_id = uuid7()
    if not await queries.insert_proposal(proposal_id, scenario, official.id, now()):
        raise ScenarioTaken
    return await _finish(official, proposal_id, PROPOSE, flags)


async def _check(scenario: Scenario) -> list[Flag]:
    """Refuse a denied use, by its code or by what the titles say; return the words a confirming official must name."""
    use = await queries.find_use(scenario.use)
    if use is None:
        raise UseUnknown
    if use.is_denied:
        raise UseDenied(use.title_zh, use.title_en)
    flags = find_scenario_flags(scenario.title_zh, scenario.title_en)
    if faults := judge_scenario_flags(flags):
        raise ScenarioInvalid(faults)
    return flags


async def _lock(proposal_id: UUID, if_match: str | None) -> StoredProposal:
    proposal = await queries.find_proposal_for_update(proposal_id)
    if proposal is None:
        raise NotFound
    need_etag(if_match, proposal.revision)
    if proposal.state != "waiting":
        raise ProposalDecided(proposal.state)
    return proposal


async def _finish(
    official: OfficialCaller, proposal_id: UUID, action: AuditAction, flags: Sequence[Flag] = ()
) -> StoredProposal:
    proposal = await queries.find_proposal(proposal_id)
    assert proposal is not None, "it was written in this transaction"
    detail: dict[str, object] = {
        **{name: getattr(proposal, name) for name in Scenario.__struct_fields__},
        "proposalId": str(proposal.id),
        "note": proposal.note,
        "flags": [{"pointer": flag.pointer, "word": flag.word.word} for flag in flags],
    }
    await write_audit(official, action=action, subject=f"scenario:{proposal.code}", detail=detail)
    return proposal

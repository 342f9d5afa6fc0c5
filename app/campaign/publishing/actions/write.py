"""What institutions and the centre do with campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from app.campaign.publishing.actions.check import check_document, check_observer
from app.campaign.publishing.moves import AUDIT_DRAFT, AUDITED, CAMPAIGN_MOVES, DRAFTED, EVENTS
from app.campaign.publishing.queries import read as read_queries
from app.campaign.publishing.queries import write as write_queries
from app.campaign.publishing.refusals import (
    BenefitCodeTaken,
    CampaignMoveNotAllowed,
    InstitutionFixed,
    InstitutionMissing,
    PausedByCentre,
)
from app.campaign.review.refusals import FlagsNotAcknowledged
from app.campaign.terms.document import find_changed_limits
from app.campaign.terms.flags import find_flags, list_unacknowledged
from app.event.actions import insert_events
from app.event.feed import NewEvent
from app.kit.clock import now, uuid7
from app.kit.db.audit import write_audit
from app.kit.db.cache import bump
from app.kit.db.database import transaction
from app.kit.errors import MakerIsChecker, NotFound
from app.kit.request.etag import need_etag

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from app.campaign.publishing.moves import CampaignAction, VersionState
    from app.campaign.publishing.queries.read import CampaignRow
    from app.campaign.terms.document import CampaignDocument
    from app.campaign.terms.flags import Flag
    from app.event.feed import EventType
    from app.kit.security.auth import OfficialCaller
    from app.values.words import AuditAction


# What must hold between old limits and new is known above, where redemptions are counted: called last in the
# transaction that puts new limits in force, with the benefits whose stock came or went.
FENCES: list[Callable[[Sequence[UUID]], Awaitable[None]]] = []


async def draft_campaign(
    official: OfficialCaller, institution_id: UUID | None, document: CampaignDocument
) -> CampaignRow:
    """Store a new campaign as a draft; the centre names the institution, an institution may only name itself."""
    owner = institution_id or official.institution_id
    if owner is None:
        raise InstitutionMissing
    at, campaign_id = now(), uuid7()
    async with transaction():
        if not official.may_act_for(owner) or not await write_queries.lock_institution(owner):
            raise NotFound
        await check_document(document, owner, at)
        await check_observer(document, owner, at)
        await write_queries.insert_campaign(campaign_id, owner, at)
        await _put_version(official, campaign_id, owner, 1, document, at)
        return await _finish(official, campaign_id, AUDIT_DRAFT, DRAFTED, at)


async def edit_campaign(
    official: OfficialCaller,
    campaign_id: UUID,
    institution_id: UUID | None,
    document: CampaignDocument,
    *,
    if_match: str | None,
) -> CampaignRow:
    """Replace what a campaign says, in a draft that needs approval; what is live goes on as it was approved.

    A version has one drafter: an official's own draft is rewritten in place, anything else becomes the next version.
    """
    at = now()
    async with transaction():
        row = await _lock(official, campaign_id, if_match)
        _need_allowed(row, "edit")
        if institution_id not in (None, row.institution_id):
            raise InstitutionFixed
        await check_document(document, row.institution_id, at)
        await check_observer(document, row.institution_id, at)
        is_own_draft = row.version_state == "draft" and row.drafted_by == official.id
        version = row.version if is_own_draft else row.version + 1
        state, _ = CAMPAIGN_MOVES.to(row.states, "edit")
        await _put_version(official, campaign_id, row.institution_id, version, document, at)
        await write_queries.update_campaign(
            campaign_id,
            state,
            head_version=version,
            live_version=row.live_version,
            paused_by_centre=row.paused_by_centre,
            at=at,
        )
        return await _finish(official, campaign_id, AUDITED["edit"], EVENTS["edit"], at)


async def submit_campaign(official: OfficialCaller, campaign_id: UUID, *, if_match: str | None) -> CampaignRow:
    """Put the newest version before the reviewers."""
    at = now()
    async with transaction():
        row = await _lock(official, campaign_id, if_match)
        _need_allowed(row, "submit")
        await check_document(row.read_document(), row.institution_id, at)
        await check_observer(row.read_document(), row.institution_id, at)
        await write_queries.mark_submitted(campaign_id, row.version, official.id, at)
        return await _move(official, row, "submit", at)


async def decide_campaign(
    official: OfficialCaller,
    campaign_id: UUID,
    action: Literal["approve", "reject"],
    *,
    if_match: str | None,
    note: str | None = None,
    acknowledged_flags: Sequence[str] = (),
) -> CampaignRow:
    """Approve or reject the submitted version, as an official of the centre who had no hand in it.

    Whoever approves names every word of the deny-list that stands in it; so the audit chain has them.
    """
    official.need_centre()
    at = now()
    async with transaction():
        row = await _lock(official, campaign_id, if_match)
        _need_allowed(row, action)
        if official.id in await write_queries.list_makers(campaign_id):
            raise MakerIsChecker
        flags = await _judge_approval(row, acknowledged_flags, at) if action == "approve" else []
        decision: VersionState = "approved" if action == "approve" else "rejected"
        await write_queries.mark_decided(campaign_id, row.version, decision, official.id, at, note)
        moved = await _move(official, row, action, at, flags)
        if action == "approve":
            await _change_limits(row, at)
        return moved


async def switch_campaign(
    official: OfficialCaller, campaign_id: UUID, action: Literal["pause", "resume", "end"], *, if_match: str | None
) -> CampaignRow:
    """Pause, resume or end a campaign; ending a draft discards it, and nothing ended comes back.

    What the centre has paused, only the centre resumes; anybody who may act for the institution may still end it.
    """
    at = now()
    async with transaction():
        row = await _lock(official, campaign_id, if_match)
        _need_allowed(row, action)
        if action == "resume" and row.paused_by_centre and not official.for_centre:
            raise PausedByCentre
        if action == "resume":
            await _judge_resuming(row, at)
        return await _move(official, row, action, at)


async def _lock(official: OfficialCaller, campaign_id: UUID, if_match: str | None) -> CampaignRow:
    """Lock a campaign and read it as it is now; whoever read another version is refused before anything else."""
    tenant = official.institution_id
    if not await write_queries.lock_campaign(tenant, campaign_id):
        raise NotFound
    row = await read_queries.find_campaign(tenant, campaign_id)
    assert row is not None, "it is locked"
    need_etag(if_match, row.revision)
    return row


def _need_allowed(row: CampaignRow, action: CampaignAction) -> None:
    if not CAMPAIGN_MOVES.allows(row.states, action):
        raise CampaignMoveNotAllowed(row.states)


async def _put_version(
    official: OfficialCaller,
    campaign_id: UUID,
    institution_id: UUID,
    version: int,
    document: CampaignDocument,
    at: datetime,
) -> None:
    """Store a drafted version; its codes get ids for ever, and a code belongs to one campaign."""
    text = msgspec.json.encode(document).decode()
    codes = [benefit.code for benefit in document.benefits]
    await write_queries.insert_version(campaign_id, version, text, official.id, at)
    await write_queries.insert_benefits(campaign_id, institution_id, {code: uuid7() for code in codes})
    taken = await write_queries.list_codes_elsewhere(campaign_id, institution_id, codes)
    if taken:
        raise BenefitCodeTaken([(f"/benefits/{codes.index(code)}/code", code) for code in taken])


async def _judge_approval(row: CampaignRow, acknowledged_flags: Sequence[str], at: datetime) -> list[Flag]:
    """Judge what is about to come into force, alone and beside all its institution sees; return its flagged words."""
    document = row.read_document()
    await check_document(document, row.institution_id, at)
    flags = find_flags(document)
    if missing := list_unacknowledged(flags, acknowledged_flags):
        raise FlagsNotAcknowledged(missing)
    await write_queries.lock_institution(row.institution_id)
    await check_observer(document, row.institution_id, at)
    return flags


async def _judge_resuming(row: CampaignRow, at: datetime) -> None:
    """Judge what comes into force again: while it was stopped its institution may have begun to see other things."""
    assert row.live_version is not None, "only what was live is paused"
    await write_queries.lock_institution(row.institution_id)
    live = await read_queries.find_campaign_version(None, row.id, row.live_version)
    assert live is not None, "versions are never deleted"
    await check_observer(live.read_document(), row.institution_id, at)


async def _move(
    official: OfficialCaller, row: CampaignRow, action: CampaignAction, at: datetime, flags: Sequence[Flag] = ()
) -> CampaignRow:
    """Write an allowed move down, and let every process know when it changes what is in force."""
    state, _ = CAMPAIGN_MOVES.to(row.states, action)
    live_version = row.version if action == "approve" else row.live_version
    is_centres = official.for_centre if action == "pause" else row.paused_by_centre
    await write_queries.update_campaign(
        row.id,
        state,
        head_version=row.head_version,
        live_version=live_version,
        paused_by_centre=is_centres and state == "paused",
        at=at,
    )
    if live_version is not None and action in ("approve", "pause", "resume", "end"):
        await bump("catalogue")
    return await _finish(official, row.id, AUDITED[action], EVENTS[action], at, flags)


async def _change_limits(row: CampaignRow, at: datetime) -> None:
    """Let stock and caps of an approved version be measured against what the versions before it gave."""
    if row.live_version is None:  # nothing has been given
        return
    before = await read_queries.find_campaign_version(None, row.id, row.live_version)
    assert before is not None, "it was in force"
    changed, ids = find_changed_limits(before.read_document(), row.read_document()), row.read_benefit_ids()
    if changed:
        await write_queries.mark_limited(sorted(ids[code] for code in changed), row.version, at)
        for fence in FENCES:
            await fence(sorted(ids[code] for code, is_stock_other in changed.items() if is_stock_other))


async def _finish(
    official: OfficialCaller,
    campaign_id: UUID,
    action: AuditAction,
    event_type: EventType,
    at: datetime,
    flags: Sequence[Flag] = (),
) -> CampaignRow:
    """Tell the feed and the audit chain, and return the campaign as it now is."""
    row = await read_queries.find_campaign(None, campaign_id)
    assert row is not None, "it was written in this transaction"
    told: dict[str, object] = {"version": row.version, "state": row.state, "versionState": row.version_state}
    event = NewEvent(type=event_type, subject_id=row.id, at=at, institution_id=row.institution_id, data=told)
    await insert_events([event])
    detail = {**told, "institutionId": str(row.institution_id), "revision": row.revision, "note": row.decision_note}
    if flags:
        detail["acknowledgedFlags"] = [{"pointer": flag.pointer, "word": flag.word.word} for flag in flags]
    await write_audit(official, action=action, subject=f"campaign:{row.id}", detail=detail)
    return row

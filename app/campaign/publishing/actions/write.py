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
    from app.campaign.publishing.queries.read import VersionedCampaign
    from app.campaign.terms.document import CampaignDocument
    from app.campaign.terms.flags import Flag
    from app.event.feed import EventType
    from app.kit.security.auth import OfficialCaller
    from app.values.words import AuditAction


# How many redemptions count against old limits and new is the business of a higher room, which ``main`` puts in here:
# each is called last in the transaction that puts new limits in force, with the benefits whose stock came or went.
FENCES: list[Callable[[Sequence[UUID]], Awaitable[None]]] = []


async def draft_campaign(
    official: OfficialCaller, institution_id: UUID | None, document: CampaignDocument
) -> VersionedCampaign:
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
) -> VersionedCampaign:
    """Replace what a campaign says, in a draft that needs approval; what is live goes on as it was approved.

    A version has one drafter: an official's own draft is rewritten in place, anything else becomes the next version.
    """
    at = now()
    async with transaction():
        campaign = await _lock(official, campaign_id, if_match)
        _need_allowed(campaign, "edit")
        if institution_id not in (None, campaign.institution_id):
            raise InstitutionFixed
        await check_document(document, campaign.institution_id, at)
        await check_observer(document, campaign.institution_id, at)
        is_own_draft = campaign.version_state == "draft" and campaign.drafted_by == official.id
        version = campaign.version if is_own_draft else campaign.version + 1
        state, _ = CAMPAIGN_MOVES.to(campaign.states, "edit")
        await _put_version(official, campaign_id, campaign.institution_id, version, document, at)
        await write_queries.update_campaign(
            campaign_id,
            state,
            head_version=version,
            live_version=campaign.live_version,
            paused_by_centre=campaign.paused_by_centre,
            at=at,
        )
        return await _finish(official, campaign_id, AUDITED["edit"], EVENTS["edit"], at)


async def submit_campaign(official: OfficialCaller, campaign_id: UUID, *, if_match: str | None) -> VersionedCampaign:
    """Put the newest version before the reviewers."""
    at = now()
    async with transaction():
        campaign = await _lock(official, campaign_id, if_match)
        _need_allowed(campaign, "submit")
        await check_document(campaign.read_document(), campaign.institution_id, at)
        await check_observer(campaign.read_document(), campaign.institution_id, at)
        await write_queries.mark_submitted(campaign_id, campaign.version, official.id, at)
        return await _move(official, campaign, "submit", at)


async def decide_campaign(
    official: OfficialCaller,
    campaign_id: UUID,
    action: Literal["approve", "reject"],
    *,
    if_match: str | None,
    note: str | None = None,
    acknowledged_flags: Sequence[str] = (),
) -> VersionedCampaign:
    """Approve or reject the submitted version, as an official of the centre who had no hand in it.

    Approving takes the words of the deny-list that are in it, named one by one; they go into the audit chain.
    """
    official.need_centre()
    at = now()
    async with transaction():
        campaign = await _lock(official, campaign_id, if_match)
        _need_allowed(campaign, action)
        if official.id in await write_queries.list_makers(campaign_id):
            raise MakerIsChecker
        flags = await _judge_approval(campaign, acknowledged_flags, at) if action == "approve" else []
        decision: VersionState = "approved" if action == "approve" else "rejected"
        await write_queries.mark_decided(campaign_id, campaign.version, decision, official.id, at, note)
        moved = await _move(official, campaign, action, at, flags)
        if action == "approve":
            await _change_limits(campaign, at)
        return moved


async def switch_campaign(
    official: OfficialCaller, campaign_id: UUID, action: Literal["pause", "resume", "end"], *, if_match: str | None
) -> VersionedCampaign:
    """Pause, resume or end a campaign; ending a draft discards it, and nothing ended comes back.

    What the centre has paused, only the centre resumes; anybody who may act for the institution may still end it.
    """
    at = now()
    async with transaction():
        campaign = await _lock(official, campaign_id, if_match)
        _need_allowed(campaign, action)
        if action == "resume" and campaign.paused_by_centre and not official.for_centre:
            raise PausedByCentre
        if action == "resume":
            await _judge_resuming(campaign, at)
        return await _move(official, campaign, action, at)


async def _lock(official: OfficialCaller, campaign_id: UUID, if_match: str | None) -> VersionedCampaign:
    """Lock a campaign and read it as it is now; an official who read an earlier revision is refused first of all."""
    tenant = official.institution_id
    if not await write_queries.lock_campaign(tenant, campaign_id):
        raise NotFound
    campaign = await read_queries.find_campaign(tenant, campaign_id)
    assert campaign is not None, "it is locked"
    need_etag(if_match, campaign.revision)
    return campaign


def _need_allowed(campaign: VersionedCampaign, action: CampaignAction) -> None:
    if not CAMPAIGN_MOVES.allows(campaign.states, action):
        raise CampaignMoveNotAllowed(campaign.states)


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


async def _judge_approval(campaign: VersionedCampaign, acknowledged_flags: Sequence[str], at: datetime) -> list[Flag]:
    """Judge a document about to come into force, alone and beside all its institution sees; return its flagged words.

    The lock comes before the look at what else is in force, so that of two approvals at once the later one sees the
    earlier one's campaign.
    """
    document = campaign.read_document()
    await check_document(document, campaign.institution_id, at)
    flags = find_flags(document)
    if missing := list_unacknowledged(flags, acknowledged_flags):
        raise FlagsNotAcknowledged(missing)
    await write_queries.lock_institution(campaign.institution_id)
    await check_observer(document, campaign.institution_id, at)
    return flags


async def _judge_resuming(campaign: VersionedCampaign, at: datetime) -> None:
    """Judge a campaign that is resumed: while it was paused its institution may have put other things in force."""
    assert campaign.live_version is not None, "only what was live is paused"
    await write_queries.lock_institution(campaign.institution_id)
    live = await read_queries.find_campaign_version(None, campaign.id, campaign.live_version)
    assert live is not None, "versions are never deleted"
    await check_observer(live.read_document(), campaign.institution_id, at)


async def _move(
    official: OfficialCaller,
    campaign: VersionedCampaign,
    action: CampaignAction,
    at: datetime,
    flags: Sequence[Flag] = (),
) -> VersionedCampaign:
    """Write an allowed move down, and let every process know when it changes what is in force."""
    state, _ = CAMPAIGN_MOVES.to(campaign.states, action)
    live_version = campaign.version if action == "approve" else campaign.live_version
    is_centres = official.for_centre if action == "pause" else campaign.paused_by_centre
    await write_queries.update_campaign(
        campaign.id,
        state,
        head_version=campaign.head_version,
        live_version=live_version,
        paused_by_centre=is_centres and state == "paused",
        at=at,
    )
    if live_version is not None and action in ("approve", "pause", "resume", "end"):
        await bump("catalogue")  # every process reads the catalogue anew once this transaction has committed
    return await _finish(official, campaign.id, AUDITED[action], EVENTS[action], at, flags)


async def _change_limits(campaign: VersionedCampaign, at: datetime) -> None:
    """Note which benefits have new stock or caps, and have what earlier versions gave counted against them.

    The fences come last: they hold up every redemption until this transaction has committed.
    """
    if campaign.live_version is None:  # nothing has been given yet
        return
    before = await read_queries.find_campaign_version(None, campaign.id, campaign.live_version)
    assert before is not None, "it was in force"
    changed, ids = find_changed_limits(before.read_document(), campaign.read_document()), campaign.read_benefit_ids()
    if changed:
        await write_queries.mark_limited(sorted(ids[code] for code in changed), campaign.version, at)
        for fence in FENCES:
            await fence(sorted(ids[code] for code, is_stock_other in changed.items() if is_stock_other))


async def _finish(
    official: OfficialCaller,
    campaign_id: UUID,
    action: AuditAction,
    event_type: EventType,
    at: datetime,
    flags: Sequence[Flag] = (),
) -> VersionedCampaign:
    """Write the event and the audit entry of a change, and return the campaign as it now is."""
    campaign = await read_queries.find_campaign(None, campaign_id)
    assert campaign is not None, "it was written in this transaction"
    data: dict[str, object] = {
        "version": campaign.version,
        "state": campaign.state,
        "versionState": campaign.version_state,
    }
    event = NewEvent(type=event_type, subject_id=campaign.id, at=at, institution_id=campaign.institution_id, data=data)
    await insert_events([event])
    detail = {
        **data,
        "institutionId": str(campaign.institution_id),
        "revision": campaign.revision,
        "note": campaign.decision_note,
    }
    if flags:
        detail["acknowledgedFlags"] = [{"pointer": flag.pointer, "word": flag.word.word} for flag in flags]
    await write_audit(official, action=action, subject=f"campaign:{campaign.id}", detail=detail)
    return campaign

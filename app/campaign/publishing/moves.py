"""The life of a campaign as a table: what may be done in which state, and what becomes of it."""

from __future__ import annotations

from typing import Literal

import msgspec

from app.event.feed import EVENT_TYPES, EventType
from app.values.moves import Moves
from app.values.words import AUDIT_ACTIONS, AuditAction

CampaignState = Literal["draft", "submitted", "rejected", "live", "paused", "ended"]
VersionState = Literal["draft", "submitted", "approved", "rejected"]
CampaignAction = Literal["edit", "submit", "approve", "reject", "pause", "resume", "end"]


class Move(msgspec.Struct, frozen=True, rename="camel"):
    """One allowed step: ``action`` takes a campaign and its newest version from one pair of states to another.

    ``version`` None: in any state of the newest version, which then stays as it is.
    """

    action: CampaignAction
    state: CampaignState
    version: VersionState | None
    to_state: CampaignState
    to_version: VersionState | None


# The states its newest version may be in, by the campaign's own.
VERSIONS: dict[CampaignState, tuple[VersionState, ...]] = {
    "draft": ("draft",),
    "submitted": ("submitted",),
    "rejected": ("rejected",),
    **dict.fromkeys(("live", "paused", "ended"), ("draft", "submitted", "approved", "rejected")),
}
# A live or paused campaign goes on unchanged while its newest version is drafted and reviewed.
STEPS: tuple[Move, ...] = (
    Move("edit", "draft", "draft", "draft", "draft"),
    Move("edit", "rejected", "rejected", "draft", "draft"),
    Move("edit", "live", "draft", "live", "draft"),
    Move("edit", "live", "rejected", "live", "draft"),
    Move("edit", "live", "approved", "live", "draft"),
    Move("edit", "paused", "draft", "paused", "draft"),
    Move("edit", "paused", "rejected", "paused", "draft"),
    Move("edit", "paused", "approved", "paused", "draft"),
    Move("submit", "draft", "draft", "submitted", "submitted"),
    Move("submit", "live", "draft", "live", "submitted"),
    Move("submit", "paused", "draft", "paused", "submitted"),
    Move("approve", "submitted", "submitted", "live", "approved"),
    Move("approve", "live", "submitted", "live", "approved"),
    Move("approve", "paused", "submitted", "paused", "approved"),
    Move("reject", "submitted", "submitted", "rejected", "rejected"),
    Move("reject", "live", "submitted", "live", "rejected"),
    Move("reject", "paused", "submitted", "paused", "rejected"),
    Move("pause", "live", None, "paused", None),
    Move("resume", "paused", None, "live", None),
    Move("end", "draft", None, "ended", None),
    Move("end", "submitted", None, "ended", None),
    Move("end", "rejected", None, "ended", None),
    Move("end", "live", None, "ended", None),
    Move("end", "paused", None, "ended", None),
)

DRAFTED = EVENT_TYPES.declare("campaign.drafted.v1")
EVENTS: dict[CampaignAction, EventType] = {
    "edit": EVENT_TYPES.declare("campaign.edited.v1"),
    "submit": EVENT_TYPES.declare("campaign.submitted.v1"),
    "approve": EVENT_TYPES.declare("campaign.approved.v1"),
    "reject": EVENT_TYPES.declare("campaign.rejected.v1"),
    "pause": EVENT_TYPES.declare("campaign.paused.v1"),
    "resume": EVENT_TYPES.declare("campaign.resumed.v1"),
    "end": EVENT_TYPES.declare("campaign.ended.v1"),
}
CAMPAIGN_MOVES: Moves[tuple[CampaignState, VersionState], CampaignAction] = Moves(
    {
        (state, version): {
            step.action: (step.to_state, step.to_version or version)
            for step in STEPS
            if step.state == state and step.version in (None, version)
        }
        for state, versions in VERSIONS.items()
        for version in versions
    },
    begins={("draft", "draft")},
    states_zh={
        "draft": "草稿", "submitted": "待审核", "rejected": "已退回", "live": "已上线", "paused": "已暂停",
        "ended": "已结束",
    },
    actions_zh={
        "edit": "编辑", "submit": "提交审核", "approve": "通过", "reject": "退回", "pause": "暂停", "resume": "恢复",
        "end": "结束",
    },
    published=STEPS,
)  # fmt: skip
AUDIT_DRAFT = AUDIT_ACTIONS.declare("campaign.draft")
AUDITED: dict[CampaignAction, AuditAction] = {
    "edit": AUDIT_ACTIONS.declare("campaign.edit"),
    "submit": AUDIT_ACTIONS.declare("campaign.submit"),
    "approve": AUDIT_ACTIONS.declare("campaign.approve"),
    "reject": AUDIT_ACTIONS.declare("campaign.reject"),
    "pause": AUDIT_ACTIONS.declare("campaign.pause"),
    "resume": AUDIT_ACTIONS.declare("campaign.resume"),
    "end": AUDIT_ACTIONS.declare("campaign.end"),
}

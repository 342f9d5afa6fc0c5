"""The life of a campaign as a table: what may be done in which state, and what becomes of it."""

from __future__ import annotations

from typing import Literal

import msgspec

from app.event.feed import EVENT_TYPES, EventType

CampaignState = Literal["draft", "submitted", "rejected", "live", "paused", "ended"]
VersionState = Literal["draft", "submitted", "approved", "rejected"]
CampaignAction = Literal["edit", "submit", "approve", "reject", "pause", "resume", "end"]


class Move(msgspec.Struct, frozen=True, rename="camel"):
    """One allowed step: ``action`` takes a campaign and its newest version from one pair of states to another.

    ``version`` None stands for whatever state the newest version is in; it stays so.
    """

    action: CampaignAction
    state: CampaignState
    version: VersionState | None
    to_state: CampaignState
    to_version: VersionState | None


# A live or paused campaign goes on unchanged while its newest version is drafted and reviewed.
CAMPAIGN_MOVES: tuple[Move, ...] = (
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
STATES_ZH: dict[CampaignState, str] = {
    "draft": "草稿", "submitted": "待审核", "rejected": "已退回", "live": "已上线", "paused": "已暂停",
    "ended": "已结束",
}  # fmt: skip
ACTIONS_ZH: dict[CampaignAction, str] = {
    "edit": "编辑", "submit": "提交审核", "approve": "通过", "reject": "退回", "pause": "暂停", "resume": "恢复",
    "end": "结束",
}  # fmt: skip


def compute_move(action: CampaignAction, state: CampaignState, version: VersionState) -> Move | None:
    """Return the move an action is in these states; None when it is not allowed."""
    return next((move for move in _moves_from(state, version) if move.action == action), None)


def compute_allowed_actions(state: CampaignState, version: VersionState) -> list[CampaignAction]:
    """Return what the states allow; who may do it is a matter of role and of maker and checker."""
    return [move.action for move in _moves_from(state, version)]


def _moves_from(state: CampaignState, version: VersionState) -> list[Move]:
    return [move for move in CAMPAIGN_MOVES if move.state == state and move.version in (None, version)]

"""The life of a campaign: every action in every pair of states."""

from __future__ import annotations

from typing import get_args

import pytest

from app.campaign.publishing.moves import (
    CAMPAIGN_MOVES,
    EVENTS,
    STEPS,
    CampaignAction,
    CampaignState,
    VersionState,
)

# campaign state, newest version's state -> what may be done
ALLOWED: dict[tuple[CampaignState, VersionState], list[CampaignAction]] = {
    ("draft", "draft"): ["edit", "submit", "end"],
    ("submitted", "submitted"): ["approve", "reject", "end"],
    ("rejected", "rejected"): ["edit", "end"],
    ("live", "approved"): ["edit", "pause", "end"],
    ("live", "draft"): ["edit", "submit", "pause", "end"],
    ("live", "submitted"): ["approve", "reject", "pause", "end"],
    ("live", "rejected"): ["edit", "pause", "end"],
    ("paused", "approved"): ["edit", "resume", "end"],
    ("paused", "draft"): ["edit", "submit", "resume", "end"],
    ("paused", "submitted"): ["approve", "reject", "resume", "end"],
    ("paused", "rejected"): ["edit", "resume", "end"],
    ("ended", "draft"): [],
    ("ended", "submitted"): [],
    ("ended", "approved"): [],
    ("ended", "rejected"): [],
}


@pytest.mark.parametrize(("state", "version"), ALLOWED)
def test_what_is_allowed(state: CampaignState, version: VersionState) -> None:
    assert CAMPAIGN_MOVES.allowed((state, version)) == ALLOWED[state, version]
    for action in get_args(CampaignAction):
        assert CAMPAIGN_MOVES.allows((state, version), action) == (action in ALLOWED[state, version])


def test_every_state_reached_is_on_the_table() -> None:
    assert CAMPAIGN_MOVES.reached == set(ALLOWED)


def test_a_live_campaign_leaves_force_only_by_pause_and_end() -> None:
    for move in STEPS:
        if move.state in ("live", "paused") and move.action not in ("pause", "resume", "end"):
            assert move.to_state == move.state


def test_no_approval_without_review() -> None:
    for move in STEPS:
        if move.to_version == "approved":
            assert (move.action, move.version) == ("approve", "submitted")


def test_words() -> None:
    assert set(EVENTS) == set(CAMPAIGN_MOVES.actions_zh) == set(get_args(CampaignAction))

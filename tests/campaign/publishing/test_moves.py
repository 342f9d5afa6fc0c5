"""The life of a campaign: every action in every pair of states."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from app.campaign.publishing.moves import (
    ACTIONS_ZH,
    CAMPAIGN_MOVES,
    EVENTS,
    STATES_ZH,
    CampaignAction,
    CampaignState,
    VersionState,
    compute_allowed_actions,
    compute_move,
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
    assert compute_allowed_actions(state, version) == ALLOWED[state, version]
    for action in get_args(CampaignAction):
        assert (compute_move(action, state, version) is not None) == (action in ALLOWED[state, version])


def test_every_state_reached_is_on_the_table() -> None:
    reached = {("draft", "draft")}
    for _ in range(len(ALLOWED)):
        reached |= {
            (move.to_state, move.to_version or version)
            for move, (state, version) in product(CAMPAIGN_MOVES, reached)
            if move.state == state and move.version in (None, version)
        }
    assert reached == set(ALLOWED)


def test_a_live_campaign_leaves_force_only_by_pause_and_end() -> None:
    for move in CAMPAIGN_MOVES:
        if move.state in ("live", "paused") and move.action not in ("pause", "resume", "end"):
            assert move.to_state == move.state


def test_no_approval_without_review() -> None:
    for move in CAMPAIGN_MOVES:
        if move.to_version == "approved":
            assert (move.action, move.version) == ("approve", "submitted")


def test_words() -> None:
    assert set(EVENTS) == set(ACTIONS_ZH) == set(get_args(CampaignAction))
    assert set(STATES_ZH) == set(get_args(CampaignState))

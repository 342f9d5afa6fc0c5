"""The door of this room's rules: what other rooms may count on."""

from __future__ import annotations

from app.campaign.rules_catalogue import Catalogue, LiveBenefit
from app.campaign.rules_document import Benefit, CampaignDocument, Kind
from app.campaign.rules_eligibility import Eligibility, Facts, HeldHonour
from app.campaign.rules_grant import (
    Combine,
    Grant,
    OneGrant,
    PerCitizen,
    Period,
    ResolvedGrant,
    Steps,
    WholeGrant,
    compute_discount_fen,
    resolve_grant,
)
from app.campaign.rules_judge import Verdict, judge_eligibility
from app.campaign.rules_limits import Scenario
from app.campaign.rules_moves import CAMPAIGN_MOVES, SCENARIO_PROPOSAL_MOVES
from app.campaign.rules_texts import SCENARIO_CHARACTERS_MAX, SCENARIO_PATTERN, Reason, ScenarioCode

__all__ = [
    "CAMPAIGN_MOVES",
    "SCENARIO_CHARACTERS_MAX",
    "SCENARIO_PATTERN",
    "SCENARIO_PROPOSAL_MOVES",
    "Benefit",
    "CampaignDocument",
    "Catalogue",
    "Combine",
    "Eligibility",
    "Facts",
    "Grant",
    "HeldHonour",
    "Kind",
    "LiveBenefit",
    "OneGrant",
    "PerCitizen",
    "Period",
    "Reason",
    "ResolvedGrant",
    "Scenario",
    "ScenarioCode",
    "Steps",
    "Verdict",
    "WholeGrant",
    "compute_discount_fen",
    "judge_eligibility",
    "resolve_grant",
]

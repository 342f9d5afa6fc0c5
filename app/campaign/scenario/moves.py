"""The life of a proposed scenario as a table. Pure."""

from __future__ import annotations

from typing import Literal

from app.values.moves import Moves
from app.values.words import AUDIT_ACTIONS

ProposalState = Literal["waiting", "confirmed", "rejected"]
# What becomes of a proposed scenario, by what is done with it.
SCENARIO_PROPOSAL_MOVES: Moves[ProposalState, str] = Moves(
    {"waiting": {"confirm": "confirmed", "reject": "rejected"}, "confirmed": {}, "rejected": {}},
    begins={"waiting"},
    states_zh={"waiting": "待确认", "confirmed": "已确认", "rejected": "已退回"},
    actions_zh={"confirm": "确认", "reject": "退回"},
)
PROPOSE, CONFIRM, REJECT = (
    AUDIT_ACTIONS.declare("scenario.propose"),
    AUDIT_ACTIONS.declare("scenario.confirm"),
    AUDIT_ACTIONS.declare("scenario.reject"),
)

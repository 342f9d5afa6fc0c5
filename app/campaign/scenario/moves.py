"""The life of a proposed scenario as a table. Pure."""

from __future__ import annotations

from typing import Literal

ProposalState = Literal["waiting", "confirmed", "rejected"]
# What becomes of a proposed scenario, by what is done with it.
SCENARIO_PROPOSAL_MOVES: dict[ProposalState, dict[str, ProposalState]] = {
    "waiting": {"confirm": "confirmed", "reject": "rejected"}, "confirmed": {}, "rejected": {},
}  # fmt: skip

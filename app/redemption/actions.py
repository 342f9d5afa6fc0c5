"""The door of this room: what others may ask of it."""

from __future__ import annotations

from app.redemption.actions_lanes import lanes_lifespan, redeem_lane, scan_lane
from app.redemption.actions_limits import fence_limits
from app.redemption.actions_redeem import RedeemOrder, redeem
from app.redemption.actions_reverse import ReverseOrder, reverse
from app.redemption.actions_scan import scan

__all__ = [
    "RedeemOrder",
    "ReverseOrder",
    "fence_limits",
    "lanes_lifespan",
    "redeem",
    "redeem_lane",
    "reverse",
    "scan",
    "scan_lane",
]

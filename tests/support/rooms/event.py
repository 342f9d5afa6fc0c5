"""The feed."""

from __future__ import annotations

from tests.support.right import Right

RIGHT = {
    "listPartnerEvents": Right("partner"),
}

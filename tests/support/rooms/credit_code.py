"""What the phone shows."""

from __future__ import annotations

from tests.support.right import Right

RIGHT = {
    "issueCodes": Right("citizen", body=lambda _: {"count": 1}),
    "drawCurrentCode": Right("citizen"),
    "revokeCodes": Right("citizen", body=lambda _: {"reason": "other"}),
}

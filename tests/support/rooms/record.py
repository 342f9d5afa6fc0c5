"""What is recorded about a citizen."""

from __future__ import annotations

from tests.support.right import Right

RIGHT = {
    "listOwnRecords": Right("citizen"),
}

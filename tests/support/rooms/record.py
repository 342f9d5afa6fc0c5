"""What is kept of somebody."""

from __future__ import annotations

from tests.support.right import Right

RIGHT = {
    "listOwnRecords": Right("citizen"),
}

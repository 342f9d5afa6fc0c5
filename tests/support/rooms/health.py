"""Alive, and ready."""

from __future__ import annotations

from tests.support.right import Right

RIGHT = {
    "getLiveness": Right(),
    "getReadiness": Right(),
}

"""Joining, moving, consenting, leaving."""

from __future__ import annotations

from tests.support.citizens import identity_body
from tests.support.right import Right
from tests.support.rooms.consent import CONSENT

RIGHT = {
    "listExportKeys": Right(),
    "exportOwnData": Right("citizen"),
    "giveConsent": Right("citizen", body=lambda _: dict(CONSENT)),
    "withdrawConsent": Right("citizen", {"purpose": "consent"}),
    "joinWithIdentity": Right("citizen", body=lambda _: identity_body()),
    "moveIdentity": Right("citizen", body=lambda _: identity_body()),
    "leave": Right("citizen"),
}
UNKNOWN = {"purpose": "pos_volunteer"}

"""What citizens take with them of their consents, and of who looked. Pure."""

from __future__ import annotations

from datetime import datetime

from app.citizen.export import Part


class ExportedConsent(Part, frozen=True, kw_only=True):
    """What the citizen agreed to, and when they withdrew it or a newer version took its place."""

    purpose: str
    version: int
    given_at: datetime
    withdrawn_at: datetime | None


class ExportedAccess(Part, frozen=True, kw_only=True):
    """How often one institution (null: nobody else's) did one thing with one outcome, and when last."""

    institution: str | None
    action: str
    outcome: str
    times: int
    last_at: datetime

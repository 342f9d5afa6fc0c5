"""What the consent room says on the wire."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.kit.web.http import Wire


class ConsentTextShown(Wire):
    """A consent text in force, in the reader's language."""

    purpose: str
    version: int
    title: str
    text: str
    is_required: bool
    is_separate: bool


class ConsentShown(Wire):
    """A consent the citizen gave; ``isCurrent`` is false once a newer version of the text is in force."""

    purpose: str
    version: int
    title: str
    given_at: datetime
    is_required: bool
    is_separate: bool
    is_current: bool


class AccessShown(Wire):
    """Who looked, when, why, what they were told, and how it ended."""

    id: UUID
    at: datetime
    institution: str | None
    store: str | None
    is_by_official: bool
    action: str
    scenario: str | None
    outcome: str
    told: list[str]

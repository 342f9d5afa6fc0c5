"""The feed on the wire, shaped like CloudEvents 1.0."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from app.kit.web.http import Wire


class FeedItem(Wire, kw_only=True):
    """One event: what happened to which subject, thin; fetch the subject for more."""

    specversion: str = "1.0"
    id: UUID
    type: str
    source: str = "urn:huixin"
    time: datetime
    subject: UUID
    data: dict[str, Any]

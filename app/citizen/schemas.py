"""What the citizen room says and hears on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from app.kit.web.http import Ask, Wire


class LoginRequest(Ask):
    """The code wx.login gave the phone."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=200, description="From wx.login; works once.")]


class RefreshRequest(Ask):
    """The newest refresh token the phone has."""

    refresh_token: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class LoggedInCitizen(Wire):
    """Whose tokens they are; `new` until the identity is verified, then `active`."""

    id: UUID
    state: str


class SessionTokens(Wire):
    """An access token for ten minutes, and the refresh token for the next pair."""

    access_token: str
    refresh_token: str
    expires_in: int
    expires_at: datetime
    citizen: LoggedInCitizen


class OwnAccount(Wire):
    """The citizen's own account; name and phone are masked."""

    id: UUID
    state: str
    joined_at: datetime | None
    name: str | None
    phone: str | None

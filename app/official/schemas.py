"""What staff say and hear on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from app.kit.auth import Role
from app.kit.http import Ask, Wire
from app.official.rules import PASSWORD_CHARACTERS_MAX

ROLES_MAX = 6


class LoginRequest(Ask, kw_only=True):
    """Sign in; `totp` is the six-digit code of the authenticator app, usable once."""

    username: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=PASSWORD_CHARACTERS_MAX)]
    totp: Annotated[str, msgspec.Meta(min_length=6, max_length=6, pattern="^[0-9]{6}$")]


class InstitutionRef(Wire, kw_only=True):
    """The institution an official belongs to."""

    id: UUID
    name: str


class SignedInOfficial(Wire, kw_only=True):
    """Who signed in; without an institution: staff of the credit centre."""

    id: UUID
    username: str
    roles: list[Role]
    institution: InstitutionRef | None


class LoginAnswer(Wire, kw_only=True):
    """A token for `Authorization: Bearer`, in force for `expiresIn` seconds, until `expiresAt`."""

    access_token: str
    expires_in: int
    expires_at: datetime
    official: SignedInOfficial


class OfficialRequest(Ask, kw_only=True):
    """A new staff member of an institution, or of the centre when `institutionId` is absent."""

    username: Annotated[str, msgspec.Meta(min_length=3, max_length=64)]
    roles: Annotated[list[Role], msgspec.Meta(min_length=1, max_length=ROLES_MAX)]
    institution_id: UUID | None = None


class OfficialView(Wire, kw_only=True):
    """A staff member."""

    id: UUID
    username: str
    roles: list[Role]
    institution_id: UUID | None
    state: Literal["active", "suspended"]
    locked_until: datetime | None
    created_at: datetime
    allowed_actions: list[Literal["suspend", "resume"]]


class OfficialSecrets(Wire, kw_only=True):
    """A staff member with credentials that are shown this once."""

    official: OfficialView
    password: str
    totp_secret: str
    provisioning_uri: str


class AuditEntryView(Wire, kw_only=True):
    """An entry of the audit chain; `hash` covers it and the entry before."""

    number: int
    at: datetime
    actor_id: UUID | None
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
    hash: str

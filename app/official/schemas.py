"""What staff say and hear on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from app.kit.web.http import Ask, Wire
from app.official.account import PASSWORD_CHARACTERS_MAX, PASSWORD_CHARACTERS_MIN
from app.official.moves import AdministratorsMove, State
from app.values.patterns import TOTP
from app.values.roles import Role

ROLES_MAX = 6
ENROLMENT_CODE_CHARACTERS_MAX = 100
Totp = Annotated[str, msgspec.Meta(min_length=6, max_length=6, pattern=TOTP)]
EnrolmentCode = Annotated[str, msgspec.Meta(min_length=1, max_length=ENROLMENT_CODE_CHARACTERS_MAX)]


class LoginRequest(Ask, kw_only=True):
    """Sign in; `totp` is the six-digit code of the authenticator app, usable once."""

    username: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=PASSWORD_CHARACTERS_MAX)]
    totp: Totp


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
    state: State
    suspended_by_centre: bool
    needs_second_administrator: bool
    asked_by: UUID | None
    enrolment_expires_at: datetime | None
    enrolled_at: datetime | None
    confirmed_by: UUID | None
    created_at: datetime
    allowed_actions: list[AdministratorsMove]


class OfficialInvitation(Wire, kw_only=True):
    """A staff member who is to enrol; the person's `enrolmentCode` is shown this once and works once."""

    official: OfficialView
    enrolment_code: str
    expires_at: datetime


class EnrolmentRequest(Ask, kw_only=True):
    """Begin to enrol with the code an administrator passed on."""

    code: EnrolmentCode


class OpenedEnrolment(Wire, kw_only=True):
    """Whose account it is, and a new TOTP secret for its authenticator app; one given before counts no more."""

    username: str
    totp_secret: str
    provisioning_uri: str
    expires_at: datetime


class EnrolmentCompletion(Ask, kw_only=True):
    """Choose a password, and prove with `totp` that the authenticator app has the secret given last."""

    code: EnrolmentCode
    password: Annotated[str, msgspec.Meta(min_length=PASSWORD_CHARACTERS_MIN, max_length=PASSWORD_CHARACTERS_MAX)]
    totp: Totp


class CompletedEnrolment(Wire, kw_only=True):
    """The account may sign in when it is `active`; while it is `enrolled` it waits for a second administrator."""

    username: str
    state: State


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

"""What joining, moving and leaving say and hear on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from app.consent.purposes import CONSENTS_MAX, PURPOSE_CHARACTERS_MAX
from app.kit.web.http import Ask, Wire

VERSION_MAX = 1_000_000
TYPED_CHARACTERS_MAX = 100
Purpose = Annotated[str, msgspec.Meta(min_length=1, max_length=PURPOSE_CHARACTERS_MAX)]
Version = Annotated[int, msgspec.Meta(ge=1, le=VERSION_MAX)]
# Longer than any name or ID number: a slip is then refused with a code of its own, and only nonsense as malformed.
Typed = Annotated[str, msgspec.Meta(max_length=TYPED_CHARACTERS_MAX)]


class ConsentAsk(Ask):
    """Yes to one text, in the version that was read."""

    purpose: Purpose
    version: Version


class IdentityRequest(Ask):
    """Who the citizen is, the code of WeChat's phone button, and what the citizen agrees to."""

    name: Typed
    id_number: Typed
    phone_code: Annotated[str, msgspec.Meta(min_length=1, max_length=200, description="From getPhoneNumber.")]
    consents: Annotated[list[ConsentAsk], msgspec.Meta(max_length=CONSENTS_MAX)]


class RebindRequest(IdentityRequest):
    """The same proof, from another WeChat account; consents only where newer texts are accepted with it."""

    consents: Annotated[list[ConsentAsk], msgspec.Meta(max_length=CONSENTS_MAX)] = msgspec.field(default_factory=list)


class Joined(Wire):
    """The account, active from now on."""

    id: UUID
    state: str
    joined_at: datetime


class MovedCitizen(Wire):
    """The member whose account moved here."""

    id: UUID
    state: str


class Moved(Wire):
    """Tokens of the member; those of the empty account are dead."""

    access_token: str
    refresh_token: str
    expires_in: int
    expires_at: datetime
    citizen: MovedCitizen


class ConsentState(Wire):
    """A consent, and since when it is withdrawn."""

    purpose: str
    version: int
    given_at: datetime
    withdrawn_at: datetime | None

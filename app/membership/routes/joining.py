"""Joining, moving, leaving, and the separate consents."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, Router, delete, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from app.consent.purposes import PURPOSE_CHARACTERS_MAX
from app.consent.refusals import ConsentMissing, ConsentRequired, ConsentUnknown
from app.kit.clock import now
from app.kit.errors import (
    InvalidRequest,
    MisconfiguredHere,
    NotFound,
    NotJoined,
    OutsideServiceUnavailable,
    RateLimited,
    Unauthenticated,
)
from app.kit.security.auth import CitizenCaller
from app.kit.web.http import refusals
from app.kit.web.show import show
from app.membership.actions import joining as joining_actions
from app.membership.applicant import Application
from app.membership.refusals import (
    AlreadyJoined,
    IdentityMismatch,
    IdentityTaken,
    IdentityUnknown,
    IdNumberInvalid,
    NameInvalid,
    PhoneCodeInvalid,
    UnderAge,
)
from app.membership.schemas.joining import (
    ConsentAsk,
    ConsentState,
    IdentityRequest,
    Joined,
    Moved,
    MovedCitizen,
    RebindRequest,
)

NO_STORE = {"Cache-Control": "no-store"}
PROOF_REFUSALS = (
    InvalidRequest, Unauthenticated, ConsentUnknown, IdNumberInvalid, NameInvalid, UnderAge, PhoneCodeInvalid,
    IdentityMismatch, AlreadyJoined, RateLimited, OutsideServiceUnavailable, MisconfiguredHere,
)  # fmt: skip
PurposePath = Annotated[str, PathParameter(max_length=PURPOSE_CHARACTERS_MAX)]


@post(
    "/identity",
    operation_id="joinWithIdentity",
    status_code=200,
    responses=refusals(ConsentMissing, IdentityTaken, *PROOF_REFUSALS),
)
async def join(data: JSONBody[IdentityRequest], citizen: NamedDependency[CitizenCaller]) -> Joined:
    """Join: opt in, prove who you are, get a score."""
    at = now()
    await joining_actions.join(citizen, _read_application(data), at=at)
    return Joined(id=citizen.id, state="active", joined_at=at)


@post(
    "/identity/rebind",
    operation_id="moveIdentity",
    status_code=200,
    responses=refusals(IdentityUnknown, *PROOF_REFUSALS),
)
async def rebind(data: JSONBody[RebindRequest], citizen: NamedDependency[CitizenCaller]) -> Response[Moved]:
    """Move a membership to this WeChat account by the same proof; tokens and codes of the old one die."""
    tokens = await joining_actions.rebind(citizen, _read_application(data), at=now())
    moved = show(Moved, tokens, citizen=MovedCitizen(id=tokens.citizen_id, state=tokens.state))
    return Response(moved, headers=NO_STORE)


@delete("/", operation_id="leave", status_code=204, responses=refusals(Unauthenticated))
async def leave(citizen: NamedDependency[CitizenCaller]) -> None:
    """Leave at once: tokens and codes die, and everything personal is destroyed."""
    await joining_actions.leave(citizen, at=now())


@post(
    "/consents",
    operation_id="giveConsent",
    status_code=200,
    responses=refusals(InvalidRequest, Unauthenticated, NotJoined, ConsentUnknown),
)
async def give_consent(data: JSONBody[ConsentAsk], citizen: NamedDependency[CitizenCaller]) -> ConsentState:
    """Accept a consent text in force; the score follows at once."""
    return show(ConsentState, await joining_actions.give_consent(citizen, data.purpose, data.version, at=now()))


@post(
    "/consents/{purpose:str}/withdraw",
    operation_id="withdrawConsent",
    status_code=200,
    responses=refusals(InvalidRequest, Unauthenticated, NotJoined, NotFound, ConsentRequired),
)
async def withdraw_consent(purpose: PurposePath, citizen: NamedDependency[CitizenCaller]) -> ConsentState:
    """Withdraw a separate consent; the score follows at once. A required one is withdrawn by leaving."""
    return show(ConsentState, await joining_actions.withdraw_consent(citizen, purpose, at=now()))


def _read_application(data: IdentityRequest) -> Application:
    return show(Application, data, accepted=[(consent.purpose, consent.version) for consent in data.consents])


router = Router("/v1/me", route_handlers=[join, rebind, leave, give_consent, withdraw_consent], tags=["membership"])

"""A citizen's own codes over HTTP."""

from __future__ import annotations

import asyncio

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.credit_code import actions
from app.credit_code.actions import SlotCode
from app.credit_code.picture import compute_svg
from app.credit_code.schemas import IssueCodesRequest, IssuedCode, IssuedCodes, RevokeCodesRequest
from app.credit_code.short_form import compute_slot_start
from app.kit.clock import now
from app.kit.errors import InvalidRequest, NotJoined, RateLimited, Unauthenticated
from app.kit.outside.rate_limit import LocalLimit
from app.kit.security.auth import CitizenCaller
from app.kit.web.answers import Answer
from app.kit.web.http import refusals

CODE_REQUESTS_PER_MINUTE_MAX = 120
REVOCATIONS_PER_MINUTE_MAX = 12
CODE_LIMIT = LocalLimit("codes", CODE_REQUESTS_PER_MINUTE_MAX, 60)
REVOKE_LIMIT = LocalLimit("code-revocations", REVOCATIONS_PER_MINUTE_MAX, 60)
NO_STORE = {"Cache-Control": "no-store"}
# What a call without a body asks for: somebody who has lost a phone must not fail because of a missing body.
ONE_CODE = IssueCodesRequest()
NO_REASON = RevokeCodesRequest()


@post(
    "/",
    operation_id="issueCodes",
    status_code=201,
    responses=refusals(InvalidRequest, Unauthenticated, NotJoined, RateLimited),
)
async def issue_codes(
    citizen: NamedDependency[CitizenCaller], data: JSONBody[IssueCodesRequest] = ONE_CODE
) -> Response[IssuedCodes]:
    """Make the code of this 30-second slot and, when asked, of the next one or two."""
    citizen.need_active()
    headers = CODE_LIMIT.hit(citizen.id) | NO_STORE
    at = now()
    codes = actions.issue_codes(citizen, count=data.count, at=at)
    return Answer(IssuedCodes(server_time=at, codes=[_show(code) for code in codes]), headers)


@post(
    "/revoke",
    operation_id="revokeCodes",
    status_code=204,
    responses=refusals(InvalidRequest, Unauthenticated, NotJoined, RateLimited),
)
async def revoke_codes(
    citizen: NamedDependency[CitizenCaller], data: JSONBody[RevokeCodesRequest] = NO_REASON
) -> Response[None]:
    """Kill every code shown so far: the phone is lost, or somebody took a picture."""
    citizen.need_active()
    headers = REVOKE_LIMIT.hit(citizen.id)
    await actions.revoke_codes(citizen, reason=data.reason, at=now())
    return Response(None, headers=headers)


@get(
    "/current.svg",
    operation_id="drawCurrentCode",
    status_code=200,
    media_type="image/svg+xml",
    responses=refusals(Unauthenticated, NotJoined, RateLimited),
)
async def draw_current_code(citizen: NamedDependency[CitizenCaller]) -> Response[str]:
    """Draw a fresh code of this slot as a QR picture, for kiosks and tests."""
    citizen.need_active()
    headers = CODE_LIMIT.hit(citizen.id) | NO_STORE
    (code,) = actions.issue_codes(citizen, count=1, at=now())
    picture = await asyncio.to_thread(compute_svg, code.text)
    return Response(picture, headers=headers, media_type="image/svg+xml")


def _show(code: SlotCode) -> IssuedCode:
    return IssuedCode(
        not_before=compute_slot_start(code.slot), not_after=compute_slot_start(code.slot + 1), text=code.text
    )


router = Router("/v1/me/codes", route_handlers=[issue_codes, revoke_codes, draw_current_code], tags=["credit_code"])
ROUTERS = [router]

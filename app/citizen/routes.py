"""Logging in, staying logged in, and the own account."""

from __future__ import annotations

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.citizen.actions import account as account_actions
from app.citizen.actions import session as session_actions
from app.citizen.refusals import (
    CitizenFrozen,
    RefreshTokenInvalid,
    WechatAccountBlocked,
    WechatCodeInvalid,
    WechatCodeUsed,
)
from app.citizen.schemas import LoggedInCitizen, LoginRequest, OwnAccount, RefreshRequest, SessionTokens
from app.kit.clock import now
from app.kit.errors import (
    InvalidRequest,
    MisconfiguredHere,
    OutsideServiceUnavailable,
    Overloaded,
    RateLimited,
    Unauthenticated,
)
from app.kit.request.address import address_of
from app.kit.security.auth import CitizenCaller
from app.kit.web.http import AnyRequest, refusals
from app.kit.web.show import show

NO_STORE = {"Cache-Control": "no-store"}


@post(
    "/auth/wechat",
    operation_id="logInWithWechat",
    status_code=200,
    responses=refusals(
        InvalidRequest,
        WechatCodeInvalid,
        WechatCodeUsed,
        WechatAccountBlocked,
        CitizenFrozen,
        RateLimited,
        OutsideServiceUnavailable,
        MisconfiguredHere,
        Overloaded,
    ),
)
async def log_in(data: JSONBody[LoginRequest], request: AnyRequest) -> Response[SessionTokens]:
    """Log in with the code of wx.login; a first login opens an account in state `new`."""
    return _show(await session_actions.log_in(data.code, address=address_of(request), at=now()))


@post(
    "/auth/refresh",
    operation_id="refreshTokens",
    status_code=200,
    responses=refusals(InvalidRequest, RefreshTokenInvalid),
)
async def refresh_tokens(data: JSONBody[RefreshRequest]) -> Response[SessionTokens]:
    """Exchange the refresh token for a fresh pair; for 30 seconds a repeat gets the same successor."""
    return _show(await session_actions.refresh(data.refresh_token, at=now()))


@post("/auth/logout", operation_id="logOut", status_code=204, responses=refusals(Unauthenticated))
async def log_out(citizen: NamedDependency[CitizenCaller]) -> None:
    """End this session and kill the codes it has shown."""
    await session_actions.log_out(citizen, at=now())


@get("/me", operation_id="getOwnAccount", status_code=200, responses=refusals(Unauthenticated))
async def get_own_account(citizen: NamedDependency[CitizenCaller]) -> Response[OwnAccount]:
    """Show the own account, name and phone masked."""
    profile = await account_actions.read_profile(citizen.id)
    return Response(show(OwnAccount, profile, id=citizen.id), headers=NO_STORE)


def _show(tokens: session_actions.Tokens) -> Response[SessionTokens]:
    citizen = LoggedInCitizen(id=tokens.citizen_id, state=tokens.state)
    return Response(show(SessionTokens, tokens, citizen=citizen), headers=NO_STORE)


router = Router("/v1", route_handlers=[log_in, refresh_tokens, log_out, get_own_account], tags=["citizen"])
ROUTERS = [router]

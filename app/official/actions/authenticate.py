"""The doors of the room, and who is behind a token."""

from __future__ import annotations

from app.kit.errors import Unauthenticated
from app.kit.security.auth import OfficialCaller, TokenChecker
from app.official.account import compute_session
from app.official.actions.session import AUDIENCE, make_caller
from app.official.queries import sessions as sessions_queries

CHECKER = TokenChecker(AUDIENCE)


async def authenticate(authorization: str | None) -> OfficialCaller:
    """Return who is behind ``Bearer <token>``; state, roles and generation are read anew for every request."""
    claims = CHECKER.check(authorization)
    account = await sessions_queries.find_account(claims.sub)
    if account is None or not account.is_active:
        raise Unauthenticated
    if claims.sid != compute_session(account.id, account.token_generation):
        raise Unauthenticated
    return make_caller(account)

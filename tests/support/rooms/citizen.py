"""Logging in, and the account."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from tests.support.right import Right

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from tests.support.world import World


async def furnish(_: AsyncClient, world: World) -> dict[str, str]:
    return {"citizen": str(world.citizen.id)}


RIGHT = {
    "logInWithWechat": Right(body=lambda _: {"code": f"demo-{secrets.token_hex(8)}"}),
    "refreshTokens": Right(body=lambda world: {"refreshToken": world.citizen.tokens.refresh}),
    "getOwnAccount": Right("citizen"),
    "logOut": Right("citizen"),
}

"""The ceiling of a route: Litestar returning a constant Struct, on the same server with the same settings."""

from __future__ import annotations

import msgspec
from litestar import Litestar, get


class Constant(msgspec.Struct):
    """Something small to encode."""

    value: int
    level: str


@get("/constant")
async def constant() -> Constant:
    """Answer without doing anything."""
    return Constant(650, "L4")


def create_app() -> Litestar:
    """Build the application."""
    return Litestar(route_handlers=[constant], openapi_config=None, logging_config=None)

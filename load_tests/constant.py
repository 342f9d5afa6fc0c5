"""The ceilings of routes: Litestar doing nothing, on the same server with the same settings.

A GET that returns a constant is measured beside the reads. A POST that takes and returns as much as issuing a code, in
the same shape, is measured beside that.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from litestar import Litestar, get, post
from litestar.params import JSONBody


class Constant(msgspec.Struct):
    """Something small to encode."""

    value: int
    level: str


class Asked(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """As much as a phone says that asks for a code."""

    count: int = 1


class ConstantCode(msgspec.Struct, kw_only=True, rename="camel"):
    """As much as a code."""

    not_before: datetime
    not_after: datetime
    text: str


class ConstantCodes(msgspec.Struct, kw_only=True, rename="camel"):
    """As much as the answer with a code."""

    server_time: datetime
    codes: list[ConstantCode]


AT = datetime(2026, 1, 1, 12, 0, 0, 123456, UTC)
CODES = ConstantCodes(server_time=AT, codes=[ConstantCode(not_before=AT, not_after=AT, text="96" + "0" * 20)])


@get("/constant")
async def constant() -> Constant:
    """Answer without doing anything."""
    return Constant(650, "L4")


@post("/constant", status_code=201)
async def constant_post(data: JSONBody[Asked]) -> ConstantCodes:
    """Read the body, and answer without doing anything."""
    assert data.count
    return CODES


def create_app() -> Litestar:
    """Build the application."""
    return Litestar(route_handlers=[constant, constant_post], openapi_config=None, logging_config=None)

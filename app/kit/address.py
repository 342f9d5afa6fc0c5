"""Where a request comes from."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.datastructures import State

from app.settings import SETTINGS


def address_of(request: Request[Any, Any, State]) -> str:
    """Return the caller's address: the peer's, or what the outermost of our own ``proxies_trusted`` proxies saw."""
    peer = request.client.host if request.client else "unknown"
    if SETTINGS.proxies_trusted == 0:
        return peer
    told = [part.strip() for part in request.headers.get("x-forwarded-for", "").split(",") if part.strip()]
    return told[-SETTINGS.proxies_trusted] if len(told) >= SETTINGS.proxies_trusted else peer

"""How an operation is asked by the one who may."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tests.support.world import World


class Right(NamedTuple):
    """Who does it, with which of the world's ids in path and query, with what body, and under which key or ETag."""

    who: str | None = None
    ids: dict[str, str] = {}
    body: Callable[[World], Any] | None = None
    needs_key: bool = False
    needs_etag: bool = False
    is_signed: bool = False
    query: dict[str, str] = {}

    def headers(self) -> dict[str, str]:
        """Return what this request carries beside the caller's token, but for the ETag."""
        return {"Idempotency-Key": secrets.token_hex(12)} if self.needs_key else {}

"""Lists read to their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from httpx2 import AsyncClient


async def walk(client: AsyncClient, path: str, headers: dict[str, str], **query: Any) -> list[dict[str, Any]]:
    """Read a list page by page, two at a time unless ``limit`` says more."""
    found: list[dict[str, Any]] = []
    while True:
        page = (await client.get(path, params={"limit": 2, **query}, headers=headers)).json()
        assert len(page["data"]) <= query.get("limit", 2)
        found += page["data"]
        if not page["page"]["hasMore"]:
            return found
        query["cursor"] = page["page"]["nextCursor"]

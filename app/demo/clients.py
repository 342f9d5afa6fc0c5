"""Speaking HTTP to the running service, as a phone, a till or an official's browser does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from httpx2 import AsyncClient, Limits

TIMEOUT_SECONDS = 20.0
CONNECTIONS_MAX = 256


class Answer(msgspec.Struct, frozen=True):
    """What came back: the status, the decoded JSON (None without a body), and the headers in lower case."""

    status: int
    body: Any
    headers: Mapping[str, str]


def open_client(base_url: str) -> AsyncClient:
    """Return a client of the service that can hold a connection for every till at once."""
    limits = Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX)
    return AsyncClient(base_url=base_url, timeout=TIMEOUT_SECONDS, limits=limits, headers={"Accept-Language": "zh-CN"})


async def call(
    http: AsyncClient, method: str, path: str, *, bearer: str | None = None, body: object = None,
    key: str | None = None, etag: str | None = None,
) -> Answer:  # fmt: skip
    """Make one request; ``bearer`` is a token or API key, ``key`` the Idempotency-Key, ``etag`` what was last seen."""
    headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    if key is not None:
        headers["Idempotency-Key"] = key
    if etag is not None:
        headers["If-Match"] = etag
    if body is not None:
        headers["Content-Type"] = "application/json"
    content = None if body is None else msgspec.json.encode(body)
    response = await http.request(method, path, headers=headers, content=content)
    is_json = "json" in response.headers.get("content-type", "")
    decoded = msgspec.json.decode(response.content) if is_json and response.content else None
    return Answer(response.status_code, decoded, {name.lower(): value for name, value in response.headers.items()})

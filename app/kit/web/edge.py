"""The edge of the application: what holds for every request and answer, whatever its route, in one wrapper.

One spelling of a path; HEAD is GET without a body; nothing personal is stored on the way; every request is timed.
"""

from __future__ import annotations

import time
from typing import Any

from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from app.kit.errors import NotFound
from app.kit.process.connections import TRAFFIC
from app.kit.request.headers import need_single
from app.kit.web.http import allow_head
from app.kit.web.status import note_request

SERVER_ERROR = 500
PERSONAL = "/v1/"
NOWHERE = "/\x00"  # no route has it, so the framework answers as for any unknown path
NO_SNIFFING = (b"x-content-type-options", b"nosniff")
NO_STORE = (b"cache-control", b"no-store")
CLOSE = (b"connection", b"close")
Headers = list[tuple[bytes, bytes]]


def guard_edge(app: Litestar) -> Litestar:
    """Put the edge around ``app``, what no route takes included."""
    app.asgi_handler = _guarded(app.asgi_handler)
    return app


def is_spelt_right(raw_path: bytes) -> bool:
    """Whether a path is written as its route is: an encoded, doubled or last slash would be a second address of it.

    Filters and counts in front of us go by the path; to them ``//v1/me`` and ``/v1/%6de`` are other paths than ours.
    """
    return b"%" not in raw_path and b"//" not in raw_path and (raw_path[-1:] != b"/" or raw_path == b"/")


async def need_one_reading(request: Request[Any, Any, State]) -> None:
    """Refuse a header with two values, and a path in which an id, a day or a number is not written as we write it."""
    headers: Any = request.scope["headers"]  # a list, whatever the framework calls it
    need_single(headers)
    for value in request.scope["path_params"].values():
        if f"/{value}/" not in f"{request.scope['path']}/":
            raise NotFound


def complete_headers(headers: Headers, *, is_personal: bool) -> Headers:
    """Return an answer's headers with those every answer has."""
    made = [*headers, NO_SNIFFING]
    if is_personal and not any(name == b"cache-control" for name, _ in headers):
        made.append(NO_STORE)
    if TRAFFIC.is_stopping:
        made.append(CLOSE)
    return made


def _guarded(handle: ASGIApp) -> ASGIApp:
    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await handle(scope, receive, send)
            return
        begun = TRAFFIC.asked_at = time.perf_counter()
        client: Any = scope["client"]
        method, status = scope["method"], SERVER_ERROR
        is_personal = scope["path"].startswith(PERSONAL)
        _correct(scope)

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = complete_headers(list(message["headers"]), is_personal=is_personal)
                message["headers"] = headers if method != "OPTIONS" else [_with_head(*each) for each in headers]
            elif method == "HEAD" and message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        TRAFFIC.asked.add(client)
        try:
            await handle(scope, receive, sending)
        finally:
            TRAFFIC.asked.discard(client)
            note_request(scope, method, status, time.perf_counter() - begun)

    return guarded


def _correct(scope: HTTPScope) -> None:
    if scope["method"] == "HEAD":
        scope["method"] = "GET"
    if not is_spelt_right(scope["raw_path"]):
        scope["path"] = NOWHERE


def _with_head(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    return name, allow_head(value.decode()).encode() if name == b"allow" else value

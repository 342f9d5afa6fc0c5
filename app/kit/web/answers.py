"""A JSON answer for hot routes: what the framework's own does for us, at a third of its cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from litestar import Response
from litestar.types import ASGIApp, HTTPResponseBodyEvent, HTTPResponseStartEvent, Receive, Scope, Send

Content = TypeVar("Content")
_ENCODER = msgspec.json.Encoder()


class Answer(Response[Content]):
    """A Struct sent as JSON with the handler's status and a few headers; no cookies, no background tasks.

    Annotate the handler ``-> Response[X]`` and return this: the OpenAPI page sees no difference.
    """

    def __init__(self, content: Content, headers: Mapping[str, str]) -> None:
        """Send a Struct, or the bytes that one was encoded to before."""
        # Deliberately without super(): its bookkeeping is most of what an answer costs.
        self.content = content
        self._light_headers = headers

    def to_asgi_response(self, *_: Any, status_code: int | None = None, **__: Any) -> ASGIApp:  # type: ignore[override]
        """Encode once, and send it in two messages."""
        body = self.content if isinstance(self.content, bytes) else _ENCODER.encode(self.content)
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in self._light_headers.items()]
        headers += ((b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()))
        start: HTTPResponseStartEvent = {
            "type": "http.response.start",
            "status": status_code or 200,
            "headers": headers,
        }
        rest: HTTPResponseBodyEvent = {"type": "http.response.body", "body": body, "more_body": False}

        async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send(start)
            await send(rest)

        return answer

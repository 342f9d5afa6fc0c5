"""One request told to two applications as the server would tell it, and what of their answers must be the same."""

from __future__ import annotations

import asyncio
import re
from typing import Any, NamedTuple

from app.kit.process.connections import TRAFFIC
from app.kit.web import edge, status

Pairs = tuple[tuple[bytes, bytes], ...]
NOTE = "note_request"  # as the edge calls it
CLIENT = ("127.0.0.1", "1")
# What two answers to the same question differ in by design: ids, traces, codes, instants, and what a limit leaves.
BY_DESIGN = re.compile(
    rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}|96[0-9]{20}|\d{4}-\d\d-\d\dT[\d:.]+Z"
    rb'|(?<=;r=)\d+|(?<=;t=)\d+|(?<="expiresIn":)\d+'
)


class Asked(NamedTuple):
    """A request. After the last piece of its body comes nothing more; or, unless it ``is_whole``, nothing at all."""

    method: str
    path: str
    headers: Pairs
    pieces: tuple[bytes, ...] = ()
    query: bytes = b""
    raw_path: bytes | None = None
    root_path: str = ""
    is_whole: bool = True
    is_gone: bool = False  # after the last piece the client goes away

    def having(self, *headers: tuple[str, str | bytes]) -> Asked:
        """Return it with more headers."""
        more = (
            (name.encode(), value.encode("latin-1") if isinstance(value, str) else value) for name, value in headers
        )
        return self._replace(headers=(*self.headers, *more))

    def lacking(self, *names: str) -> Asked:
        """Return it without some headers."""
        return self._replace(headers=tuple(pair for pair in self.headers if pair[0].decode() not in names))

    def saying(self, *pieces: bytes) -> Asked:
        """Return it with another body."""
        return self._replace(pieces=pieces)


class Heard(NamedTuple):
    """What of an answer must be the same both ways: all of it but what is different by design."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    figures: list[tuple[str, str | None, int]]  # under which it is counted: method, route, status
    pieces_left: int


def make_scope(asked: Asked) -> dict[str, Any]:
    """Return what the server says of a request before its body."""
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": asked.method, "scheme": "http",
        "path": asked.path, "raw_path": asked.path.encode() if asked.raw_path is None else asked.raw_path,
        "query_string": asked.query, "root_path": asked.root_path, "headers": list(asked.headers), "client": CLIENT,
        "server": ("127.0.0.1", "2"), "extensions": {}, "state": {},
    }  # fmt: skip


async def hear(app: Any, asked: Asked) -> Heard:
    """Send a request and return its answer."""
    left = [
        {"type": "http.request", "body": piece, "more_body": number < len(asked.pieces) or not asked.is_whole}
        for number, piece in enumerate(asked.pieces or (b"",), 1)
    ]
    if asked.is_gone:
        left[-1] = {"type": "http.disconnect"}
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    figures: list[tuple[str, str | None, int]] = []
    note_request = status.note_request

    def note(scope: Any, method: str, status: int, seconds: float) -> None:
        figures.append((method, scope.get("path_template"), status))
        note_request(scope, method, status, seconds)

    setattr(edge, NOTE, note)
    try:
        await app(make_scope(asked), receive, send)
    finally:
        setattr(edge, NOTE, note_request)
        assert CLIENT not in TRAFFIC.asked | TRAFFIC.arriving
    headers = [(name, _without_design(name, value)) for name, value in said[0]["headers"]]
    body = b"".join(message.get("body", b"") for message in said[1:])
    return Heard(said[0]["status"], headers, BY_DESIGN.sub(b"*", body), figures, len(left))


def _without_design(name: bytes, value: bytes) -> bytes:
    if name == b"allow":  # the framework keeps methods in a set
        return b", ".join(sorted(value.split(b", ")))
    return BY_DESIGN.sub(b"*", value)

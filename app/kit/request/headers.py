"""Headers of a request, read as they arrived: the framework's mapping costs more than most of our operations."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from app.kit.errors import HeaderRepeated
from app.kit.request.field_texts import find_error

# These have one value. Two that differ are two requests in one: a proxy in front of us may have read the other.
SINGLE = frozenset(
    {
        b"host", b"authorization", b"idempotency-key", b"content-type", b"content-encoding", b"if-match",
        b"webhook-id", b"webhook-timestamp", b"webhook-signature",
    }
)  # fmt: skip


def find_header(scope: Any, name: bytes) -> str | None:
    """Return the first header called ``name`` (lower case), or None."""
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    for key, value in headers:
        if key == name:
            return value.decode("latin-1")
    return None


def find_header_list(scope: Any, name: bytes) -> list[str]:
    """Return the members of a header whose value is a list; several lines of it are one list (RFC 9110, 5.3)."""
    lines = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return [part.strip() for line in lines for part in line.split(",") if part.strip()]


def need_single(headers: Collection[tuple[bytes, bytes]]) -> None:
    """Refuse two different values of a header that has one; the same value twice is one."""
    if len({name for name, _ in headers}) == len(headers):
        return
    seen: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in SINGLE and seen.setdefault(name, value) != value:
            raise HeaderRepeated(errors=[find_error(f"/header/{name.decode()}", "repeated")])

"""One header of a request, read as it arrived: the framework's mapping costs more than most of our operations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def find_header(scope: Any, name: bytes) -> str | None:
    """Return the first header called ``name`` (lower case), or None."""
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    for key, value in headers:
        if key == name:
            return value.decode("latin-1")
    return None

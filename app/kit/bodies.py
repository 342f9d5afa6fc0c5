"""Request bodies: JSON and nothing else, of bounded depth, without what PostgreSQL cannot store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures import State

from app.kit.errors import FieldError, InvalidRequest, MalformedRequest, UnsupportedMediaType

DEPTH_MAX = 32
INTEGER_MAX = 2**63 - 1
_JSON_TYPE = re.compile(r"application/(?:[\w.-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)


class JSONRequest(Request[Any, Any, State]):
    """A request whose body is checked as JSON before any operation looks at its shape."""

    __slots__ = ()

    async def json(self) -> Any:
        """Return the decoded body; refuse another content type and what no operation could mean."""
        return decode_body(await self.body(), self.headers.get("content-type"))


def decode_body(body: bytes, content_type: str | None) -> Any:
    """Return the JSON value of a body whose type, where it is given, is JSON."""
    need_json(content_type)
    try:
        tree = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise MalformedRequest from error
    if errors := list(_find_unstorable(tree)):
        raise InvalidRequest(errors=errors[:1])
    return tree


def need_json(content_type: str | None) -> None:
    """Refuse a body that says it is something else than JSON."""
    if content_type and not _JSON_TYPE.fullmatch(content_type.strip()):
        raise UnsupportedMediaType


def make_pointer(*steps: str | int) -> str:
    """Return the JSON pointer (RFC 6901) of a place."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _find_unstorable(tree: Any) -> Iterator[FieldError]:
    """Yield what is too deep, too large for a bigint, or holds the NUL that PostgreSQL's text cannot."""
    open_nodes: list[tuple[Any, tuple[str | int, ...]]] = [(tree, ())]
    while open_nodes:
        node, place = open_nodes.pop()
        if isinstance(node, str):
            if "\x00" in node:
                yield FieldError(pointer=make_pointer(*place), code="nul_character", detail="Text cannot hold NUL")
        elif isinstance(node, dict | list):
            if len(place) >= DEPTH_MAX:
                yield FieldError(
                    pointer=make_pointer(*place), code="too_deep", detail=f"Nested deeper than {DEPTH_MAX}"
                )
                return
            steps = node.items() if isinstance(node, dict) else enumerate(node)
            open_nodes.extend((child, (*place, step)) for step, child in steps)
        elif isinstance(node, int) and not -INTEGER_MAX <= node <= INTEGER_MAX:
            yield FieldError(pointer=make_pointer(*place), code="out_of_range", detail="Integers are at most 2^63 - 1")

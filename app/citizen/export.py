"""What a citizen takes with them, part by part: each room offers its own as ``EXPORTS`` in its actions. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import msgspec


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A part of the file, camelCase like every answer."""


class ExportPart(msgspec.Struct, frozen=True, kw_only=True):
    """What one room adds to the file.

    ``collect`` returns members of the file by their names on the wire, inside the caller's transaction; ``tables`` are
    those it is read from, and ``disclosed`` is what the citizen's access log says was taken.
    """

    tables: tuple[str, ...]
    disclosed: tuple[str, ...]
    collect: Callable[[UUID], Awaitable[Mapping[str, object]]]

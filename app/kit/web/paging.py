"""Keyset pages: ``{"data": [...], "page": {"nextCursor", "hasMore"}}`` with opaque cursors."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Annotated, Generic, TypeVar

import msgspec
from litestar.params import QueryParameter

from app.kit.errors import StaleCursor
from app.kit.web.http import Wire

PAGE_SIZE_MAX = 100
PAGE_SIZE_DEFAULT = 20
CURSOR_CHARACTERS_MAX = 500
Item = TypeVar("Item")
Row = TypeVar("Row")
Key = TypeVar("Key")

Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=PAGE_SIZE_MAX, description="Rows on the page.")]
Cursor = Annotated[
    str | None,
    QueryParameter(name="cursor", max_length=CURSOR_CHARACTERS_MAX, description="`nextCursor` of the page before."),
]


class PageInfo(Wire):
    """Where the next page begins."""

    next_cursor: str | None
    has_more: bool


class Page(Wire, Generic[Item]):
    """One page of a list."""

    data: list[Item]
    page: PageInfo


def encode_cursor(key: object) -> str:
    """Make an opaque cursor of a keyset position."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def decode_cursor(cursor: str | None, key_type: type[Key]) -> Key | None:
    """Read a cursor back; refuse one this list did not issue."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key = msgspec.json.decode(raw, type=key_type)
    except (binascii.Error, msgspec.DecodeError, UnicodeError, ValueError) as error:
        raise StaleCursor from error
    if not all(map(_is_sortable, _iter_instants(key))):
        raise StaleCursor
    return key


def _iter_instants(key: object) -> Iterator[datetime]:
    if isinstance(key, datetime):
        yield key
    elif isinstance(key, msgspec.Struct | tuple):
        for part in key if isinstance(key, tuple) else msgspec.structs.astuple(key):
            yield from _iter_instants(part)


def _is_sortable(instant: datetime) -> bool:
    """Whether an instant is one: with its zone, and not so near the ends of time that turning it into UTC overflows."""
    return instant.tzinfo is not None and MINYEAR < instant.year < MAXYEAR


def make_page(rows: Sequence[Row], limit: int, show: Callable[[Row], Item], key: Callable[[Row], object]) -> Page[Item]:
    """Build a page of at most ``limit`` from ``limit + 1`` fetched rows."""
    has_more = len(rows) > limit
    shown = rows[:limit]
    next_cursor = encode_cursor(key(shown[-1])) if has_more else None
    return Page(data=[show(row) for row in shown], page=PageInfo(next_cursor=next_cursor, has_more=has_more))


def whole_page(items: list[Item]) -> Page[Item]:
    """Wrap a short list that always fits on one page."""
    return Page(data=items, page=PageInfo(next_cursor=None, has_more=False))

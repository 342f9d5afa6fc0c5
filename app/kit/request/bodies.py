"""Request bodies: JSON and nothing else, arriving in time, of bounded depth, without what PostgreSQL cannot store."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any

import msgspec
from litestar import Request
from litestar.connection.base import empty_receive, empty_send
from litestar.datastructures import State
from litestar.exceptions import ClientException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.types import Empty, Receive, Scope, Send

from app.kit.errors import (
    BodyTooSlow,
    InvalidRequest,
    MalformedRequest,
    Refusal,
    UnsupportedContentEncoding,
    UnsupportedMediaType,
)
from app.kit.patience import Patience
from app.kit.process.connections import TRAFFIC
from app.kit.request.field_texts import find_error
from app.kit.request.fields import parse_field_error
from app.kit.request.headers import find_header
from app.values.fault import Fault, make_pointer
from app.values.reason import Reason

# A body may pause for so long, and take so long in all; one that keeps bringing bytes at this pace may take longer.
PAUSE_SECONDS_MAX = 10
BODY_SECONDS_MAX = 10
BODY_BYTES_PER_SECOND_MIN = 16 * 1024
UTF_8_MARK = b"\xef\xbb\xbf"
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
NOT_UTF_8 = Reason(
    code="not_utf_8", zh="请求体须为 UTF-8 编码，收到的是 UTF-16", en="The body must be UTF-8; this one is UTF-16."
)
DEPTH_MAX = 32
INTEGER_MAX = 2**63 - 1
REFUSAL_KEY = "body_refusal"
NUL = rb"\u0000"
# As many digits as the largest integer has. A number is never right behind a quote; a text of digits is.
LONG_NUMBER = b"0" * len(str(INTEGER_MAX))
LONG_TEXT = b'"' + LONG_NUMBER
_TO_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)
_JSON_TYPE = re.compile(r"application/(?:[\w.-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)


class Unfit:
    """Takes the place of a body that cannot be used, so that the framework's own check refuses it in its turn."""


UNFIT = Unfit()
ARRIVALS = Patience()


class JSONRequest(Request[Any, Any, State]):
    """A request whose body is what its operation declares: ``"12"`` is no number, nor is ``1.0`` an integer.

    Litestar reads bodies before it looks at who is calling, and converts them as freely as it does query strings. So
    the body is converted here, and what is wrong with it is said only once it is clear who calls.
    """

    __slots__ = ()

    def __init__(self, scope: Scope, receive: Receive = empty_receive, send: Send = empty_send) -> None:
        """Take a parameter without a value, as forms send them (``?on=&cursor=``), for one that is absent."""
        super().__init__(scope, receive, send)
        if scope["query_string"]:
            self._parsed_query = tuple(pair for pair in self.query_params.multi_items() if pair[1])

    async def body(self) -> bytes:
        """Return the whole body, at most what the route takes; the framework's generator costs twenty times as much."""
        if self._body is Empty:
            self._body = self._connection_state.body = await self._receive_body()
        return self._body

    async def json(self) -> Any:
        """Return the body as the handler's own type; for one that cannot be, a value that every type refuses."""
        try:
            body, content_type = await self.body(), find_header(self.scope, b"content-type")
            declared = self.route_handler.parsed_data_field
            if declared is None:
                return decode_body(body, content_type)
            return read_body(body, content_type, declared.annotation)
        except Refusal as refusal:
            self.scope["state"][REFUSAL_KEY] = refusal
            return UNFIT

    async def blocks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives, at most what the route takes, for what is never whole in memory."""
        size_max, size, more = self._need_plain(), 0, True
        begun = asyncio.get_running_loop().time()
        while more:
            block, more = await self._receive_block(begun + size / BODY_BYTES_PER_SECOND_MIN)
            size += len(block)
            if size > size_max:
                raise RequestEntityTooLarge
            yield block

    async def _receive_body(self) -> bytes:
        size_max, begun = self._need_plain(), asyncio.get_running_loop().time()
        body, more = await self._receive_block(begun)
        while more and len(body) <= size_max:
            block, more = await self._receive_block(begun + len(body) / BODY_BYTES_PER_SECOND_MIN)
            body += block
        if len(body) > size_max:
            raise RequestEntityTooLarge
        return body

    def _need_plain(self) -> float:
        """Return how large the body may be; refuse one that says it is larger, or compressed."""
        size_max = self.route_handler.resolve_request_max_body_size() or math.inf
        for name, value in self.scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > size_max:
                raise RequestEntityTooLarge
            if name == b"content-encoding" and value.strip().lower() not in {b"", b"identity"}:
                raise UnsupportedContentEncoding
        return size_max

    async def _receive_block(self, due_at: float) -> tuple[bytes, bool]:
        """Wait for more, but not for ever; ``due_at`` is when what there is would have come at the slowest pace."""
        loop = asyncio.get_running_loop()
        client: Any = self.scope["client"]
        TRAFFIC.arriving.add(client)
        try:
            due_at = min(due_at + BODY_SECONDS_MAX, loop.time() + PAUSE_SECONDS_MAX)
            event: Any = await ARRIVALS.wait(self.receive(), due_at)
        except TimeoutError:
            raise BodyTooSlow from None
        finally:
            TRAFFIC.arriving.discard(client)
        if event["type"] == "http.disconnect":
            raise ClientException
        return event["body"], event.get("more_body", False)


def find_body_refusal(request: Request[Any, Any, State]) -> Refusal | None:
    """Return what was wrong with the body, if it was read and could not be used."""
    refusal: Refusal | None = request.scope["state"].get(REFUSAL_KEY)
    return refusal


def read_body(body: bytes, content_type: str | None, body_type: Any) -> Any:
    """Return a body as its type: at once when nothing about it is odd, else step by step to say what is wrong."""
    need_json(content_type)
    if not may_be_odd(body) and body.count(b"{") + body.count(b"[") <= DEPTH_MAX:
        try:
            return _decoder_of(body_type).decode(body.removeprefix(UTF_8_MARK))
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            pass  # said with its place below
    return convert_body(decode_body(body, content_type), body_type)


def may_be_odd(body: bytes) -> bool:
    """Whether there may be a NUL in a body, or a number too long for a bigint: then it is looked through.

    Finds every one, and some texts that only look like one; two passes cost a tenth of a pattern that looks behind.
    """
    return NUL in body or LONG_NUMBER in body.translate(_TO_ZEROS).replace(LONG_TEXT, b"")


def decode_body(body: bytes, content_type: str | None) -> Any:
    """Return the JSON value of a body whose type, where it is given, is JSON."""
    need_json(content_type)
    try:
        tree = msgspec.json.decode(body.removeprefix(UTF_8_MARK))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise MalformedRequest(reasons=[NOT_UTF_8] if _is_utf_16(body) else []) from error
    if errors := list(_find_unstorable(tree)):
        raise InvalidRequest(errors=errors[:1])
    return tree


def convert_body(tree: Any, body_type: Any) -> Any:
    """Return a decoded body as its type, converting nothing that is of another kind in JSON."""
    try:
        return msgspec.convert(tree, body_type)
    except msgspec.ValidationError as error:
        raise InvalidRequest(errors=[parse_field_error(str(error))]) from error


def need_json(content_type: str | None) -> None:
    """Refuse a body that says it is something else than JSON."""
    if content_type and not _JSON_TYPE.fullmatch(content_type.strip()):
        raise UnsupportedMediaType


def _is_utf_16(body: bytes) -> bool:
    return body.startswith(UTF_16_MARKS) or body[:2].count(0) == 1


@cache
def _decoder_of(body_type: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(body_type)


def _find_unstorable(tree: Any) -> Iterator[Fault]:
    """Yield what is too deep, too large for a bigint, or holds the NUL that PostgreSQL's text cannot."""
    open_nodes: list[tuple[Any, tuple[str | int, ...]]] = [(tree, ())]
    while open_nodes:
        node, place = open_nodes.pop()
        if isinstance(node, str):
            if "\x00" in node:
                yield find_error(make_pointer(*place), "nul_character")
        elif isinstance(node, dict | list):
            if len(place) >= DEPTH_MAX:
                zh, en = f"嵌套最多 {DEPTH_MAX} 层", f"At most {DEPTH_MAX} levels deep"
                yield Fault.at(make_pointer(*place), "too_deep", zh, en)
                return
            steps = node.items() if isinstance(node, dict) else enumerate(node)
            open_nodes.extend((child, (*place, step)) for step, child in steps)
        elif isinstance(node, int) and not -INTEGER_MAX <= node <= INTEGER_MAX:
            zh, en = f"整数最大为 {INTEGER_MAX}", f"Integers are at most {INTEGER_MAX}"
            yield Fault.at(make_pointer(*place), "out_of_range", zh, en)

"""What is wrong at which place: validation errors as JSON pointers with stable codes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from litestar import Request
from litestar.datastructures import State

from app.kit.errors import FieldError

BODY_PARAMETER = "data"
DETAIL_CHARACTERS_MAX = 200
# The first pattern that matches what msgspec says gives the code; a group is the name of the member it is about.
CODES = (
    (re.compile(r"missing required field `(.+)`"), "missing"),
    (re.compile(r"unknown field `(.+)`"), "unknown_field"),
    (re.compile(r"of length <="), "too_long"),
    (re.compile(r"of length >="), "too_short"),
    (re.compile(r"(?:<=|>=|<|>|multiple)|out of range|Timestamp is out"), "out_of_range"),
    (re.compile(r"matching regex|Invalid (?:RFC3339|UUID|base64|ISO8601|decimal)"), "wrong_format"),
    (re.compile(r"^Expected .+, got "), "wrong_type"),
    (re.compile(r"Invalid (?:enum )?value"), "unknown_value"),
    (re.compile(rf"^'{BODY_PARAMETER}'$"), "missing"),
)
_STEP = re.compile(r"\[(\d+|\.\.\.)\]|([^.\[\]]+)")


def make_pointer(*steps: str | int) -> str:
    """Return the JSON pointer (RFC 6901) of a place."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def parse_field_error(message: str) -> FieldError:
    """Turn what msgspec says of a body into an error at its place, such as ``/consents/0/version``."""
    said, _, place = message.rpartition(" - at `$")
    if not said:
        said, place = message, ""
    code, member = _classify(said)
    steps = [index or name for index, name in _STEP.findall(place.rstrip("`"))]
    return FieldError(pointer=make_pointer(*steps, *([member] if member else [])), code=code, detail=_detail(said))


def iter_field_errors(request: Request[Any, Any, State], extra: Any) -> Iterator[FieldError]:
    """Turn Litestar's list of {message, key, source} into errors at places of the request, such as ``/query/limit``."""
    for item in extra if isinstance(extra, list) else []:
        message = str(item.get("message", ""))
        code, member = _classify(message)
        steps = _find_steps(request, str(item.get("key", "")), item.get("source"))
        pointer = make_pointer(*steps, *([member] if member else []))
        yield FieldError(pointer=pointer, code=code, detail=_detail(message))


def _classify(message: str) -> tuple[str, str | None]:
    for pattern, code in CODES:
        if match := pattern.search(message):
            return code, match[1] if pattern.groups else None
    return "invalid", None


def _detail(message: str) -> str:
    return "A body is needed" if message == f"'{BODY_PARAMETER}'" else message[:DETAIL_CHARACTERS_MAX]


def _find_steps(request: Request[Any, Any, State], key: str, source: Any) -> list[str]:
    if source in (None, "body"):
        return []  # no body at all: one that was sent is looked at in kit.bodies
    return [str(getattr(source, "value", source)), _wire_name(request, key)]


def _wire_name(request: Request[Any, Any, State], name: str) -> str:
    """Return a parameter's name on the wire, which its declaration gives; the framework reports the Python name."""
    declared = request.route_handler.parsed_fn_signature.parameters.get(name)
    kwarg = declared.kwarg_definition if declared is not None else None
    return str(getattr(kwarg, "name", None) or getattr(kwarg, "header", None) or name)

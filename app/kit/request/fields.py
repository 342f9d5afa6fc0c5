"""What is wrong at which place: validation errors as JSON pointers with stable codes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from litestar import Request
from litestar.datastructures import State

from app.kit.request.field_texts import read_message
from app.values.fault import Fault, make_pointer

_STEP = re.compile(r"\[(\d+|\.\.\.)\]|([^.\[\]]+)")


def parse_field_error(message: str) -> Fault:
    """Turn what msgspec says of a body into an error at its place, such as ``/consents/0/version``."""
    said, _, place = message.rpartition(" - at `$")
    if not said:
        said, place = message, ""
    return _make_error([index or name for index, name in _STEP.findall(place.rstrip("`"))], said)


def iter_field_errors(request: Request[Any, Any, State], extra: Any) -> Iterator[Fault]:
    """Turn Litestar's list of {message, key, source} into errors at places of the request, such as ``/query/limit``."""
    for item in extra if isinstance(extra, list) else []:
        steps = _find_steps(request, str(item.get("key", "")), item.get("source"))
        yield _make_error(steps, str(item.get("message", "")))


def _make_error(steps: list[str], message: str) -> Fault:
    return read_message(message).below(make_pointer(*steps))


def _find_steps(request: Request[Any, Any, State], key: str, source: Any) -> list[str]:
    if source in (None, "body"):
        return []  # no body at all: one that was sent is looked at in kit.request.bodies
    return [str(getattr(source, "value", source)), _wire_name(request, key)]


def _wire_name(request: Request[Any, Any, State], name: str) -> str:
    """Return a parameter's name on the wire, which its declaration gives; the framework reports the Python name."""
    declared = request.route_handler.parsed_fn_signature.parameters.get(name)
    kwarg = declared.kwarg_definition if declared is not None else None
    return str(getattr(kwarg, "name", None) or getattr(kwarg, "header", None) or name)

"""Spoils a good body in one place, guided by the OpenAPI, and says where and how."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, NamedTuple

from app.values.patterns import LINES
from tests.support.description import DESCRIPTION

STRANGE = "strange~/name"
TOO_LONG = "长" * 5000


class Spoiled(NamedTuple):
    """A body with one thing wrong in it: the place by its JSON pointer, and the code of the error there."""

    name: str
    body: Any
    pointer: str
    code: str


def spoil(schema: dict[str, Any], body: Any) -> Iterator[Spoiled]:
    """Yield the body with each thing wrong that its schema lets us know is wrong."""
    for pointer, steps, told in list(_walk(schema, body, ())):
        value = _at(body, steps)
        if isinstance(value, dict):
            yield from _spoil_object(body, steps, pointer, told)
        elif isinstance(value, list):
            yield Spoiled("an object for a list", _put(body, steps, {}), pointer, "wrong_type")
            yield Spoiled("text for a list", _put(body, steps, "x"), pointer, "wrong_type")
        else:
            yield from _spoil_scalar(body, steps, pointer, told)


def _spoil_object(body: Any, steps: tuple[str | int, ...], pointer: str, told: dict[str, Any]) -> Iterator[Spoiled]:
    value = _at(body, steps)
    yield Spoiled("a list for an object", _put(body, steps, []), pointer, "wrong_type")
    if not told.get("may be null"):
        yield Spoiled("null for an object", _put(body, steps, None), pointer, "wrong_type")
    strange = _put(body, steps, {**value, STRANGE: 1})
    yield Spoiled("an unknown field", strange, f"{pointer}/strange~0~1name", "unknown_field")
    for name in told.get("required", []):
        without = {key: one for key, one in value.items() if key != name}
        yield Spoiled(f"{name} missing", _put(body, steps, without), f"{pointer}/{name}", "missing")


def _spoil_scalar(body: Any, steps: tuple[str | int, ...], pointer: str, told: dict[str, Any]) -> Iterator[Spoiled]:
    value = _at(body, steps)
    wrong: dict[str, Any] = {"a list": [], "an object": {}, "a fraction": 1.5}
    if isinstance(value, bool):
        wrong |= {"a number for a boolean": 1, "text for a boolean": "true"}
    elif isinstance(value, int):
        wrong |= {"text for a number": str(value), "a boolean for a number": True, "1.0 for 1": float(value)}
        for name, number in (("too large", 2**63), ("far too large", 10**30), ("too small", -(2**63))):
            yield Spoiled(name, _put(body, steps, number), pointer, "out_of_range")
    else:
        wrong |= {"a number for text": 12, "a boolean for text": False}
        yield Spoiled("NUL", _put(body, steps, f"{value}\x00"), pointer, "nul_character")
        if {"pattern", "format", "enum", "const"} & set(told) and told.get("pattern") != LINES:
            yield Spoiled("a line break after", _put(body, steps, f"{value}\n"), pointer, "")
        yield Spoiled("too long", _put(body, steps, TOO_LONG), pointer, "")
    for name, spoiled in wrong.items():
        yield Spoiled(name, _put(body, steps, spoiled), pointer, "wrong_type")


def _walk(
    schema: dict[str, Any], value: Any, steps: tuple[str | int, ...]
) -> Iterator[tuple[str, tuple[str | int, ...], dict[str, Any]]]:
    """Yield every place of a value: its pointer, the steps to it, and what the schema says of it."""
    told = find_schema(schema, value)
    yield "".join(f"/{step}" for step in steps), steps, told
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _walk(told.get("properties", {}).get(name, {}), one, (*steps, name))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _walk(told.get("items", {}), one, (*steps, index))


def find_schema(schema: dict[str, Any], value: Any) -> dict[str, Any]:
    """Return the schema a value is meant by: references followed, of several the one of its kind and ``type``."""
    if "$ref" in schema:
        return find_schema(DESCRIPTION["components"]["schemas"][schema["$ref"].rpartition("/")[2]], value)
    for one in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        found = find_schema(one, value)
        tag = found.get("properties", {}).get("type", {}) if isinstance(value, dict) else {}
        tags = tag.get("enum", [tag.get("const")])
        if found.get("type") == _kind(value) and (tags == [None] or value.get("type") in tags):
            return found | {"may be null": {"type": "null"} in schema.get("anyOf", schema.get("oneOf", ()))}
    return schema


def _kind(value: Any) -> str:
    kinds = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer"}
    return kinds.get(type(value), "null")


def _at(body: Any, steps: tuple[str | int, ...]) -> Any:
    for step in steps:
        body = body[step]
    return body


def _put(body: Any, steps: tuple[str | int, ...], value: Any) -> Any:
    if not steps:
        return value
    copy = deepcopy(body)
    _at(copy, steps[:-1])[steps[-1]] = value
    return copy

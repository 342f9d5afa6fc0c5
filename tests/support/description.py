"""Every operation, as the OpenAPI describes it."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote

from app.kit.web.openapi import describe_api
from app.main import create_app

DESCRIPTION = describe_api(create_app())


def answers_of(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what an operation answers, by status, with what several operations share in its place."""
    shared = DESCRIPTION["components"]["responses"]
    return {
        status: shared[answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
        for status, answer in described["responses"].items()
    }


class Operation(NamedTuple):
    """One method on one path, as the OpenAPI describes it."""

    id: str
    method: str
    path: str
    caller: str | None
    described: dict[str, Any]

    @property
    def room(self) -> str:
        """The room it is of."""
        return str(self.described["tags"][0])

    @property
    def path_parameters(self) -> list[str]:
        """The names of what stands in the path."""
        return [one["name"] for one in self.described.get("parameters", []) if one["in"] == "path"]

    @property
    def roles(self) -> list[str]:
        """Which roles an official needs one of."""
        return list(self.described.get("x-roles", []))

    @property
    def answers(self) -> dict[str, dict[str, Any]]:
        """What it answers, by status, with what several operations share in its place."""
        return answers_of(self.described)

    @property
    def body(self) -> dict[str, Any] | None:
        """The schema of the body; None for a file, whose bytes have none."""
        content = self.described.get("requestBody", {}).get("content", {})
        return content["application/json"]["schema"] if "application/json" in content else None


def list_operations() -> list[Operation]:
    """Return all of them, in a stable order."""
    return [
        Operation(described["operationId"], method.upper(), path, next(iter((described["security"] or [{}])[0]), None),
                  described)
        for path, item in sorted(DESCRIPTION["paths"].items())
        for method, described in item.items()
    ]  # fmt: skip


OPERATIONS = list_operations()
BY_ID = {operation.id: operation for operation in OPERATIONS}


def path_of(operation: Operation, values: dict[str, str]) -> str:
    """Return the path with what stands in it."""
    return operation.path.format(**{name: quote(value, safe="") for name, value in values.items()})


def find_thing(operation: Operation) -> Operation | None:
    """Return how the thing an operation edits or moves is read with its ETag: the longest path above that says so."""
    above = [
        one for one in OPERATIONS
        if one.method == "GET" and f"{operation.path}/".startswith(f"{one.path}/")
        and "ETag" in one.answers["200"].get("headers", {})
    ]  # fmt: skip
    return max(above, key=lambda one: len(one.path), default=None)

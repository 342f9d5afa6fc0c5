"""Random requests to every operation, made from good ones: never a 5xx, never a status the OpenAPI does not name.

The dice are seeded by the operation and the round, so that a failure comes again; ``FUZZ_ROUNDS=500`` looks longer.
"""

from __future__ import annotations

import json
import os
import re
from copy import deepcopy
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest

from app.kit.db.cache import refresh_all
from app.kit.db.database import execute
from app.kit.web.http import PROBLEM_MEDIA_TYPE
from app.partner.actions.caller import directory
from tests.support.citizens import log_in
from tests.support.description import OPERATIONS, Operation
from tests.support.operations import RIGHT, UNKNOWN_ID
from tests.support.world import World, make_world

if TYPE_CHECKING:
    from httpx2 import AsyncClient

ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "25"))
CODE = re.compile(r"`([a-z_]+)`: ")
# They end the session that the other operations need; what they may be sent is next to nothing anyway.
FINAL = {"leave", "logOut", "logoutOfficial"}
FUZZED = [operation for operation in OPERATIONS if operation.id not in FINAL]
SLOW = {"resetOfficial", "createOfficial"}  # they hash a new password each time
NEWCOMERS = {"joinWithIdentity", "moveIdentity"}
TABLES = ("institution", "store", "terminal", "api_key", "official")

TEXTS = [
    "", " ", "\x00", "😀", "null", "0", "true", "-1", "../..", "' OR 1=1 --", "%00", "\ud7ff", "\udfff", "a" * 3000,
    UNKNOWN_ID, "2026-02-30", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00", "2026-01-01T00:00:00",
    "*", '"1"', "９", "\u202e", "\x7f", "L5", "everyone", "percentOff", "steps", "all", "live", "read", "pos_marrow",
    "medical", "demo-x", "err-40029", "err-45011", "err--1", "demo-phone-other-1", "张三", "A-1\n",
]  # fmt: skip
NUMBERS = [0, -1, 1, 2, 3, 100, 101, 2**31, 2**32, 2**63 - 1, 2**63, -(2**63) - 1, 10**40, 0.5, -0.0, 1e300]
HEADERS: dict[str, list[str]] = {
    "Accept-Language": ["en", "zh-CN", "xx;q=9", "", "*"],
    "Content-Type": ["application/json", "text/plain", "application/json; charset=latin-1", ""],
    "If-Match": ["*", '"1"', '"2"', "W/1", "", "1" * 300],
    "Idempotency-Key": ["k" * 16, "k" * 64, "", "k" * 65, "ä" * 20],
    "traceparent": ["00-" + "a" * 32 + "-" + "b" * 16 + "-01", "x", ""],
    "X-Forwarded-For": ["1.2.3.4", "x, y", ""],
}


class Dice:
    """Throws everything that is random about a request."""

    def __init__(self, seed: str) -> None:
        self.random = Random(seed)

    def value(self, depth: int = 0) -> Any:
        """Return any JSON value."""
        kind = self.random.randrange(8 if depth < 3 else 5)
        if kind < 3:
            return self.random.choice(TEXTS)
        if kind < 5:
            return self.random.choice([*NUMBERS, None, True, False])
        if kind < 6:
            return [self.value(depth + 1) for _ in range(self.random.randrange(4))]
        names = [*TEXTS, "type", "of", "id", "name", "code"]
        return {self.random.choice(names): self.value(depth + 1) for _ in range(self.random.randrange(4))}

    def body(self, good: Any) -> Any:
        """Return a body like a good one with up to three places changed; now and then anything at all."""
        if self.random.randrange(8) == 0:
            return self.value()
        body = deepcopy(good)
        for _ in range(self.random.randrange(4)):
            self._change(body)
        return body

    def _change(self, body: Any) -> None:
        place, key = body, None
        while isinstance(place, dict | list) and place:
            key = self.random.choice(list(place) if isinstance(place, dict) else range(len(place)))
            if not isinstance(place[key], dict | list) or self.random.randrange(3) == 0:
                break
            place = place[key]
        if key is None or not place:
            return
        action = self.random.choice(["change", "change", "remove", "add"])
        if action == "change":
            place[key] = self.value()
        elif action == "remove":
            del place[key]
        elif isinstance(place, dict):
            place[self.random.choice(TEXTS)] = self.value()
        else:
            place.append(self.value())

    def some(self, choices: dict[str, list[str]]) -> dict[str, str]:
        """Return a few of the choices, each with one of its values."""
        names = [name for name in choices if self.random.randrange(6) == 0]
        return {name: self.random.choice(choices[name]) for name in names}


@pytest.fixture(scope="module")
async def world(client: AsyncClient) -> World:
    made = await make_world(client)
    made.ids["newcomer"] = (await log_in(client)).access
    return made


@pytest.mark.parametrize("operation", FUZZED, ids=lambda operation: operation.id)
async def test_nothing_breaks_it(client: AsyncClient, world: World, operation: Operation) -> None:
    for number in range(ROUNDS // 5 if operation.id in SLOW else ROUNDS):
        dice = Dice(f"{operation.id} {number}")
        request = make_request(dice, operation, world)
        answer = await client.request(operation.method, **request)
        seen = f"round {number}: {request} -> {answer.status_code} {answer.text[:300]}"
        described = operation.answers
        assert answer.status_code < 500, seen
        assert str(answer.status_code) in described, seen
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == PROBLEM_MEDIA_TYPE, seen
            assert answer.json()["code"] in CODE.findall(described[str(answer.status_code)]["description"]), seen
    await restore()


def make_request(dice: Dice, operation: Operation, world: World) -> dict[str, Any]:
    """Return a path, a query, headers and a body."""
    right = RIGHT[operation.id]
    ids = {
        name: world.ids[place] if name == "day" or dice.random.randrange(4) else UNKNOWN_ID
        for name, place in right.ids.items()
    }
    path = operation.path.format(**{name: quote(value, safe="") for name, value in ids.items()})
    known = [one["name"] for one in operation.described.get("parameters", []) if one["in"] == "query"]
    texts = [text.encode("utf-8", "ignore").decode() for text in [*TEXTS, *map(str, NUMBERS)]]
    query = dice.some(dict.fromkeys([*known, "unknown"], texts))
    headers = right.headers() | (world.headers_of(right.who) if right.who else {})
    headers |= {"If-Match": '"1"'} if right.needs_etag else {}
    if operation.id in NEWCOMERS:
        headers["Authorization"] = f"Bearer {world.ids['newcomer']}"
    request: dict[str, Any] = {"url": f"{path}?{urlencode(query)}" if query else path}
    if operation.body:
        headers["Content-Type"] = "application/json"
        body = dice.body(right.body(world) if right.body else None)
        text = json.dumps(body, ensure_ascii=bool(dice.random.randrange(2)))
        request["content"] = text.encode("utf-8", "surrogatepass")
    headers |= dice.some(HEADERS)
    request["headers"] = [(name.encode(), value.encode()) for name, value in headers.items()]
    return request


async def restore() -> None:
    """Let what was suspended by chance go on, so that the next operation meets a working world."""
    touched = [await execute(f"UPDATE {table} SET state = 'active' WHERE state = 'suspended'") for table in TABLES]
    if any(touched):
        await execute("UPDATE cache_version SET version = version + 1 WHERE name = 'directory'")
        await refresh_all([directory])

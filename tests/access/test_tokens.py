"""Every confused token on every protected route: none is let in anywhere, and what is refused changes nothing.

The rooms try these tokens on one route each; which caller a route asks for is each route's own word.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.kit.db.database import execute
from app.partner.directory import compute_secret_hash
from tests.citizen.test_confused_tokens import CASES, Bench
from tests.official.test_official_tokens import VARIANTS, Scene
from tests.support.citizens import log_in
from tests.support.description import OPERATIONS, Operation, path_of
from tests.support.digests import digest_tables
from tests.support.officials import make_official
from tests.support.operations import RIGHT
from tests.support.partners import make_key, make_partner, refresh_directory
from tests.support.world import World, make_world

if TYPE_CHECKING:
    from httpx2 import AsyncClient

VARIANTS_MIN = 40
PROTECTED = [operation for operation in OPERATIONS if operation.caller]
KINDS = ("citizen", "partner", "official")

KEY_VARIANTS: dict[str, Callable[[str], str]] = {
    "nothing": lambda _: "",
    "scheme only": lambda _: "Bearer",
    "empty": lambda _: "Bearer ",
    "no scheme": lambda key: key,
    "basic": lambda key: f"Basic {key}",
    "basic, encoded": lambda key: "Basic " + base64.b64encode(f"{key}:".encode()).decode(),
    "token scheme": lambda key: f"Token {key}",
    "colon": lambda key: f"Bearer: {key}",
    "joined": lambda key: f"Bearer{key}",
    "tab": lambda key: f"Bearer\t{key}",
    "two spaces": lambda key: f"Bearer  {key}",
    "quoted": lambda key: f'Bearer "{key}"',
    "twice": lambda key: f"Bearer {key},{key}",
    "twice with a space": lambda key: f"Bearer {key} {key}",
    "in capitals": lambda key: f"Bearer {key.upper()}",
    "in small letters": lambda key: f"Bearer {key.lower()}",
    "first letter gone": lambda key: f"Bearer {key[1:]}",
    "last letter gone": lambda key: f"Bearer {key[:-1]}",
    "last letter changed": lambda key: f"Bearer {key[:-1]}{'A' if key[-1] != 'A' else 'B'}",
    "first secret letter changed": lambda key: "Bearer " + key.replace("hxk_live_", "hxk_live_x", 1),
    "one letter more": lambda key: f"Bearer {key}A",
    "half": lambda key: f"Bearer {key[: len(key) // 2]}",
    "prefix only": lambda key: "Bearer " + key.rpartition("_")[0],
    "prefix with an underscore": lambda key: "Bearer " + key.rpartition("_")[0] + "_",
    "secret only": lambda key: "Bearer " + key.rpartition("_")[2],
    "bare prefix": lambda _: "Bearer hxk_live_",
    "test prefix": lambda key: "Bearer " + key.replace("live", "test"),
    "other prefix": lambda key: "Bearer sk" + key[3:],
    "its hash": lambda key: f"Bearer {compute_secret_hash(key).hex()}",
    "its SHA-256": lambda key: f"Bearer {hashlib.sha256(key.encode()).hexdigest()}",
    "its hash as base64": lambda key: "Bearer " + base64.b64encode(compute_secret_hash(key)).decode(),
    "padded": lambda key: f"Bearer {key}==",
    "NUL after": lambda key: f"Bearer {key}\x00",
    "newline after": lambda key: f"Bearer {key}\n.",
    "NUL within": lambda key: f"Bearer {key[:20]}\x00{key[20:]}",
    "space within": lambda key: f"Bearer {key[:20]} {key[20:]}",
    "a letter outside ASCII": lambda key: f"Bearer {key}é",
    "full-width": lambda key: f"Bearer {key[:-1]}{chr(ord(key[-1]) + 0xFEE0)}",
    "backwards": lambda key: f"Bearer {key[::-1]}",
    "wildcard": lambda _: "Bearer %",
    "a query": lambda _: "Bearer ' OR '1'='1",
    "null": lambda _: "Bearer null",
    "very long": lambda key: f"Bearer {key}{'A' * 5000}",
    "a guess": lambda key: f"Bearer {key.rpartition('_')[0]}_{'A' * 43}",
}


@pytest.fixture(scope="module")
async def world(client: AsyncClient) -> World:
    return await make_world(client)


@pytest.fixture(scope="module")
async def refused(client: AsyncClient, world: World) -> dict[str, list[tuple[str, bytes]]]:
    """Every confused token by the kind of caller it pretends to be, and what each kind's colleagues carry."""
    bench = Bench(await log_in(client), await log_in(client))
    partner = await make_partner()
    first, second = await make_official(roles=["administrator"]), await make_official(roles=["administrator"])
    scene = Scene(first, second, partner.api_key)
    tokens = {
        "citizen": [(name, b"Bearer " + make(bench).encode()) for name, make in CASES.items()],
        "official": [(name, make(scene).encode()) for name, make in VARIANTS.items()],
        "partner": [(name, make(partner.api_key).encode()) for name, make in KEY_VARIANTS.items()]
        + [(name, f"Bearer {key}".encode()) for name, key in (await _dead_keys()).items()],
    }
    good = {"citizen": world.citizen.headers, "partner": world.partner.headers, "official": first.headers}
    for kind in KINDS:
        for other in set(KINDS) - {kind}:
            tokens[kind].append((f"a good {other}'s", good[other]["Authorization"].encode()))
    return tokens


async def _dead_keys() -> dict[str, str]:
    """Return keys that were good once."""
    closed, partner = await make_partner(), await make_partner()
    keys = {
        "expired": await make_key(partner.institution_id, lifetime=timedelta(seconds=-1)),
        "of a suspended institution": closed.api_key,
        "suspended": partner.api_key,
    }
    await execute("UPDATE institution SET state = 'suspended' WHERE id = $1", closed.institution_id)
    await execute("UPDATE api_key SET state = 'suspended' WHERE institution_id = $1", partner.institution_id)
    await execute("UPDATE cache_version SET version = version + 1 WHERE name = 'directory'")
    await refresh_directory()
    return keys


@pytest.mark.parametrize("operation", PROTECTED, ids=lambda operation: operation.id)
async def test_no_confused_token_opens_a_route(
    client: AsyncClient, world: World, refused: dict[str, list[tuple[str, bytes]]], operation: Operation
) -> None:
    right = RIGHT[operation.id]
    path = path_of(operation, {name: world.ids[place] for name, place in right.ids.items()})
    body = right.body(world) if right.body else None
    told: set[str] = set()
    before = await digest_tables()
    assert operation.caller is not None
    for name, authorization in refused[operation.caller]:
        headers = [(b"authorization", authorization)]
        headers += [(key.encode(), value.encode()) for key, value in right.headers().items()]
        answer = await client.request(operation.method, path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), name
        assert answer.headers["www-authenticate"] == "Bearer"
        told.add(answer.json()["detail"])
    assert len(told) == 1
    assert await digest_tables() == before


@pytest.mark.parametrize("kind", KINDS)
def test_there_are_enough_of_them(refused: dict[str, list[tuple[str, bytes]]], kind: str) -> None:
    assert len({authorization for _, authorization in refused[kind]}) >= VARIANTS_MIN

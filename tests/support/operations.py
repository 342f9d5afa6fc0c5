"""For every operation of the OpenAPI one request that its rightful caller gets a success for.

``RIGHT`` is what makes the hostile tests complete: an operation that is missing there fails them. It is collected from
the rooms.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.description import Operation, find_thing, path_of
from tests.support.pointing import sign
from tests.support.rooms import ROOMS

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

    from tests.support.world import World

RIGHT = {name: right for room in ROOMS.values() for name, right in room.RIGHT.items()}
UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"  # outside every world: an id that nobody has


async def headers_for(client: AsyncClient, operation: Operation, world: World) -> dict[str, str]:
    """Return what the right request carries beside the caller's token: its key, and the ETag as it is right now."""
    right, thing = RIGHT[operation.id], find_thing(operation)
    if not right.needs_etag:
        return right.headers()
    assert thing is not None, f"{operation.id} needs an ETag that nobody can read"
    own = {name: world.ids[place] for name, place in right.ids.items()}
    seen = await client.get(path_of(thing, own), headers=world.headers_of(right.who or ""))
    assert seen.status_code == 200, (operation.id, seen.text)
    return right.headers() | {"If-Match": seen.headers["ETag"]}


async def send(
    client: AsyncClient,
    operation: Operation,
    world: World,
    headers: dict[str, str],
    *,
    ids: dict[str, str] | None = None,
    method: str | None = None,
) -> Response:
    """Send the right request of an operation as somebody; ``ids`` replace the world's."""
    right = RIGHT[operation.id]
    own = {name: world.ids[place] for name, place in right.ids.items()}
    body = json.dumps(right.body(world)).encode() if right.body else None
    headers = (
        headers | await headers_for(client, operation, world) | ({"Content-Type": "application/json"} if body else {})
    )
    if right.is_signed and body:
        headers |= sign(world.ids["app_secret"], body)
    query = {name: world.ids[place] for name, place in right.query.items()}
    return await client.request(
        method or operation.method, path_of(operation, ids or own), content=body, headers=headers, params=query
    )


def make_unknown(operation: Operation) -> dict[str, str]:
    """Return path values of the right form that name nothing."""
    return {name: ROOMS[operation.room].UNKNOWN.get(name, UNKNOWN_ID) for name in operation.path_parameters}

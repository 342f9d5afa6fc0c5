"""Objections on their way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.objecting import make_objections, missing
from tests.support.right import Right

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from tests.support.world import World


async def furnish(client: AsyncClient, world: World) -> dict[str, str]:
    return await make_objections(client, world.citizen, world.ids["app_source"])


RIGHT = {
    "createObjection": Right("citizen", body=lambda _: missing(contactOk=True), needs_key=True),
    "listMyObjections": Right("citizen"),
    "getMyObjection": Right("citizen", {"objectionId": "spare_objection"}),
    "withdrawObjection": Right("citizen", {"objectionId": "spare_objection"}),
    "listObjections": Right("centre_caseworker"),
    "getObjection": Right("centre_caseworker", {"objectionId": "objection"}),
    "askSource": Right("centre_caseworker", {"objectionId": "received_objection"}),
    "answerObjection": Right(
        "centre_caseworker", {"objectionId": "objection"}, lambda _: {"finding": "unknown", "text": "无法核实"}
    ),
}

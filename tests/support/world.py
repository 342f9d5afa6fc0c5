"""One owner's whole world: an institution with everything it has, and a citizen who has been there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tests.support.campaigns import make_desk
from tests.support.citizens import Joined, join
from tests.support.officials import OfficialLogin, make_official
from tests.support.partners import Partner
from tests.support.rooms import ROOMS

if TYPE_CHECKING:
    from httpx2 import AsyncClient


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Who is who, and by a name each the ids of everything that is theirs, and things that requests hold."""

    citizen: Joined
    partner: Partner
    editor: OfficialLogin
    administrator: OfficialLogin
    centre_editor: OfficialLogin
    centre_reviewer: OfficialLogin
    centre_administrator: OfficialLogin
    centre_auditor: OfficialLogin
    centre_caseworker: OfficialLogin
    centre_importer: OfficialLogin
    ids: dict[str, str]
    things: dict[str, Any]

    def headers_of(self, who: str) -> dict[str, str]:
        """Return the headers of one of these people."""
        headers: dict[str, str] = getattr(self, who).headers
        return headers


async def make_world(client: AsyncClient) -> World:
    """Make the people of an institution and a citizen, and have every room make what it has for them."""
    desk = await make_desk(stores=2)
    world = World(
        citizen=await join(client),
        partner=desk.partner,
        editor=desk.editor,
        administrator=await make_official(roles=["administrator"], institution_id=desk.partner.institution_id),
        centre_editor=await make_official(roles=["editor"]),
        centre_reviewer=desk.reviewer,
        centre_administrator=await make_official(roles=["administrator"]),
        centre_auditor=await make_official(roles=["auditor"]),
        centre_caseworker=await make_official(roles=["caseworker"]),
        centre_importer=await make_official(roles=["importer"]),
        ids={},
        things={},
    )
    for name, room in ROOMS.items():
        if room.furnish is not None:
            made = await room.furnish(client, world)
            assert not set(made) & set(world.ids), f"{name} gives an id a name that is taken"
            world.ids.update(made)
    return world

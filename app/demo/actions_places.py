"""Institutions with their stores, terminals and keys, and the staff, by the real actions; what is there is found."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from app.demo import queries
from app.demo.rules_file import OfficialShown, PartnerShown
from app.demo.rules_places import ADMINISTRATORS, CENTRE, KEY_LIFETIME, PLACES, Place, Post
from app.kit.auth import OfficialCaller, Scope
from app.kit.clock import now
from app.official.actions_manage import NewOfficial, create_administrator, create_official, reset_official
from app.partner.actions_key import create_key
from app.partner.actions_official import create_institution, create_store, create_terminal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from app.demo.queries import PlaceRow

OFFICIALS_AT_ONCE = 2  # hashing a password is work for a core; more would only wait for connections
SCOPES: tuple[Scope, ...] = ("scan", "redeem", "read")


class MadePlace(msgspec.Struct, frozen=True):
    """A place that is there: its id and those of its stores and terminals, in the order of the plan."""

    place: Place
    institution_id: UUID
    store_ids: list[UUID]
    terminal_ids: list[UUID]


class MadeOfficial(msgspec.Struct, frozen=True):
    """A staff account with fresh credentials, and the caller it is when it acts here."""

    post: Post
    caller: OfficialCaller
    password: str
    totp_secret: str

    def show(self) -> OfficialShown:
        """Return the account as the file tells it."""
        return OfficialShown(
            username=self.post.username,
            password=self.password,
            totp_secret=self.totp_secret,
            roles=list(self.post.roles),
            institution=self.post.place.name if self.post.place else CENTRE,
        )


async def make_places(administrator: OfficialCaller) -> list[MadePlace]:
    """Make the institutions with their stores and terminals; whatever is there already stays."""
    rows = await queries.list_places([place.name for place in PLACES])
    return [
        await _make_place(administrator, place, [row for row in rows if row.institution == place.name])
        for place in PLACES
    ]


async def give_key(administrator: OfficialCaller, made: MadePlace) -> PartnerShown:
    """Give an institution one more key that may do everything at all its stores."""
    made_key = await create_key(
        administrator,
        made.institution_id,
        name="演示密钥",
        scopes=SCOPES,
        store_ids=None,
        expires_at=now() + KEY_LIFETIME,
    )
    return PartnerShown(
        institution=made.place.name,
        kind=made.place.kind,
        api_key=made_key.key,
        store_id=made.store_ids[0],
        terminal_id=made.terminal_ids[0],
    )


async def make_administrators() -> list[MadeOfficial]:
    """Make the two administrators of the centre; one that is there is given fresh credentials by the other."""
    made: dict[str, MadeOfficial] = {}
    known: list[OfficialCaller] = []
    for post in ADMINISTRATORS:
        caller = await _find_caller(post)
        if caller is None:
            made[post.username] = _to_made(post, await create_administrator(post.username))
        known.append(caller or made[post.username].caller)
    for post, caller, other in zip(ADMINISTRATORS, known, reversed(known), strict=True):
        if post.username not in made:
            made[post.username] = _to_made(post, await reset_official(other, caller.id))
    return [made[post.username] for post in ADMINISTRATORS]


async def find_administrator() -> OfficialCaller:
    """Return the centre's first administrator as a caller."""
    caller = await _find_caller(ADMINISTRATORS[0])
    assert caller is not None, "the city is made"
    return caller


async def make_officials(
    administrator: OfficialCaller, posts: Iterable[Post], places: Mapping[str, UUID]
) -> list[MadeOfficial]:
    """Make staff accounts; ones that are there get fresh credentials. ``places`` are institution ids by short name."""
    at_once = asyncio.Semaphore(OFFICIALS_AT_ONCE)

    async def make(post: Post) -> MadeOfficial:
        async with at_once:
            return await _make_official(administrator, post, places)

    return await asyncio.gather(*map(make, posts))


async def _make_official(administrator: OfficialCaller, post: Post, places: Mapping[str, UUID]) -> MadeOfficial:
    known = await _find_caller(post)
    if known is not None:
        return _to_made(post, await reset_official(administrator, known.id))
    institution_id = places[post.place.slug] if post.place else None
    made = await create_official(administrator, username=post.username, roles=post.roles, institution_id=institution_id)
    return _to_made(post, made)


async def _make_place(administrator: OfficialCaller, place: Place, rows: list[PlaceRow]) -> MadePlace:
    if rows:
        institution_id = rows[0].institution_id
    else:
        institution_id = (await create_institution(administrator, name=place.name, kind=place.kind)).id
    stores = {row.store: row.store_id for row in rows if row.store_id}
    terminals = {(row.store, row.terminal): row.terminal_id for row in rows if row.terminal_id}
    store_ids, terminal_ids = [], []
    for store in place.stores:
        store_id = stores.get(store) or (await create_store(administrator, institution_id, name=store)).id
        store_ids.append(store_id)
        for number in range(1, place.terminals + 1):
            name = f"{number}号终端"
            found = terminals.get((store, name))
            if found is None:
                found = (await create_terminal(administrator, institution_id, store_id=store_id, name=name)).id
            terminal_ids.append(found)
    return MadePlace(place, institution_id, store_ids, terminal_ids)


def _to_made(post: Post, made: NewOfficial) -> MadeOfficial:
    caller = _to_caller(post, made.official.id, made.official.institution_id)
    return MadeOfficial(post, caller, made.password, made.totp_secret)


async def _find_caller(post: Post) -> OfficialCaller | None:
    row = await queries.find_official(post.username)
    return None if row is None else _to_caller(post, row.id, row.institution_id)


def _to_caller(post: Post, official_id: UUID, institution_id: UUID | None) -> OfficialCaller:
    return OfficialCaller(
        id=official_id, username=post.username, roles=frozenset(post.roles), institution_id=institution_id
    )

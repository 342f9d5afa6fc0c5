"""Institutions with their stores, terminals and keys, and the staff, by the real actions; those that exist are used."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import pyotp

from app.intake.source.actions import register_source
from app.intake.source.compile import make_default_mapping
from app.intake.source.entry import SourceEntry
from app.intake.source.refusals import SourceTaken
from app.kit.clock import now
from app.kit.request.etag import compute_etag
from app.kit.security.auth import OfficialCaller
from app.official.account import TOTP_STEP_SECONDS
from app.official.actions.enrol import complete_enrolment, open_enrolment
from app.official.actions.manage import (
    Invitation,
    confirm_official,
    create_administrator,
    create_official,
    find_official,
    move_official,
    reset_administrator,
    reset_official,
)
from app.official.refusals import EnrolmentProofWrong
from app.partner.actions.keys import create_key
from app.partner.actions.places import create_institution, create_store, create_terminal
from app.town.people.habits import read_sources
from app.town.places import queries
from app.town.places.places import ADMINISTRATORS, CENTRE, KEY_LIFETIME, PLACES, Place, Post
from app.town.shown import OfficialShown, PartnerShown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from app.town.places.queries import PlaceTerminal
    from app.values.roles import Scope

OFFICIALS_AT_ONCE = 2  # hashing a password is work for a core; more would only wait for connections
PASSWORD_BYTES = 15
ADDRESS = "127.0.0.1"
SCOPES: tuple[Scope, ...] = ("scan", "redeem", "read")


class MadePlace(msgspec.Struct, frozen=True):
    """A place that exists: its id and the ids of its stores and terminals, in the order of the plan."""

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
        """Return the account as the file shows it."""
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
        api_key=made_key.secret,
        store_id=made.store_ids[0],
        terminal_id=made.terminal_ids[0],
    )


async def make_administrators() -> list[MadeOfficial]:
    """Invite the two administrators of the centre as the command line does, and let them enrol."""
    return [await _make_administrator(post) for post in ADMINISTRATORS]


async def find_administrators() -> list[OfficialCaller]:
    """Return the centre's two administrators as callers."""
    found = [await _find_caller(post) for post in ADMINISTRATORS]
    return [caller for caller in found if caller is not None]


async def make_sources() -> None:
    """Enter the departments that report about the city into the register; ones that are there stay."""
    for code, title_zh, title_en in read_sources():
        entry = SourceEntry(
            code=code, title_zh=title_zh, title_en=title_en, institution_id=None,
            mapping=make_default_mapping(code), indicators=None, honours=None,
        )  # fmt: skip
        with suppress(SourceTaken):
            await register_source(None, entry)


async def make_officials(
    administrators: Sequence[OfficialCaller], posts: Iterable[Post], places: Mapping[str, UUID]
) -> list[MadeOfficial]:
    """Make staff accounts; ones that are there enrol anew. ``places`` are institution ids by short name.

    The first administrator invites, each person enrols, and the second administrator confirms.
    """
    at_once = asyncio.Semaphore(OFFICIALS_AT_ONCE)

    async def make(post: Post) -> MadeOfficial:
        async with at_once:
            return await _make_official(administrators, post, places)

    return await asyncio.gather(*map(make, posts))


async def _make_administrator(post: Post) -> MadeOfficial:
    account = await queries.find_official(post.username)
    invite = create_administrator if account is None else reset_administrator
    return await _enrol(post, await invite(post.username))


async def _make_official(
    administrators: Sequence[OfficialCaller], post: Post, places: Mapping[str, UUID]
) -> MadeOfficial:
    inviting, confirming = administrators
    account = await queries.find_official(post.username)
    if account is not None:
        row = await find_official(inviting, account.id)
        if row.state == "suspended":  # somebody tried that out
            row = await move_official(inviting, row.id, "resume", if_match=compute_etag(row.revision))
        invited = await reset_official(inviting, row.id, if_match=compute_etag(row.revision))
    else:
        institution_id = places[post.place.slug] if post.place else None
        invited = await create_official(
            inviting, username=post.username, roles=post.roles, institution_id=institution_id
        )  # fmt: skip
    made = await _enrol(post, invited)
    enrolled = await find_official(confirming, made.caller.id)
    await confirm_official(confirming, enrolled.id, if_match=compute_etag(enrolled.revision))
    return made


async def _enrol(post: Post, invited: Invitation) -> MadeOfficial:
    """Play the person: take the secret, choose a password, and prove the secret."""
    code, password = invited.enrolment_code, secrets.token_urlsafe(PASSWORD_BYTES)
    opened = await open_enrolment(code, address=ADDRESS)
    try:
        await _prove(code, password, opened.totp_secret)
    except EnrolmentProofWrong:  # the code before the current one became too old just now
        await _prove(code, password, opened.totp_secret)
    row = invited.official
    return MadeOfficial(post, _to_caller(post, row.id, row.institution_id), password, opened.totp_secret)


async def _prove(code: str, password: str, totp_secret: str) -> None:
    """Prove a secret with the code before the current one, which is left for signing in at once."""
    before = time.time() - TOTP_STEP_SECONDS
    await complete_enrolment(code, password, pyotp.TOTP(totp_secret).at(before), address=ADDRESS)


async def _make_place(administrator: OfficialCaller, place: Place, rows: list[PlaceTerminal]) -> MadePlace:
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


async def _find_caller(post: Post) -> OfficialCaller | None:
    row = await queries.find_official(post.username)
    return None if row is None else _to_caller(post, row.id, row.institution_id)


def _to_caller(post: Post, official_id: UUID, institution_id: UUID | None) -> OfficialCaller:
    return OfficialCaller(
        id=official_id, username=post.username, roles=frozenset(post.roles), institution_id=institution_id
    )

"""Makes the city and its officials, and writes and reads the file with their credentials."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import msgspec

from app.campaign.scenario.actions import confirm_proposal, propose_scenario
from app.event.actions import ensure_epoch
from app.kit.clock import now
from app.kit.request.etag import compute_etag
from app.score.book.actions.read import read_current_book
from app.score.book.standard import STANDARD_BOOK
from app.town.people.actions.move_in import describe_citizens, make_people
from app.town.places import queries as places_queries
from app.town.places.actions.campaigns import make_campaigns
from app.town.places.actions.places import (
    MadeOfficial,
    find_administrators,
    give_key,
    make_administrators,
    make_officials,
    make_places,
    make_sources,
)
from app.town.places.places import ADMINISTRATORS, POSTS, RETAIL, RETAIL_CODE, TOUR_POSTS
from app.town.shown import City

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

CITIZENS_DEFAULT = 20_000
CITIZENS_SHOWN = 32
OWNER_ONLY = 0o600


async def make_city(
    *, citizens: int = CITIZENS_DEFAULT, seed: int = 1, moved_in: Callable[[int], object] = bool
) -> City:
    """Make the city and return who is in it, with credentials that are shown this once.

    What is there already stays, and only the credentials are new; so making may be stopped and begun again, and one
    seed after the other makes one city of them all. ``moved_in`` is called with how many more moved in.
    """
    at = now()
    await ensure_epoch()
    async with asyncio.TaskGroup() as tasks:  # institutions are made while people move in
        tasks.create_task(make_people(citizens=citizens, seed=seed, at=at, moved_in=moved_in))
        institutions = tasks.create_task(_make_institutions(at))
    return msgspec.structs.replace(
        institutions.result(), citizens=await describe_citizens(count=min(citizens, CITIZENS_SHOWN), seed=seed)
    )


async def _make_institutions(at: datetime) -> City:
    """Make the institutions with all they have, and the officials: a city with nobody in it yet."""
    administrators = await make_administrators()
    await make_sources()
    administrator = administrators[0].caller
    await _make_scenario(administrators)
    places = await make_places(administrator)
    by_slug = {made.place.slug: made.institution_id for made in places}
    others = [post for post in POSTS if post not in ADMINISTRATORS]
    officials = administrators + await make_officials([made.caller for made in administrators], others, by_slug)
    by_name = {made.post.username: made.caller for made in officials}
    editors = {slug: by_name[f"editor.{slug}"] for slug in by_slug}
    benefits = await make_campaigns(places, editors, by_name["reviewer"], at=at)
    partners = [await give_key(administrator, made) for made in places]
    return City(citizens=[], partners=partners, officials=[made.show() for made in officials], benefits=benefits)


async def _make_scenario(administrators: Sequence[MadeOfficial]) -> None:
    """Make the shops' scenario as two administrators do: one proposes it, the other confirms it."""
    if await places_queries.find_is_scenario(RETAIL_CODE):
        return
    proposer, confirmer = (made.caller for made in administrators)
    proposal_id = await places_queries.find_waiting_scenario(RETAIL_CODE)
    if proposal_id is None:
        proposal_id = (await propose_scenario(proposer, RETAIL)).id
    await confirm_proposal(confirmer, proposal_id, [], if_match=compute_etag(1))


async def make_tour_officials() -> dict[str, MadeOfficial]:
    """Let the tour's own staff enrol, anew where they are there already, and return them by username."""
    await make_sources()  # a city of an earlier version may lack some
    made = await make_officials(await find_administrators(), TOUR_POSTS, {})
    return {official.post.username: official for official in made}


async def is_here(city: City) -> bool:
    """Whether the city that a file describes is the one in this database."""
    return await places_queries.find_is_terminal(city.partners[0].terminal_id)


async def are_rules_as_shipped() -> bool:
    """Whether scores follow the rules whose levels the city's campaigns name, and whose points the tour names."""
    return await read_current_book() == STANDARD_BOOK


def write_city(city: City, path: Path, *, base_url: str) -> None:
    """Write the file that says how to get in, for its owner's eyes."""
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode({"baseUrl": base_url} | msgspec.to_builtins(city))))
    draft.replace(path)


def read_city(path: Path) -> City | None:
    """Return the city the file describes, if there is one."""
    if not path.exists():
        return None
    return msgspec.json.decode(path.read_bytes(), type=City)

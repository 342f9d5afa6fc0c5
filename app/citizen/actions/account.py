"""The room's doors: who is calling, who is a member, whose sessions and codes must die."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from app.citizen.actions.sealing import (
    NAME,
    PHONE,
    compute_id_number_index,
    compute_person_index,
    is_person,
    open_field,
)
from app.citizen.actions.session import AUDIENCE
from app.citizen.paper import mask_phone, parse_id_number
from app.citizen.queries import accounts as accounts_queries
from app.citizen.queries import sessions as sessions_queries
from app.kit.db.group_commit import coalesce
from app.kit.errors import Unauthenticated
from app.kit.security.auth import CitizenCaller, TokenChecker
from app.values.names import clean_name, mask_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import date, datetime
    from uuid import UUID

TOKENS = TokenChecker(AUDIENCE)
KindOfCaller = TypeVar("KindOfCaller", bound=CitizenCaller)


class MatchedCitizen(msgspec.Struct, frozen=True):
    """A member found by name and ID number."""

    id: UUID
    birth_on: date


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """The own account as its citizen sees it; name and phone masked."""

    state: str
    joined_at: datetime | None
    name: str | None
    phone: str | None


async def authenticate(authorization: str | None) -> CitizenCaller:
    """Return the citizen behind an access token; one read, shared by all who wait, sees every revocation."""
    return await authenticate_by(_CALLERS.submit, authorization)


async def authenticate_by(
    find: Callable[[UUID], Awaitable[KindOfCaller | None]], authorization: str | None
) -> KindOfCaller:
    """Return the citizen behind an access token as ``find`` reads them by a session, with whatever else is wanted."""
    claims = TOKENS.check(authorization)
    caller = await find(claims.sid)
    if caller is None or caller.id != claims.sub:
        raise Unauthenticated
    return caller


async def match_people(people: Sequence[tuple[str, str]]) -> list[MatchedCitizen | None]:
    """Return the member behind each (name, ID number), or None; a name that differs is not a match."""
    asked = [_index_of(name, id_number) for name, id_number in people]
    found = await accounts_queries.find_members([number_index for number_index, _ in filter(None, asked)])
    members = {member.id_number_index: member for member in found}
    return [
        MatchedCitizen(member.id, member.birth_on)
        if indexes is not None and (member := members.get(indexes[0])) is not None and is_person(member, indexes[1])
        else None
        for indexes in asked
    ]


async def find_same_names(people: Sequence[tuple[UUID, bytes]]) -> set[tuple[UUID, bytes]]:
    """Return those members who have the name of a blind index beside theirs, whenever their own index was made."""
    found = await accounts_queries.find_members_by_id(list({one for one, _ in people}))
    members = {member.id: member for member in found}
    return {(one, index) for one, index in set(people) if one in members and is_person(members[one], index)}


async def revoke_sessions(citizen_id: UUID, *, because: str, at: datetime) -> None:
    """End every session of a citizen, inside the caller's transaction."""
    await sessions_queries.mark_sessions_revoked(citizen_id, because=because, at=at)


async def raise_code_generation(citizen_id: UUID) -> None:
    """Kill every credit code a citizen has shown, inside the caller's transaction."""
    await accounts_queries.mark_generation_raised(citizen_id)


async def read_profile(citizen_id: UUID) -> Profile:
    """Return the own account for its citizen to read."""
    sealed = await accounts_queries.find_profile(citizen_id)
    if sealed is None:
        raise Unauthenticated
    name, phone = open_field(sealed.name_cipher, NAME, citizen_id), open_field(sealed.phone_cipher, PHONE, citizen_id)
    return Profile(
        state=sealed.state,
        joined_at=sealed.joined_at,
        name=mask_name(name) if name else None,
        phone=mask_phone(phone) if phone else None,
    )


async def _find_callers(session_ids: list[UUID]) -> list[CitizenCaller | None]:
    callers = {caller.session_id: caller for caller in await accounts_queries.find_callers(session_ids)}
    return [callers.get(session_id) for session_id in session_ids]


def _index_of(name: str, id_number: str) -> tuple[bytes, bytes] | None:
    """Return the blind indexes of an ID number, and of name and number together."""
    cleaned, parsed = clean_name(name), parse_id_number(id_number)
    if cleaned is None or parsed is None:
        return None
    return compute_id_number_index(parsed.number), compute_person_index(cleaned, parsed.number)


_CALLERS = coalesce(_find_callers)

"""SQL that finds whose the rows of a chunk are."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from app.kit.db.database import fetch_one

INDEX_BYTES = 32  # a blind index is an HMAC-SHA256


class MemberPlaces(msgspec.Struct, frozen=True):
    """Which of the people asked for are members, who, and whether the name is theirs too."""

    places: list[int]
    citizen_ids: list[UUID]
    fits: list[bool]


async def find_members(id_number_indexes: Sequence[bytes], person_indexes: Sequence[bytes]) -> MemberPlaces:
    """Find the members among people, given by the blind indexes of ID number, and of name and ID number.

    The indexes are sent end to end: as arrays asyncpg would encode them one by one.
    """
    found = await fetch_one(
        MemberPlaces,
        """
        SELECT coalesce(array_agg(given.place), '{}') AS places,
               coalesce(array_agg(c.id), '{}') AS citizen_ids,
               coalesce(array_agg(c.person_index = substring($2::bytea FROM $3 * given.place + 1 FOR $3)), '{}') AS fits
          FROM generate_series(0, length($1::bytea) / $3::integer - 1) AS given (place)
          JOIN citizen c ON c.id_number_index = substring($1 FROM $3 * given.place + 1 FOR $3)
         WHERE c.state IN ('active', 'frozen')
        """,
        b"".join(id_number_indexes),
        b"".join(person_indexes),
        INDEX_BYTES,
    )
    assert found is not None, "an aggregate has one row"
    return found

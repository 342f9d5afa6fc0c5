"""SQL for accounts and their identity binding: one function, one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from app.citizen.tables import LIVE_CALLER, LIVE_SESSIONS
from app.kit.db.database import execute, fetch_all, fetch_one, fetch_value
from app.kit.security.auth import CitizenCaller


class AccountRow(msgspec.Struct, frozen=True):
    """An account and what became of it."""

    id: UUID
    state: str


class MembershipRow(msgspec.Struct, frozen=True):
    """When a member was born, and since when they are one."""

    birth_on: date
    joined_at: datetime


class BoundRow(msgspec.Struct, frozen=True):
    """An account with the parts of its binding that joining, moving and leaving need."""

    id: UUID
    state: str
    openid_index: bytes | None
    openid_cipher: bytes | None
    id_number_index: bytes | None
    id_number_cipher: bytes | None
    cap_holder_id: UUID | None
    joined_at: datetime | None


class ProfileRow(msgspec.Struct, frozen=True):
    """What a citizen sees of the own account."""

    state: str
    joined_at: datetime | None
    name_cipher: bytes | None
    phone_cipher: bytes | None


class SealedFields(msgspec.Struct, frozen=True):
    """What is needed to say who a member is."""

    name_cipher: bytes
    id_number_cipher: bytes
    phone_cipher: bytes


class ContactRow(msgspec.Struct, frozen=True):
    """Where a citizen's messages go."""

    id: UUID
    openid_cipher: bytes | None
    phone_cipher: bytes | None


class SealedName(msgspec.Struct, frozen=True, kw_only=True):
    """A member found by ID number, with what the name is compared by."""

    id: UUID
    birth_on: date
    id_number_index: bytes
    id_number_cipher: bytes
    person_index: bytes
    name_cipher: bytes


class SealedPerson(msgspec.Struct, frozen=True, kw_only=True):
    """A verified person as stored: cipher texts, blind indexes, and the two plain columns."""

    id_number_index: bytes
    id_number_cipher: bytes
    person_index: bytes
    name_cipher: bytes
    phone_index: bytes
    phone_cipher: bytes
    birth_on: date
    district: str | None


SEALED_NAME = "SELECT id, birth_on, id_number_index, id_number_cipher, person_index, name_cipher FROM citizen"
OF_MEMBERS = "AND state IN ('active', 'frozen')"


async def find_callers(session_ids: Sequence[UUID]) -> list[CitizenCaller]:
    """Return the live sessions among these, with the citizens they belong to."""
    return await fetch_all(
        CitizenCaller,
        f"SELECT {LIVE_CALLER} FROM {LIVE_SESSIONS} WHERE s.id = ANY($1)",
        session_ids,
    )


async def find_account_by_openid(openid_index: bytes) -> AccountRow | None:
    """Find whose openid this is."""
    return await fetch_one(AccountRow, "SELECT id, state FROM citizen WHERE openid_index = $1", openid_index)


async def find_openid_index(citizen_id: UUID) -> bytes | None:
    """Find the index of the openid an account belongs to; None for one that has ended."""
    found: bytes | None = await fetch_value("SELECT openid_index FROM citizen WHERE id = $1", citizen_id)
    return found


async def insert_account(
    *, citizen_id: UUID, account_number: int, openid_index: bytes, openid_cipher: bytes, at: datetime
) -> AccountRow | None:
    """Store a new account; None when the openid or the account number is taken by now."""
    return await fetch_one(
        AccountRow,
        """
        INSERT INTO citizen (id, account_number, state, openid_index, openid_cipher, created_at)
        VALUES ($1, $2, 'new', $3, $4, $5)
        ON CONFLICT DO NOTHING RETURNING id, state
        """,
        citizen_id,
        account_number,
        openid_index,
        openid_cipher,
        at,
    )


async def find_bound_for_update(citizen_ids: Sequence[UUID]) -> list[BoundRow]:
    """Lock accounts in id order and return them."""
    return await fetch_all(
        BoundRow,
        """
        SELECT id, state, openid_index, openid_cipher, id_number_index, id_number_cipher, cap_holder_id, joined_at
          FROM citizen WHERE id = ANY($1) ORDER BY id FOR UPDATE
        """,
        citizen_ids,
    )


async def lock_person(key: int) -> None:
    """Let one transaction at a time join, move or leave under one ID number."""
    await execute("SELECT pg_advisory_xact_lock($1)", key)


async def find_holder(id_number_index: bytes) -> UUID | None:
    """Find the account an ID number is bound to."""
    found: UUID | None = await fetch_value("SELECT id FROM citizen WHERE id_number_index = $1", id_number_index)
    return found


async def find_membership(citizen_id: UUID) -> MembershipRow | None:
    """Return since when somebody is a member, and when they were born; None who is none."""
    return await fetch_one(
        MembershipRow,
        "SELECT birth_on, joined_at FROM citizen WHERE id = $1 AND birth_on IS NOT NULL",
        citizen_id,
    )


async def mark_active(citizen_id: UUID, person: SealedPerson, *, cap_holder_id: UUID, at: datetime) -> bool:
    """Bind a person to a new account; False when the ID number is bound to another one."""
    return bool(
        await execute(
            """
            UPDATE citizen SET state = 'active', joined_at = $3, cap_holder_id = $2,
                   id_number_index = $4, id_number_cipher = $5, person_index = $6, name_cipher = $7,
                   phone_index = $8, phone_cipher = $9, birth_on = $10, district = $11
             WHERE id = $1 AND state = 'new' AND NOT EXISTS (SELECT FROM citizen WHERE id_number_index = $4)
            """,
            citizen_id,
            cap_holder_id,
            at,
            *msgspec.structs.astuple(person),
        )
    )


async def mark_moved(citizen_id: UUID, person: SealedPerson, *, openid_index: bytes, openid_cipher: bytes) -> None:
    """Give a member a new openid, and the name and phone that were verified with it."""
    await execute(
        """
        UPDATE citizen SET openid_index = $2, openid_cipher = $3,
               person_index = $4, name_cipher = $5, phone_index = $6, phone_cipher = $7
         WHERE id = $1
        """,
        citizen_id,
        openid_index,
        openid_cipher,
        person.person_index,
        person.name_cipher,
        person.phone_index,
        person.phone_cipher,
    )


async def mark_left(citizen_id: UUID, at: datetime) -> None:
    """Forget everything personal of an account, and kill its codes."""
    await execute(
        """
        UPDATE citizen SET state = 'left', left_at = $2, code_generation = code_generation + 1,
               openid_index = NULL, openid_cipher = NULL, id_number_index = NULL, id_number_cipher = NULL,
               person_index = NULL, name_cipher = NULL, phone_index = NULL, phone_cipher = NULL,
               birth_on = NULL, district = NULL, cap_holder_id = NULL
         WHERE id = $1
        """,
        citizen_id,
        at,
    )


async def mark_generation_raised(citizen_id: UUID) -> None:
    """Move to the next code generation."""
    await execute("UPDATE citizen SET code_generation = code_generation + 1 WHERE id = $1", citizen_id)


async def find_profile(citizen_id: UUID) -> ProfileRow | None:
    """Return what a citizen sees of the own account."""
    return await fetch_one(
        ProfileRow, "SELECT state, joined_at, name_cipher, phone_cipher FROM citizen WHERE id = $1", citizen_id
    )


async def find_sealed_fields(citizen_id: UUID) -> SealedFields | None:
    """Return who a member is, as it is stored; None for who has left or never joined."""
    return await fetch_one(
        SealedFields,
        """
        SELECT name_cipher, id_number_cipher, phone_cipher FROM citizen
        WHERE id = $1 AND num_nulls(name_cipher, id_number_cipher, phone_cipher) = 0
        """,
        citizen_id,
    )


async def find_sealed_names(id_number_indexes: Sequence[bytes]) -> list[SealedName]:
    """Return the members among those who have these ID numbers."""
    return await fetch_all(SealedName, f"{SEALED_NAME} WHERE id_number_index = ANY($1) {OF_MEMBERS}", id_number_indexes)


async def find_sealed_names_by_id(citizen_ids: Sequence[UUID]) -> list[SealedName]:
    """Return the members among these accounts."""
    return await fetch_all(SealedName, f"{SEALED_NAME} WHERE id = ANY($1) {OF_MEMBERS}", citizen_ids)


async def find_contacts(citizen_ids: Sequence[UUID]) -> list[ContactRow]:
    """Return where the messages of those go who have not left."""
    return await fetch_all(
        ContactRow,
        "SELECT id, openid_cipher, phone_cipher FROM citizen WHERE id = ANY($1) AND state <> 'left'",
        citizen_ids,
    )

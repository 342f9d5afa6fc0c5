"""SQL for accounts and their identity binding: one function, one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from app.citizen.tables import LIVE_CALLER, LIVE_SESSIONS, Citizen
from app.kit.db.database import execute, fetch_all, fetch_one
from app.kit.db.rows import fetch_field, fetch_row, run, select
from app.kit.security.auth import CitizenCaller


class Account(msgspec.Struct, frozen=True):
    """An account and what became of it."""

    id: UUID
    state: str


class Membership(msgspec.Struct, frozen=True):
    """When a member was born, and since when they are one."""

    birth_on: date
    joined_at: datetime


class BoundAccount(Account, frozen=True):
    """An account with the parts of its binding that joining, moving and leaving need."""

    openid_index: bytes | None
    openid_cipher: bytes | None
    id_number_index: bytes | None
    id_number_cipher: bytes | None
    cap_holder_id: UUID | None
    joined_at: datetime | None


class SealedProfile(msgspec.Struct, frozen=True):
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


class SealedContact(msgspec.Struct, frozen=True):
    """Where a citizen's messages go."""

    id: UUID
    openid_cipher: bytes | None
    phone_cipher: bytes | None


class SealedName(msgspec.Struct, frozen=True, kw_only=True):
    """What a name and an ID number are compared by."""

    id_number_index: bytes
    id_number_cipher: bytes
    person_index: bytes
    name_cipher: bytes
    birth_on: date


class SealedMember(SealedName, frozen=True, kw_only=True):
    """A member who was looked for by ID number or id."""

    id: UUID


class SealedPerson(SealedName, frozen=True, kw_only=True):
    """A verified person as stored: cipher texts, blind indexes, and the two plain columns."""

    phone_index: bytes
    phone_cipher: bytes
    district: str | None


MEMBERS = "SELECT id, birth_on, id_number_index, id_number_cipher, person_index, name_cipher FROM citizen"
ARE_MEMBERS = "AND state IN ('active', 'frozen')"


async def find_callers(session_ids: Sequence[UUID]) -> list[CitizenCaller]:
    """Return the live sessions among these, with the citizens they belong to."""
    return await fetch_all(
        CitizenCaller,
        f"SELECT {LIVE_CALLER} FROM {LIVE_SESSIONS} WHERE s.id = ANY($1)",
        session_ids,
    )


async def find_account_by_openid(openid_index: bytes) -> Account | None:
    """Find whose openid this is."""
    return await fetch_one(Account, "SELECT id, state FROM citizen WHERE openid_index = $1", openid_index)


async def find_openid_index(citizen_id: UUID) -> bytes | None:
    """Find the index of the openid an account belongs to; None for one that has ended."""
    found: bytes | None = await fetch_field(Citizen.select(Citizen.openid_index).where(Citizen.id == citizen_id))
    return found


async def insert_account(
    *, citizen_id: UUID, account_number: int, openid_index: bytes, openid_cipher: bytes, at: datetime
) -> Account | None:
    """Store a new account; None when the openid or the account number is taken by now."""
    return await fetch_one(
        Account,
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


async def find_bound_for_update(citizen_ids: Sequence[UUID]) -> list[BoundAccount]:
    """Lock accounts in id order and return them."""
    return await fetch_all(
        BoundAccount,
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
    found: UUID | None = await fetch_field(Citizen.select(Citizen.id).where(Citizen.id_number_index == id_number_index))
    return found


async def find_membership(citizen_id: UUID) -> Membership | None:
    """Return since when somebody is a member, and when they were born; None who is none."""
    membership = select(Citizen, Membership).where((Citizen.id == citizen_id) & Citizen.birth_on.is_not_null())
    return await fetch_row(Membership, membership)


async def mark_active(citizen_id: UUID, person: SealedPerson, *, cap_holder_id: UUID, at: datetime) -> bool:
    """Bind a person to a new account; False when the ID number is bound to another one."""
    return bool(
        await execute(
            """
            UPDATE citizen SET state = 'active', joined_at = $3, cap_holder_id = $2,
                   id_number_index = $4, id_number_cipher = $5, person_index = $6, name_cipher = $7, birth_on = $8,
                   phone_index = $9, phone_cipher = $10, district = $11
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
    raised = Citizen.update({Citizen.code_generation: Citizen.code_generation + 1})
    await run(raised.where(Citizen.id == citizen_id))


async def find_profile(citizen_id: UUID) -> SealedProfile | None:
    """Return what a citizen sees of the own account."""
    return await fetch_row(SealedProfile, select(Citizen, SealedProfile).where(Citizen.id == citizen_id))


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


async def find_members(id_number_indexes: Sequence[bytes]) -> list[SealedMember]:
    """Return the members among those who have these ID numbers."""
    return await fetch_all(SealedMember, f"{MEMBERS} WHERE id_number_index = ANY($1) {ARE_MEMBERS}", id_number_indexes)


async def find_members_by_id(citizen_ids: Sequence[UUID]) -> list[SealedMember]:
    """Return the members among these accounts."""
    return await fetch_all(SealedMember, f"{MEMBERS} WHERE id = ANY($1) {ARE_MEMBERS}", citizen_ids)


async def find_contacts(citizen_ids: Sequence[UUID]) -> list[SealedContact]:
    """Return where the messages of those go who have not left."""
    return await fetch_all(
        SealedContact,
        "SELECT id, openid_cipher, phone_cipher FROM citizen WHERE id = ANY($1) AND state <> 'left'",
        citizen_ids,
    )

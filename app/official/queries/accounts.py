"""SQL of staff accounts and their enrolment."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from app.kit.db.database import execute, fetch_all, fetch_one
from app.kit.db.rows import fetch_field, run
from app.official import tables
from app.official.moves import State
from app.partner.tables import Institution
from app.values.roles import Role


class Official(msgspec.Struct, frozen=True, kw_only=True):
    """A staff member as a list shows them; ``asked_by`` holds the code of the enrolment (None: the command line)."""

    id: UUID
    username: str
    institution_id: UUID | None
    roles: list[Role]
    state: State
    created_at: datetime
    revision: int = 1
    suspended_by_centre: bool = False
    needs_second: bool = False
    asked_by: UUID | None = None
    enrolment_expires_at: datetime | None = None
    enrolled_at: datetime | None = None
    confirmed_by: UUID | None = None


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """An account whose enrolment code is out, with the TOTP secret given for it last."""

    id: UUID
    username: str
    totp_cipher: bytes | None
    needs_second: bool
    expires_at: datetime


COLUMNS = """
    id, username, institution_id, roles, state, created_at, revision, needs_second, asked_by, enrolment_expires_at,
    enrolled_at, confirmed_by, state = 'suspended' AND suspended_by_centre AS suspended_by_centre"""


async def insert_official(row: Official, enrolment_hash: bytes) -> bool:
    """Store a staff member who is invited; False when the username is taken."""
    return bool(
        await execute(
            """
            INSERT INTO official (id, username, institution_id, roles, state, created_at, needs_second, asked_by,
                                  enrolment_hash, enrolment_expires_at)
            VALUES ($1, $2, $3, $4, 'invited', $5, $6, $7, $8, $9) ON CONFLICT (username) DO NOTHING
            """,
            row.id, row.username, row.institution_id, row.roles, row.created_at, row.needs_second, row.asked_by,
            enrolment_hash, row.enrolment_expires_at,
        )
    )  # fmt: skip


async def find_official(official_id: UUID) -> Official | None:
    """Find a staff member."""
    return await fetch_one(Official, f"SELECT {COLUMNS} FROM official WHERE id = $1", official_id)


async def find_official_by_name(username: str) -> Official | None:
    """Find a staff member by username."""
    return await fetch_one(Official, f"SELECT {COLUMNS} FROM official WHERE username = $1", username)


async def find_official_for_update(official_id: UUID) -> Official | None:
    """Find a staff member and keep others from changing them."""
    return await fetch_one(Official, f"SELECT {COLUMNS} FROM official WHERE id = $1 FOR UPDATE", official_id)


async def list_officials(institution_id: UUID | None, after: UUID | None, limit: int) -> list[Official]:
    """Return ``limit`` + 1 staff members after an id; of one institution, or with None of all and the centre."""
    return await fetch_all(
        Official,
        f"SELECT {COLUMNS} FROM official"
        " WHERE ($1::uuid IS NULL OR institution_id = $1) AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
        institution_id, after, limit + 1,
    )  # fmt: skip


async def mark_moved(official_id: UUID, state: State, *, revision: int, by_centre: bool) -> bool:
    """Suspend or resume an account and let its tokens die; False when its revision is another.

    ``by_centre`` says whether the centre does it; without it a suspension of the centre's is in the way.
    """
    return bool(
        await execute(
            """
            UPDATE official SET state = $2, suspended_by_centre = $4 AND $2 = 'suspended', revision = revision + 1,
                                token_generation = token_generation + 1
             WHERE id = $1 AND revision = $3 AND state IN ('active', 'suspended')
               AND ($4 OR state = 'active' OR NOT suspended_by_centre)
            """,
            official_id, state, revision, by_centre,
        )
    )  # fmt: skip


async def mark_reset(
    official_id: UUID, *, revision: int, enrolment_hash: bytes, expires_at: datetime, asked_by: UUID | None,
    needs_second: bool,
) -> bool:  # fmt: skip
    """Forget an account's credentials and have a new code out; False when its revision is another.

    Tokens die, and so does a code that is out and a confirmation that was given.
    """
    return bool(
        await execute(
            """
            UPDATE official
               SET state = 'invited', password_hash = NULL, totp_cipher = NULL, totp_last_step = 0, code_tries = 0,
                   code_tries_since = NULL, enrolment_hash = $3, enrolment_expires_at = $4, asked_by = $5,
                   needs_second = $6, enrolled_at = NULL, confirmed_by = NULL, revision = revision + 1,
                   token_generation = token_generation + 1
             WHERE id = $1 AND revision = $2 AND state <> 'suspended'
            """,
            official_id, revision, enrolment_hash, expires_at, asked_by, needs_second,
        )
    )  # fmt: skip


async def mark_confirmed(official_id: UUID, *, revision: int, by: UUID) -> bool:
    """Let an enrolment count; False when the account's revision is another, or ``by`` is no second person."""
    return bool(
        await execute(
            """
            UPDATE official SET state = 'active', confirmed_by = $3, revision = revision + 1
             WHERE id = $1 AND revision = $2 AND state = 'enrolled' AND id <> $3 AND asked_by IS DISTINCT FROM $3
            """,
            official_id, revision, by,
        )
    )  # fmt: skip


async def find_enrolment(enrolment_hash: bytes, at: datetime) -> Enrolment | None:
    """Find the account a code is out for that has not expired."""
    return await fetch_one(
        Enrolment,
        """
        SELECT id, username, totp_cipher, needs_second, enrolment_expires_at AS expires_at FROM official
         WHERE enrolment_hash = $1 AND state = 'invited' AND enrolment_expires_at > $2
        """,
        enrolment_hash, at,
    )  # fmt: skip


async def mark_secret_given(official_id: UUID, enrolment_hash: bytes, totp_cipher: bytes) -> bool:
    """Store the TOTP secret that was just given; the one given before is worth nothing from now on."""
    official = tables.Official
    is_invited = (official.enrolment_hash == enrolment_hash) & (official.state == "invited")
    given = official.update({official.totp_cipher: totp_cipher}).where((official.id == official_id) & is_invited)
    return bool(await run(given))


async def mark_enrolled(
    official_id: UUID, *, enrolment_hash: bytes, totp_cipher: bytes, password_hash: str, step: int, at: datetime
) -> bool:
    """Take a password and the secret that was proved, once; False when the code or the secret is another by now.

    The account is active at once when it needs no second administrator.
    """
    return bool(
        await execute(
            """
            UPDATE official
               SET state = CASE WHEN needs_second THEN 'enrolled' ELSE 'active' END, password_hash = $4,
                   totp_last_step = $5, enrolled_at = $6, enrolment_hash = NULL, enrolment_expires_at = NULL,
                   revision = revision + 1
             WHERE id = $1 AND enrolment_hash = $2 AND totp_cipher = $3 AND state = 'invited'
               AND enrolment_expires_at > $6
            """,
            official_id, enrolment_hash, totp_cipher, password_hash, step, at,
        )
    )  # fmt: skip


async def find_institution(institution_id: UUID) -> UUID | None:
    """Return the id of an institution, if there is one of that id."""
    found: UUID | None = await fetch_field(Institution.select(Institution.id).where(Institution.id == institution_id))
    return found

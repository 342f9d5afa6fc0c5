"""SQL of staff accounts and of the audit chain."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from app.kit.auth import Role
from app.kit.database import execute, fetch_all, fetch_one, fetch_value
from app.official.rules import MOVES, Move, State


class OfficialRow(msgspec.Struct, frozen=True, kw_only=True):
    """A staff member as a list shows them."""

    id: UUID
    username: str
    institution_id: UUID | None
    roles: list[Role]
    state: State
    locked_until: datetime | None
    created_at: datetime

    @property
    def allowed_actions(self) -> list[Move]:
        """What may be done with it in its state."""
        return list(MOVES[self.state])


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a sign-in is checked against."""

    id: UUID
    password_hash: str
    totp_cipher: bytes


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Who an official is right now, for a token; active only while the institution is."""

    id: UUID
    username: str
    institution_id: UUID | None
    institution_name: str | None
    roles: list[Role]
    is_active: bool
    token_generation: int


class AuditEntryRow(msgspec.Struct, frozen=True):
    """An entry of the audit chain; ``detail`` is JSON text."""

    number: int
    at: datetime
    actor_id: UUID | None
    actor: str
    action: str
    subject: str
    detail: str
    hash: bytes


COLUMNS = "id, username, institution_id, roles, state, locked_until, created_at"


async def find_account(official_id: UUID) -> Account | None:
    """Find who an official is right now."""
    return await fetch_one(
        Account,
        """
        SELECT o.id, o.username, o.institution_id, i.name AS institution_name, o.roles, o.token_generation,
               o.state = 'active' AND coalesce(i.state, 'active') = 'active' AS is_active
          FROM official o LEFT JOIN institution i ON i.id = o.institution_id
         WHERE o.id = $1
        """,
        official_id,
    )


async def take_try(username: str, tries_max: int, lock: timedelta, at: datetime) -> Credentials | None:
    """Use up one try of an account before its password is looked at, and return what to check; None: there is none.

    Counted here and not after a failure, so that parallel tries cannot exceed the limit. The last one locks the
    account, which a success undoes; when the lock is over, counting begins anew.
    """
    return await fetch_one(
        Credentials,
        """
        UPDATE official o
           SET failed_tries = CASE WHEN o.locked_until IS NULL THEN o.failed_tries ELSE 0 END + 1,
               locked_until = CASE WHEN CASE WHEN o.locked_until IS NULL THEN o.failed_tries ELSE 0 END + 1 >= $2
                                   THEN $4::timestamptz + $3::interval END
         WHERE o.username = $1 AND o.state = 'active' AND (o.locked_until IS NULL OR o.locked_until <= $4)
           AND NOT EXISTS (SELECT FROM institution i WHERE i.id = o.institution_id AND i.state <> 'active')
        RETURNING o.id, o.password_hash, o.totp_cipher
        """,
        username, tries_max, lock, at,
    )  # fmt: skip


async def mark_signed_in(official_id: UUID, password_hash: str, step: int) -> bool:
    """Accept a sign-in and forget failed tries; False when this code was used, or the account was reset meanwhile."""
    return bool(
        await execute(
            """
            UPDATE official SET totp_last_step = $3, failed_tries = 0, locked_until = NULL
             WHERE id = $1 AND password_hash = $2 AND totp_last_step < $3 AND state = 'active'
            """,
            official_id, password_hash, step,
        )
    )  # fmt: skip


async def insert_official(row: OfficialRow, password_hash: str, totp_cipher: bytes) -> bool:
    """Store a staff member; False when the username is taken."""
    return bool(
        await execute(
            """
            INSERT INTO official (id, username, institution_id, roles, state, password_hash, totp_cipher, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (username) DO NOTHING
            """,
            row.id, row.username, row.institution_id, row.roles, row.state, password_hash, totp_cipher, row.created_at,
        )
    )  # fmt: skip


async def find_official_for_update(official_id: UUID) -> OfficialRow | None:
    """Find a staff member and keep others from changing them."""
    return await fetch_one(
        OfficialRow,
        f"SELECT {COLUMNS} FROM official WHERE id = $1 FOR NO KEY UPDATE",
        official_id,
    )


async def list_officials(institution_id: UUID | None, after: UUID | None, limit: int) -> list[OfficialRow]:
    """Return ``limit`` + 1 staff members after an id; of one institution, or with None of all and the centre."""
    return await fetch_all(
        OfficialRow,
        f"SELECT {COLUMNS} FROM official"
        " WHERE ($1::uuid IS NULL OR institution_id = $1) AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
        institution_id, after, limit + 1,
    )  # fmt: skip


async def mark_state(official_id: UUID, state: State) -> None:
    """Suspend or resume a staff member; tokens given before die either way."""
    await execute(
        "UPDATE official SET state = $2, token_generation = token_generation + 1 WHERE id = $1", official_id, state
    )


async def mark_reset(official_id: UUID, password_hash: str, totp_cipher: bytes) -> None:
    """Give new credentials, unlock the account and let its tokens die."""
    await execute(
        """
        UPDATE official
           SET password_hash = $2, totp_cipher = $3, totp_last_step = 0, failed_tries = 0, locked_until = NULL,
               token_generation = token_generation + 1
         WHERE id = $1
        """,
        official_id,
        password_hash,
        totp_cipher,
    )


async def mark_signed_out(official_id: UUID) -> None:
    """Let every token of an official die."""
    await execute("UPDATE official SET token_generation = token_generation + 1 WHERE id = $1", official_id)


async def count_institutions(institution_id: UUID) -> int:
    """How many institutions have this id: one or none."""
    return int(await fetch_value("SELECT count(*) FROM institution WHERE id = $1", institution_id))


async def list_audit_entries(before: int | None, limit: int) -> list[AuditEntryRow]:
    """Return ``limit`` + 1 entries of the audit chain, the newest first, before a number."""
    return await fetch_all(
        AuditEntryRow,
        """
        SELECT number, at, actor_id, actor, action, subject, detail, hash FROM audit_entry
         WHERE $1::bigint IS NULL OR number < $1 ORDER BY number DESC LIMIT $2
        """,
        before,
        limit + 1,
    )

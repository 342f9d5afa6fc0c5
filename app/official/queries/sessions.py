"""SQL of signing in: who an official is, what a try is checked against, and where they signed in from before."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from app.kit.db.database import execute, fetch_one
from app.kit.db.rows import run
from app.official import tables
from app.values.roles import Role


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a sign-in is checked against; ``is_familiar`` says whether they signed in from this address before."""

    id: UUID
    password_hash: str
    totp_cipher: bytes
    is_familiar: bool


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Who an official is right now, for a token; active only while the institution is."""

    id: UUID
    username: str
    institution_id: UUID | None
    institution_name: str | None
    roles: list[Role]
    is_active: bool
    token_generation: int


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


async def find_credentials(username: str, address_hash: bytes, familiar_since: datetime) -> Credentials | None:
    """Find what a sign-in is checked against; None when nobody of that name may sign in."""
    return await fetch_one(
        Credentials,
        """
        SELECT o.id, o.password_hash, o.totp_cipher,
               EXISTS (SELECT FROM official_address a
                        WHERE a.official_id = o.id AND a.address_hash = $2 AND a.seen_at > $3) AS is_familiar
          FROM official o
         WHERE o.username = $1 AND o.state = 'active'
           AND NOT EXISTS (SELECT FROM institution i WHERE i.id = o.institution_id AND i.state <> 'active')
        """,
        username, address_hash, familiar_since,
    )  # fmt: skip


async def take_code_try(
    official_id: UUID, password_hash: str, address_hash: bytes | None, *, tries_max: int, since: datetime, at: datetime
) -> bool:
    """Use up one of the tries at a code that the right password has ``since``; False when there is none left.

    Counted here and not after a failure, so that parallel tries cannot exceed the limit. An address the official signed
    in from before has tries of its own; ``address_hash`` None is everywhere else.
    """
    source = "official t" if address_hash is None else "official_address t"
    place = "t.id = $1" if address_hash is None else "t.official_id = $1 AND t.address_hash = $6"
    return bool(
        await execute(
            f"""
            UPDATE {source}
               SET code_tries = CASE WHEN t.code_tries_since > $4 THEN t.code_tries ELSE 0 END + 1,
                   code_tries_since = CASE WHEN t.code_tries_since > $4 THEN t.code_tries_since ELSE $5 END
             WHERE {place} AND EXISTS (SELECT FROM official o WHERE o.id = $1 AND o.password_hash = $2)
               AND (t.code_tries < $3 OR t.code_tries_since IS NULL OR t.code_tries_since <= $4)
            """,
            official_id, password_hash, tries_max, since, at, *(() if address_hash is None else (address_hash,)),
        )
    )  # fmt: skip


async def mark_signed_in(official_id: UUID, password_hash: str, step: int, address_hash: bytes | None) -> bool:
    """Accept a sign-in and give its try back; False when this code was used, or the account was reset meanwhile.

    Wrong tries count until their window is over: otherwise every sign-in of the official would hand new tries to
    somebody else who has the password.
    """
    accepted = await execute(
        """
        UPDATE official SET totp_last_step = $3, code_tries = greatest(code_tries - $4, 0)
         WHERE id = $1 AND password_hash = $2 AND totp_last_step < $3 AND state = 'active'
        """,
        official_id, password_hash, step, 1 if address_hash is None else 0,
    )  # fmt: skip
    if accepted and address_hash is not None:
        await execute(
            """
            UPDATE official_address SET code_tries = greatest(code_tries - 1, 0)
             WHERE official_id = $1 AND address_hash = $2
            """,
            official_id, address_hash,
        )  # fmt: skip
    return bool(accepted)


async def insert_address(official_id: UUID, address_hash: bytes, *, newest_max: int, at: datetime) -> None:
    """Remember where an official signed in from, and forget all but the ``newest_max`` newest."""
    await execute(
        """
        INSERT INTO official_address (official_id, address_hash, seen_at) VALUES ($1, $2, $3)
        ON CONFLICT (official_id, address_hash) DO UPDATE SET seen_at = excluded.seen_at
        """,
        official_id, address_hash, at,
    )  # fmt: skip
    await execute(
        """
        DELETE FROM official_address WHERE official_id = $1 AND address_hash NOT IN (
            SELECT address_hash FROM official_address WHERE official_id = $1
             ORDER BY seen_at DESC, address_hash LIMIT $2)
        """,
        official_id, newest_max,
    )  # fmt: skip


async def mark_signed_out(official_id: UUID) -> None:
    """Let every token of an official die."""
    official = tables.Official
    raised = official.update({official.token_generation: official.token_generation + 1})
    await run(raised.where(official.id == official_id))


async def delete_addresses(official_id: UUID) -> None:
    """Forget where an official signed in from."""
    await run(tables.OfficialAddress.delete().where(tables.OfficialAddress.official_id == official_id))

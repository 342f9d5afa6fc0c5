"""SQL of API keys as officials see them, and of when they were last used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from app.kit.db.database import execute, fetch_all, fetch_one, fetch_value
from app.partner.directory import compute_key_prefix
from app.partner.queries.places import STANDING, Managed
from app.values.roles import Scope


class Key(Managed, frozen=True, kw_only=True):
    """A key as officials see it, without its hash; ``store_ids`` None: every store."""

    institution_id: UUID
    scopes: list[Scope]
    store_ids: list[UUID] | None
    expires_at: datetime
    last_used_at: datetime | None = None

    @property
    def prefix(self) -> str:
        """The part of the key that may be shown again."""
        return compute_key_prefix(self.id)


KEYS = f"""
    SELECT k.id, k.institution_id, k.name, k.scopes, k.store_ids, k.state, k.created_at, k.expires_at, k.last_used_at,
           {STANDING}
      FROM api_key k LEFT JOIN standing n ON n.subject_id = k.id"""


async def insert_key(row: Key, secret_hash: bytes) -> None:
    """Store a key by its hash."""
    await execute(
        "INSERT INTO api_key (id, institution_id, name, secret_hash, scopes, store_ids, state, created_at, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        row.id, row.institution_id, row.name, secret_hash, row.scopes, row.store_ids, row.state, row.created_at,
        row.expires_at,
    )  # fmt: skip


async def find_key(institution_id: UUID, key_id: UUID) -> Key | None:
    """Find a key of an institution."""
    return await fetch_one(
        Key,
        f"{KEYS} WHERE k.institution_id = $1 AND k.id = $2",
        institution_id, key_id,
    )  # fmt: skip


async def list_keys(institution_id: UUID, after: UUID | None, limit: int) -> list[Key]:
    """Return ``limit`` + 1 keys of an institution after an id."""
    return await fetch_all(
        Key,
        f"{KEYS} WHERE k.institution_id = $1 AND ($2::uuid IS NULL OR k.id > $2) ORDER BY k.id LIMIT $3",
        institution_id, after, limit + 1,
    )  # fmt: skip


async def count_stores_of(institution_id: UUID, store_ids: Sequence[UUID]) -> int:
    """How many of these are stores of the institution."""
    return int(
        await fetch_value(
            "SELECT count(*) FROM store WHERE institution_id = $1 AND id = ANY($2)", institution_id, store_ids
        )
    )


async def mark_key_expiring(key_id: UUID, at: datetime) -> None:
    """Let a key expire at ``at``, or when it would anyway if that is sooner."""
    await execute("UPDATE api_key SET expires_at = least(expires_at, $2) WHERE id = $1", key_id, at)


async def mark_key_revised(key_id: UUID) -> None:
    """Raise the revision of a key that was changed without being suspended or resumed."""
    await execute(
        """
        INSERT INTO standing (subject_id, revision, suspended_by_centre) VALUES ($1, 2, false)
        ON CONFLICT (subject_id) DO UPDATE SET revision = standing.revision + 1
        """,
        key_id,
    )


async def mark_keys_used(uses: Mapping[UUID, datetime]) -> None:
    """Note when keys were last used; locks in id order, because every process does this each minute."""
    await execute(
        """
        WITH seen AS (SELECT * FROM unnest($1::uuid[], $2::timestamptz[]) AS seen (id, at)),
             held AS MATERIALIZED (
                SELECT k.id, seen.at FROM api_key k JOIN seen USING (id) ORDER BY k.id FOR NO KEY UPDATE OF k)
        UPDATE api_key k SET last_used_at = greatest(k.last_used_at, held.at) FROM held WHERE k.id = held.id
        """,
        list(uses.keys()),
        list(uses.values()),
    )

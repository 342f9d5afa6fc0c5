"""SQL for imports: how far a file has got, and whose rows a chunk has. One function, one statement."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from app.intake.file.counts import ImportState
from app.kit.db.database import execute, fetch_all, fetch_one

COLUMNS = """id, source, parent_id, state, is_spooled, file_digest, file_bytes, started_by, created_at, finished_at,
    file_format, seen_bytes, next_row, counts, corrected, refusal"""

LAST_ID = UUID(int=(1 << 128) - 1)


class ImportRow(msgspec.Struct, frozen=True, kw_only=True):
    """An import as stored; ``file_format``, ``counts`` and ``refusal`` are JSON."""

    id: UUID
    source: str
    parent_id: UUID | None
    state: ImportState
    is_spooled: bool
    file_digest: bytes | None
    file_bytes: int | None
    started_by: UUID | None
    created_at: datetime
    finished_at: datetime | None
    file_format: str | None
    seen_bytes: int
    next_row: int
    counts: str
    corrected: int
    refusal: str | None


class ImportId(msgspec.Struct, frozen=True):
    """The id of an import."""

    id: UUID


async def insert_import(
    import_id: UUID, *, source: str, parent_id: UUID | None, started_by: UUID | None, key: str | None, counts: str,
    at: datetime,
) -> None:  # fmt: skip
    """Open an upload."""
    await execute(
        """
        INSERT INTO record_import (id, source, parent_id, state, is_spooled, started_by, idempotency_key, counts,
                                   created_at)
        VALUES ($1, $2, $3, 'uploading', true, $4, $5, $6, $7)
        """,
        import_id,
        source,
        parent_id,
        started_by,
        key,
        counts,
        at,
    )


async def insert_file_import(
    import_id: UUID, *, source: str, parent_id: UUID | None, digest: bytes, file_bytes: int, counts: str, at: datetime
) -> bool:
    """Open the import of a file on this machine; False when the same file is imported or being so."""
    return bool(
        await execute(
            """
            INSERT INTO record_import (id, source, parent_id, state, is_spooled, file_digest, file_bytes, counts,
                                       created_at)
            VALUES ($1, $2, $3, 'running', false, $4, $5, $6, $7)
            ON CONFLICT (file_digest, source, parent_id) WHERE state IN ('waiting', 'running', 'finished') DO NOTHING
            """,
            import_id,
            source,
            parent_id,
            digest,
            file_bytes,
            counts,
            at,
        )
    )


async def lock_name(name: str) -> None:
    """Let one transaction at a time decide about a file, or an idempotency key."""
    await execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name)


async def find_same_import(source: str, parent_id: UUID | None, digest: bytes) -> ImportRow | None:
    """Find the import of the same file, unless it was cancelled or refused."""
    return await fetch_one(
        ImportRow,
        f"""
        SELECT {COLUMNS} FROM record_import
         WHERE file_digest = $3 AND source = $1 AND parent_id IS NOT DISTINCT FROM $2
           AND state IN ('waiting', 'running', 'finished')
        """,
        source,
        parent_id,
        digest,
    )


async def find_import_by_key(official_id: UUID, key: str) -> ImportRow | None:
    """Find the import an official began with an idempotency key."""
    return await fetch_one(
        ImportRow,
        f"""
        SELECT {COLUMNS} FROM record_import WHERE idempotency_key = $2 AND started_by = $1 AND state <> 'uploading'
        """,
        official_id,
        key,
    )


async def find_import(import_id: UUID) -> ImportRow | None:
    """Find an import that has a whole file."""
    return await fetch_one(
        ImportRow, f"SELECT {COLUMNS} FROM record_import WHERE id = $1 AND state <> 'uploading'", import_id
    )


async def list_imports(source: str | None, after: UUID | None, limit: int) -> list[ImportRow]:
    """Return one more than a page of imports, newest first; of one source or all."""
    whose = "TRUE" if source is None else "source = $3"
    return await fetch_all(
        ImportRow,
        f"""
        SELECT {COLUMNS} FROM record_import
         WHERE state <> 'uploading' AND {whose} AND id < $2 AND ($3::text IS NULL OR TRUE) ORDER BY id DESC LIMIT $1
        """,
        limit + 1,
        after or LAST_ID,
        source,
    )


async def list_spooled(limit: int) -> list[ImportId]:
    """Return the oldest uploads that wait or were left in the middle."""
    return await fetch_all(
        ImportId,
        "SELECT id FROM record_import WHERE state IN ('waiting', 'running') AND is_spooled ORDER BY id LIMIT $1",
        limit,
    )


async def mark_waiting(import_id: UUID, *, digest: bytes, file_bytes: int) -> None:
    """Have a whole upload wait for the worker."""
    await execute(
        "UPDATE record_import SET state = 'waiting', file_digest = $2, file_bytes = $3 WHERE id = $1",
        import_id,
        digest,
        file_bytes,
    )


async def mark_running(import_id: UUID, *, file_format: str, file_bytes: int, seen_bytes: int, next_row: int) -> bool:
    """Begin with a file whose format is known, and which is so long as text; False when it has been cancelled."""
    return bool(
        await execute(
            """
            UPDATE record_import SET state = 'running', file_format = $2, seen_bytes = $3, next_row = $4,
                   file_bytes = $5
             WHERE id = $1 AND state IN ('waiting', 'running') AND file_format IS NULL
            """,
            import_id,
            file_format,
            seen_bytes,
            next_row,
            file_bytes,
        )
    )


async def mark_seen(import_id: UUID, *, before: int, seen_bytes: int, next_row: int, counts: str) -> bool:
    """Write down how far a file has got; False when it was cancelled, or somebody else has got further."""
    return bool(
        await execute(
            """
            UPDATE record_import SET seen_bytes = $3, next_row = $4, counts = $5
             WHERE id = $1 AND state = 'running' AND seen_bytes = $2
            """,
            import_id,
            before,
            seen_bytes,
            next_row,
            counts,
        )
    )


async def mark_ended(import_id: UUID, state: str, *, refusal: str | None, at: datetime) -> bool:
    """Close an import that waits or runs; False when it is closed already."""
    return bool(
        await execute(
            """
            UPDATE record_import SET state = $2, refusal = $3, finished_at = $4
             WHERE id = $1 AND state IN ('waiting', 'running')
            """,
            import_id,
            state,
            refusal,
            at,
        )
    )


async def delete_upload(import_id: UUID) -> None:
    """Delete an upload that never became an import; its pieces are gone."""
    await execute("DELETE FROM record_import WHERE id = $1 AND state = 'uploading'", import_id)


async def list_given_up(before: datetime) -> list[ImportId]:
    """Return uploads that began before an instant and have not ended."""
    return await fetch_all(
        ImportId, "SELECT id FROM record_import WHERE state = 'uploading' AND created_at < $1 ORDER BY id", before
    )

"""Statements about imports: one function, one statement."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from app.intake.fact.item import Flaw
from app.intake.file.counts import EndState, ImportCounts
from app.intake.file.stored import StoredImport
from app.intake.reading.format import FileFormat
from app.intake.tables import RecordImport
from app.kit.db.database import execute, fetch_all, fetch_one
from app.kit.db.rows import fetch_row, fetch_rows, run, select

COLUMNS = ", ".join(StoredImport.__struct_fields__)


class ImportId(msgspec.Struct, frozen=True):
    """The id of an import."""

    id: UUID


async def insert_import(
    import_id: UUID, *, source: str, parent_id: UUID | None, started_by: UUID | None, key: str | None, at: datetime
) -> None:
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
        _write(ImportCounts()),
        at,
    )


async def insert_file_import(
    import_id: UUID, *, source: str, parent_id: UUID | None, digest: bytes, file_bytes: int, at: datetime
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
            _write(ImportCounts()),
            at,
        )
    )


async def lock_name(name: str) -> None:
    """Let one transaction at a time decide about a file, or an idempotency key."""
    await execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name)


async def find_same_import(source: str, parent_id: UUID | None, digest: bytes) -> StoredImport | None:
    """Find the import of the same file, unless it was cancelled or refused."""
    return await fetch_one(
        StoredImport,
        f"""
        SELECT {COLUMNS} FROM record_import
         WHERE file_digest = $3 AND source = $1 AND parent_id IS NOT DISTINCT FROM $2
           AND state IN ('waiting', 'running', 'finished')
        """,
        source,
        parent_id,
        digest,
    )


async def find_import_by_key(official_id: UUID, key: str) -> StoredImport | None:
    """Find the import an official began with an idempotency key."""
    # The state is written out: the index of keys serves only a statement that excludes uploads itself.
    return await fetch_one(
        StoredImport,
        f"""
        SELECT {COLUMNS} FROM record_import WHERE idempotency_key = $2 AND started_by = $1 AND state <> 'uploading'
        """,
        official_id,
        key,
    )


async def find_import(import_id: UUID) -> StoredImport | None:
    """Find an import that has a whole file."""
    imports = select(RecordImport, StoredImport)
    return await fetch_row(
        StoredImport, imports.where((RecordImport.id == import_id) & (RecordImport.state != "uploading"))
    )


async def list_imports(source: str | None, after: UUID | None, limit: int) -> list[StoredImport]:
    """Return one more than a page of imports, newest first; of one source or all."""
    imports = select(RecordImport, StoredImport).where(RecordImport.state != "uploading")
    if source is not None:
        imports = imports.where(RecordImport.source == source)
    if after is not None:
        imports = imports.where(RecordImport.id < after)
    return await fetch_rows(StoredImport, imports.order_by(RecordImport.id, ascending=False), limit=limit + 1)


async def list_spooled(limit: int) -> list[ImportId]:
    """Return the oldest uploads that wait or were left in the middle."""
    return await fetch_all(
        ImportId,
        "SELECT id FROM record_import WHERE state IN ('waiting', 'running') AND is_spooled ORDER BY id LIMIT $1",
        limit,
    )


async def mark_waiting(import_id: UUID, *, digest: bytes, file_bytes: int) -> None:
    """Have a whole upload wait for the worker."""
    waiting = RecordImport.update({
        RecordImport.state: "waiting", RecordImport.file_digest: digest, RecordImport.file_bytes: file_bytes,
    })  # fmt: skip
    await run(waiting.where(RecordImport.id == import_id))


async def mark_running(
    import_id: UUID, *, file_format: FileFormat, file_bytes: int, seen_bytes: int, next_row: int
) -> bool:
    """Write down the format of a file and its length as text, and begin; False when it has been cancelled."""
    return bool(
        await execute(
            """
            UPDATE record_import SET state = 'running', file_format = $2, seen_bytes = $3, next_row = $4,
                   file_bytes = $5
             WHERE id = $1 AND state IN ('waiting', 'running') AND file_format IS NULL
            """,
            import_id,
            _write(file_format),
            seen_bytes,
            next_row,
            file_bytes,
        )
    )


async def mark_seen(import_id: UUID, *, before: int, seen_bytes: int, next_row: int, counts: ImportCounts) -> bool:
    """Write down how far a file has got; False when it was cancelled, or another process has got further."""
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
            _write(counts),
        )
    )


async def mark_ended(import_id: UUID, state: EndState, *, refusal: Flaw | None, at: datetime) -> bool:
    """Close an import that waits or runs; False when it is closed already."""
    return bool(
        await execute(
            """
            UPDATE record_import SET state = $2, refusal = $3, finished_at = $4
             WHERE id = $1 AND state IN ('waiting', 'running')
            """,
            import_id,
            state,
            None if refusal is None else _write(refusal),
            at,
        )
    )


async def delete_upload(import_id: UUID) -> None:
    """Delete an upload that never became an import; its pieces are gone."""
    uploads = RecordImport.delete()
    await run(uploads.where((RecordImport.id == import_id) & (RecordImport.state == "uploading")))


async def list_given_up(before: datetime) -> list[ImportId]:
    """Return uploads that began before an instant and have not ended."""
    return await fetch_all(
        ImportId, "SELECT id FROM record_import WHERE state = 'uploading' AND created_at < $1 ORDER BY id", before
    )


def _write(value: msgspec.Struct) -> str:
    return msgspec.json.encode(value).decode()

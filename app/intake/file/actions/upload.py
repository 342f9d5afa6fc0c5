"""Files come in: streamed into encrypted pieces, or found on this machine; the same file is the same import."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

import msgspec

from app.intake.file.actions.parts import store_part
from app.intake.file.actions.run import close_import
from app.intake.file.counts import PART_BYTES, UPLOAD_BYTES_MAX, UPLOAD_LIFE, UPLOAD_SECONDS_MAX
from app.intake.file.queries import imports as imports_queries
from app.intake.file.queries import parts as parts_queries
from app.intake.file.refusals import ImportClosed, NothingToCorrect, SourceUnknown, UploadTooSlow
from app.intake.source.queries import register as register_queries
from app.kit.clock import now, uuid7
from app.kit.db.audit import write_audit
from app.kit.db.database import transaction
from app.kit.errors import BodyTooLarge, IdempotencyKeyReused, NotFound
from app.kit.jobs.queue import enqueue
from app.values.words import AUDIT_ACTIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from app.intake.file.stored import StoredImport
    from app.kit.security.auth import OfficialCaller

AUDIT_OPEN, AUDIT_CANCEL = AUDIT_ACTIONS.declare("record_import.open"), AUDIT_ACTIONS.declare("record_import.cancel")
HASH_BYTES = 1024 * 1024


class Received(msgspec.Struct, frozen=True):
    """The import a file became, and whether the same file had become it before."""

    stored: StoredImport
    is_repeat: bool


async def receive_upload(
    official: OfficialCaller, blocks: AsyncIterator[bytes], *, source: str, parent_id: UUID | None, key: str
) -> Received:
    """Take a file in as it arrives, never whole in memory; the worker imports it.

    The same file of the same source is the same import, also when another official sends it. When anything goes wrong
    on the way, or the caller goes away, nothing is left behind.
    """
    if await register_queries.find_registration(source) is None:
        raise SourceUnknown
    import_id, at = uuid7(), now()
    await imports_queries.insert_import(
        import_id, source=source, parent_id=parent_id, started_by=official.id, key=key, at=at
    )
    try:
        digest, file_bytes = await _spool(import_id, blocks)
        received = await _open(official, import_id, source, parent_id, key, digest, file_bytes)
    except BaseException:
        await asyncio.shield(_forget(import_id))
        raise
    if received.is_repeat:
        await _forget(import_id)
    return received


async def find_parent(parent_id: UUID) -> StoredImport:
    """Return the import whose quarantine is to be corrected; refuses one that has none."""
    parent = await imports_queries.find_import(parent_id)
    if parent is None:
        raise NotFound
    if parent.file_format is None or not parent.counts.quarantined:
        raise NothingToCorrect
    return parent


async def cancel_import(official: OfficialCaller, import_id: UUID) -> StoredImport:
    """Stop an import: what is stored stays, the rest is not read; refuses one that has ended."""
    async with transaction():
        is_cancelled = await close_import(import_id, "cancelled")
        stored = await imports_queries.find_import(import_id)
        if stored is None:
            raise NotFound
        if not is_cancelled:
            raise ImportClosed(stored.state)
        await write_audit(official, action=AUDIT_CANCEL, subject=f"import:{import_id}", detail={})
    return stored


async def open_file_import(path: Path, *, source: str, parent_id: UUID | None) -> Received:
    """Open the import of a file on this machine, or find the one it is; refuses a source that is not registered."""
    if await register_queries.find_registration(source) is None:
        raise SourceUnknown
    digest, file_bytes = await asyncio.to_thread(_hash_file, path)
    import_id = uuid7()
    async with transaction():
        await imports_queries.lock_name(_file_name(source, digest))
        same = await imports_queries.find_same_import(source, parent_id, digest)
        if same is not None:
            return Received(same, is_repeat=True)
        await imports_queries.insert_file_import(
            import_id, source=source, parent_id=parent_id, digest=digest, file_bytes=file_bytes, at=now()
        )  # fmt: skip
        detail: dict[str, object] = {"source": source, "bytes": file_bytes, "parent": parent_id}
        await write_audit(None, action=AUDIT_OPEN, subject=f"import:{import_id}", detail=detail)
    return await _find_received(import_id)


async def forget_given_up(at: datetime) -> int:
    """Delete uploads that were given up and whose process died before it could clean up; how many."""
    given_up = await imports_queries.list_given_up(at - UPLOAD_LIFE)
    for upload in given_up:
        await _forget(upload.id)
    return len(given_up)


async def _spool(import_id: UUID, blocks: AsyncIterator[bytes]) -> tuple[bytes, int]:
    """Store what arrives in pieces of ``PART_BYTES``, encrypted, and return digest and size of it all."""
    digest, size, number, held = hashlib.sha256(), 0, 0, bytearray()
    try:
        async with asyncio.timeout(UPLOAD_SECONDS_MAX):
            async for block in blocks:
                size += len(block)
                if size > UPLOAD_BYTES_MAX:
                    raise BodyTooLarge
                digest.update(block)
                held += block
                while len(held) >= PART_BYTES:
                    await store_part(import_id, number, bytes(held[:PART_BYTES]))
                    del held[:PART_BYTES]
                    number += 1
    except TimeoutError as error:
        raise UploadTooSlow from error
    if held:
        await store_part(import_id, number, bytes(held))
    return digest.digest(), size


async def _open(
    official: OfficialCaller, import_id: UUID, source: str, parent_id: UUID | None, key: str, digest: bytes, size: int
) -> Received:
    """Make an upload an import, or find the import it is; refuses a key that was used for another file."""
    async with transaction():
        # The key first, then the file, in every upload: of two that send the same, one waits and finds the other's.
        await imports_queries.lock_name(f"{official.id} {key}")
        await imports_queries.lock_name(_file_name(source, digest))
        keyed = await imports_queries.find_import_by_key(official.id, key)
        if keyed is not None:
            if (keyed.source, keyed.parent_id, keyed.file_digest) != (source, parent_id, digest):
                raise IdempotencyKeyReused
            return Received(keyed, is_repeat=True)
        same = await imports_queries.find_same_import(source, parent_id, digest)
        if same is not None:
            return Received(same, is_repeat=True)
        await imports_queries.mark_waiting(import_id, digest=digest, file_bytes=size)
        await enqueue("imports")
        detail: dict[str, object] = {"source": source, "bytes": size, "parent": parent_id}
        await write_audit(official, action=AUDIT_OPEN, subject=f"import:{import_id}", detail=detail)
        return await _find_received(import_id)


async def _find_received(import_id: UUID) -> Received:
    stored = await imports_queries.find_import(import_id)
    assert stored is not None, "it has just been made"
    return Received(stored, is_repeat=False)


async def _forget(import_id: UUID) -> None:
    async with transaction():
        await parts_queries.delete_parts(import_id)
        await imports_queries.delete_upload(import_id)


def _hash_file(path: Path) -> tuple[bytes, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(HASH_BYTES):
            digest.update(block)
            size += len(block)
    return digest.digest(), size


def _file_name(source: str, digest: bytes) -> str:
    return f"{source} {digest.hex()}"


FORGETS = (forget_given_up,)

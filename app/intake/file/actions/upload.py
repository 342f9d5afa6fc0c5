"""Files come in: streamed into encrypted pieces, or found on this machine; the same file is the same import."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, ClassVar

import msgspec

from app.intake.file.actions.pipeline import name_part
from app.intake.file.actions.run import close_import
from app.intake.file.counts import PART_BYTES, UPLOAD_BYTES_MAX, UPLOAD_LIFE, UPLOAD_SECONDS_MAX, ImportCounts
from app.intake.file.queries import imports as imports_queries
from app.intake.file.queries import parts as parts_queries
from app.intake.source.queries import register as register_queries
from app.kit.clock import now, uuid7
from app.kit.db.audit import write_audit
from app.kit.db.database import transaction
from app.kit.errors import BodyTooLarge, IdempotencyKeyReused, NotFound, Refusal
from app.kit.jobs.queue import enqueue
from app.kit.security.crypto import encrypt_bytes
from app.values.reason import Reason
from app.values.words import AUDIT_ACTIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from app.intake.file.queries.imports import ImportRow
    from app.kit.security.auth import OfficialCaller

AUDIT_OPEN, AUDIT_CANCEL = AUDIT_ACTIONS.declare("record_import.open"), AUDIT_ACTIONS.declare("record_import.cancel")
HASH_BYTES = 1024 * 1024


class SourceUnknown(Refusal):
    """This source is not registered."""

    code: ClassVar[str] = "source_unknown"
    status_code: ClassVar[int] = 422
    zh: ClassVar[str] = "该来源尚未登记"


class NothingToCorrect(Refusal):
    """This import has no rows to be corrected."""

    code: ClassVar[str] = "nothing_to_correct"
    zh: ClassVar[str] = "该导入没有待更正的行"


class ImportClosed(Refusal):
    """This import has ended already."""

    code: ClassVar[str] = "import_closed"
    zh: ClassVar[str] = "该导入已经结束"

    def __init__(self, state: str) -> None:
        super().__init__(reasons=[Reason(code=state, zh=f"当前状态：{state}", en=f"it is {state}")])


class UploadTooSlow(Refusal):
    """The file did not arrive in time; nothing of it was kept."""

    code: ClassVar[str] = "upload_too_slow"
    status_code: ClassVar[int] = 408
    zh: ClassVar[str] = "文件未能在限定时间内传完，未保留任何内容"
    retryable: ClassVar[bool] = True


class FileTypeUnsupported(Refusal):
    """A file of records is sent as text/csv, application/x-ndjson, an .xlsx workbook or application/octet-stream."""

    code: ClassVar[str] = "file_type_unsupported"
    status_code: ClassVar[int] = 415
    zh: ClassVar[str] = "文件应以 text/csv、application/x-ndjson、xlsx 工作簿或 application/octet-stream 提交"


class Received(msgspec.Struct, frozen=True):
    """The import an upload became, and whether it was known before."""

    row: ImportRow
    is_known: bool


async def receive_upload(
    official: OfficialCaller, blocks: AsyncIterator[bytes], *, source: str, parent_id: UUID | None, key: str
) -> Received:
    """Take a file in as it arrives, never whole in memory; the worker imports it.

    The same file of the same source is the same import, whoever sends it. Whatever goes wrong on the way, the caller
    going away too, leaves nothing behind.
    """
    if await register_queries.find_source(source) is None:
        raise SourceUnknown
    import_id, at = uuid7(), now()
    await imports_queries.insert_import(
        import_id, source=source, parent_id=parent_id, started_by=official.id, key=key, counts=_no_counts(), at=at
    )
    try:
        digest, file_bytes = await _spool(import_id, blocks)
        received = await _open(official, import_id, source, parent_id, key, digest, file_bytes)
    except BaseException:
        await asyncio.shield(_forget(import_id))
        raise
    if received.is_known:
        await _forget(import_id)
    return received


async def find_parent(parent_id: UUID) -> ImportRow:
    """Return the import whose quarantine is to be corrected; refuses one that has none."""
    parent = await imports_queries.find_import(parent_id)
    if parent is None:
        raise NotFound
    counts = msgspec.json.decode(parent.counts, type=ImportCounts)
    if parent.file_format is None or not counts.quarantined:
        raise NothingToCorrect
    return parent


async def cancel_import(official: OfficialCaller, import_id: UUID) -> ImportRow:
    """Stop an import: what is stored stays, the rest is not read; refuses one that has ended."""
    async with transaction():
        is_cancelled = await close_import(import_id, "cancelled")
        row = await imports_queries.find_import(import_id)
        if row is None:
            raise NotFound
        if not is_cancelled:
            raise ImportClosed(row.state)
        await write_audit(official, action=AUDIT_CANCEL, subject=f"import:{import_id}", detail={})
    return row


async def open_file_import(path: Path, *, source: str, parent_id: UUID | None) -> Received:
    """Open the import of a file on this machine, or find the one it is; refuses a source that is not registered."""
    if await register_queries.find_source(source) is None:
        raise SourceUnknown
    digest, file_bytes = await asyncio.to_thread(_hash_file, path)
    import_id = uuid7()
    async with transaction():
        await imports_queries.lock_name(_file_name(source, digest))
        same = await imports_queries.find_same_import(source, parent_id, digest)
        if same is not None:
            return Received(same, is_known=True)
        await imports_queries.insert_file_import(
            import_id, source=source, parent_id=parent_id, digest=digest, file_bytes=file_bytes, counts=_no_counts(),
            at=now(),
        )  # fmt: skip
        detail: dict[str, object] = {"source": source, "bytes": file_bytes, "parent": parent_id}
        await write_audit(None, action=AUDIT_OPEN, subject=f"import:{import_id}", detail=detail)
    row = await imports_queries.find_import(import_id)
    assert row is not None, "it has just been made"
    return Received(row, is_known=False)


async def forget_given_up(at: datetime) -> int:
    """Delete uploads whose sender went away and whose process died before it could clean up; how many."""
    given_up = await imports_queries.list_given_up(at - UPLOAD_LIFE)
    for upload in given_up:
        await _forget(upload.id)
    return len(given_up)


async def _spool(import_id: UUID, blocks: AsyncIterator[bytes]) -> tuple[bytes, int]:
    """Store what arrives in pieces of equal size, encrypted, and return digest and size of it all."""
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
                    await _store_part(import_id, number, bytes(held[:PART_BYTES]))
                    del held[:PART_BYTES]
                    number += 1
    except TimeoutError as error:
        raise UploadTooSlow from error
    if held:
        await _store_part(import_id, number, bytes(held))
    return digest.digest(), size


async def _store_part(import_id: UUID, number: int, clear: bytes) -> None:
    cipher = encrypt_bytes(clear, column=name_part(number), row_id=import_id)
    await parts_queries.insert_part(import_id, number, cipher)


async def _open(
    official: OfficialCaller, import_id: UUID, source: str, parent_id: UUID | None, key: str, digest: bytes, size: int
) -> Received:
    """Make an upload an import, or find the import it is; a key that stands for another file is refused."""
    async with transaction():
        await imports_queries.lock_name(f"{official.id} {key}")
        await imports_queries.lock_name(_file_name(source, digest))
        keyed = await imports_queries.find_import_by_key(official.id, key)
        if keyed is not None:
            if (keyed.source, keyed.parent_id, keyed.file_digest) != (source, parent_id, digest):
                raise IdempotencyKeyReused
            return Received(keyed, is_known=True)
        same = await imports_queries.find_same_import(source, parent_id, digest)
        if same is not None:
            return Received(same, is_known=True)
        await imports_queries.mark_waiting(import_id, digest=digest, file_bytes=size)
        await enqueue("imports")
        detail: dict[str, object] = {"source": source, "bytes": size, "parent": parent_id}
        await write_audit(official, action=AUDIT_OPEN, subject=f"import:{import_id}", detail=detail)
        row = await imports_queries.find_import(import_id)
        assert row is not None, "it has just been made"
        return Received(row, is_known=False)


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


def _no_counts() -> str:
    return msgspec.json.encode(ImportCounts()).decode()


FORGETS = (forget_given_up,)

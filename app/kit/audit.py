"""The audit chain: every official action, append-only, each entry's keyed hash covering the one before."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from uuid import UUID

import msgspec

from app.kit.auth import OfficialCaller
from app.kit.clock import now
from app.kit.database import execute, fetch_all, fetch_one, is_in_transaction
from app.kit.keys import KEYS

AUDIT_LOCK = 0x61756469  # "audi": entries are written one after another
FIRST_HASH = b"\x00" * 32
VERIFY_ROWS = 10_000


class AuditRow(msgspec.Struct, frozen=True):
    """An entry as it lies in the database."""

    number: int
    at: datetime
    actor_id: UUID | None
    actor: str
    action: str
    subject: str
    detail: str
    previous_hash: bytes
    hash: bytes


async def write_audit(official: OfficialCaller | None, *, action: str, subject: str, detail: dict[str, object]) -> None:
    """Append one entry inside the transaction of the action it tells of; ``None`` is the command line."""
    assert is_in_transaction(), "an official action and its audit entry are one transaction"
    await execute("SELECT pg_advisory_xact_lock($1)", AUDIT_LOCK)
    last = await fetch_one(AuditRow, "SELECT * FROM audit_entry ORDER BY number DESC LIMIT 1")
    entry = AuditRow(
        number=last.number + 1 if last else 1,
        at=now(),
        actor_id=official.id if official else None,
        actor=official.username if official else "command line",
        action=action,
        subject=subject,
        detail=msgspec.json.encode(detail, order="deterministic").decode(),
        previous_hash=last.hash if last else FIRST_HASH,
        hash=b"",
    )
    await execute(
        "INSERT INTO audit_entry VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        entry.number, entry.at, entry.actor_id, entry.actor, entry.action, entry.subject, entry.detail,
        entry.previous_hash, compute_hash(entry),
    )  # fmt: skip


def compute_hash(entry: AuditRow) -> bytes:
    """Return the keyed hash of an entry's content and its predecessor's hash."""
    detail = msgspec.json.encode(msgspec.json.decode(entry.detail), order="deterministic").decode()
    actor_id = str(entry.actor_id) if entry.actor_id else ""
    content = (entry.number, entry.at.isoformat(), actor_id, entry.actor, entry.action, entry.subject, detail)
    return hmac.digest(KEYS.ring.audit, entry.previous_hash + msgspec.json.encode(content), hashlib.sha256)


async def find_broken_entry() -> int | None:
    """Return the number of the first entry that does not fit the chain; None when it is whole."""
    expected, previous = 1, FIRST_HASH
    while rows := await fetch_all(
        AuditRow, "SELECT * FROM audit_entry WHERE number >= $1 ORDER BY number LIMIT $2", expected, VERIFY_ROWS
    ):
        for row in rows:
            fits = row.number == expected and row.previous_hash == previous
            if not fits or not hmac.compare_digest(row.hash, compute_hash(row)):
                return expected
            expected, previous = row.number + 1, row.hash
    return None

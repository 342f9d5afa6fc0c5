"""The audit chain: every official action, append-only, each entry's keyed hash covering the one before.

The chain's *head* says where it ends. Its ``mac`` is a running one: it is made of the mac before and the new entry's
hash under a key of its own, and only the newest is stored. So somebody who can write to the database but has no key can
neither shorten the chain nor sign a shortened one, and a head that was tampered with stays wrong through every later
entry. Somebody who saved an earlier head and puts that whole day back is found by a copy of the head stored elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from uuid import UUID

import msgspec

from app.kit.clock import now
from app.kit.db import tables
from app.kit.db.database import execute, fetch_one, is_in_transaction
from app.kit.db.rows import fetch_rows, select
from app.kit.security.auth import OfficialCaller
from app.kit.security.keys import KEYS
from app.values.words import AUDIT_ACTIONS, AuditAction

FIRST_HASH = b"\x00" * 32
VERIFY_ROWS = 10_000


class AuditEntry(msgspec.Struct, frozen=True):
    """An official action as it is stored; ``detail`` is JSON text."""

    number: int
    at: datetime
    actor_id: UUID | None
    actor: str
    action: str
    subject: str
    detail: str
    previous_hash: bytes
    hash: bytes


class AuditHead(msgspec.Struct, frozen=True):
    """Where the chain ends: the newest entry's number and hash, and the running mac over all of them."""

    number: int
    hash: bytes
    mac: bytes


async def write_audit(
    official: OfficialCaller | None, *, action: AuditAction, subject: str, detail: dict[str, object]
) -> None:
    """Append one entry inside the transaction of the action it is about; ``None`` is the command line.

    Raises when the action is one that no room declares.
    """
    assert is_in_transaction(), "an official action and its audit entry are one transaction"
    AUDIT_ACTIONS.need([action])
    # The head's lock lets entries be written one after another; it counts, not the entries: some may have been cut off.
    head = await fetch_one(AuditHead, "SELECT number, hash, mac FROM audit_head FOR UPDATE")
    assert head is not None, "the chain has a head from the first migration on; without it nothing official is done"
    entry = AuditEntry(
        number=head.number + 1,
        at=now(),
        actor_id=official.id if official else None,
        actor=official.username if official else "command line",
        action=action,
        subject=subject,
        detail=msgspec.json.encode(detail, order="deterministic").decode(),
        previous_hash=head.hash,
        hash=b"",
    )
    entry_hash = compute_hash(entry)
    await execute(
        "INSERT INTO audit_entry VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        entry.number, entry.at, entry.actor_id, entry.actor, entry.action, entry.subject, entry.detail,
        entry.previous_hash, entry_hash,
    )  # fmt: skip
    mac = compute_mac(head.mac, entry_hash)
    await execute("UPDATE audit_head SET number = $1, hash = $2, mac = $3", entry.number, entry_hash, mac)


def compute_hash(entry: AuditEntry) -> bytes:
    """Return the keyed hash of an entry's content and its predecessor's hash."""
    detail = msgspec.json.encode(msgspec.json.decode(entry.detail), order="deterministic").decode()
    actor_id = str(entry.actor_id) if entry.actor_id else ""
    content = (entry.number, entry.at.isoformat(), actor_id, entry.actor, entry.action, entry.subject, detail)
    return hmac.digest(KEYS.ring.audit, entry.previous_hash + msgspec.json.encode(content), hashlib.sha256)


def compute_mac(previous_mac: bytes, entry_hash: bytes) -> bytes:
    """Return the running mac of the chain after one more entry; nothing before the first."""
    key = hmac.digest(KEYS.ring.audit, b"audit head", hashlib.sha256)
    return hmac.digest(key, previous_mac + entry_hash, hashlib.sha256)


def compute_first_head() -> AuditHead:
    """Return the head of a chain without entries, with which the table is made."""
    return AuditHead(0, FIRST_HASH, compute_mac(b"", FIRST_HASH))


async def list_entries(before: int | None, limit: int) -> list[AuditEntry]:
    """Return ``limit`` + 1 entries of the chain, the newest first, before a number."""
    entries = select(tables.AuditEntry, AuditEntry).order_by(tables.AuditEntry.number, ascending=False)
    if before is not None:
        entries = entries.where(tables.AuditEntry.number < before)
    return await fetch_rows(AuditEntry, entries, limit=limit + 1)


async def find_broken_entry() -> int | None:
    """Return the number of the first entry that is missing or does not fit; None when the chain is whole to its head.

    A missing or false head is reported as an entry after the last.
    """
    seen = compute_first_head()
    while True:
        # The head before the entries: what is written meanwhile is looked at in the next round.
        head = await fetch_one(AuditHead, "SELECT number, hash, mac FROM audit_head")
        later = select(tables.AuditEntry, AuditEntry).where(tables.AuditEntry.number > seen.number)
        found = await fetch_rows(AuditEntry, later.order_by(tables.AuditEntry.number), limit=VERIFY_ROWS)
        if not found:
            return None if head == seen else seen.number + 1
        for entry in found:
            fits = entry.number == seen.number + 1 and entry.previous_hash == seen.hash
            if not fits or not hmac.compare_digest(entry.hash, compute_hash(entry)):
                return seen.number + 1
            seen = AuditHead(entry.number, entry.hash, compute_mac(seen.mac, entry.hash))

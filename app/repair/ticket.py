"""An objection as it is stored. Pure."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from app.repair.objection import Finding, ObjectionKind, ObjectionState


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """What a citizen says of one record, or of one that is missing, and what its source answered.

    ``text_cipher`` and ``answer_cipher`` are what they wrote, encrypted.
    """

    id: UUID
    number: str
    citizen_id: UUID
    idempotency_key: str
    request_digest: bytes
    kind: ObjectionKind
    record_id: UUID | None
    indicator: str | None
    honour: str | None
    source: str | None
    text_cipher: bytes
    is_contact_ok: bool
    state: ObjectionState
    received_at: datetime
    answer_due_on: date
    asked_at: datetime | None = None
    finding: Finding | None = None
    answer_cipher: bytes | None = None
    answered_at: datetime | None = None
    answered_by: UUID | None = None
    withdrawn_at: datetime | None = None

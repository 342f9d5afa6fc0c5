"""Objection tickets."""

from __future__ import annotations

from piccolo.columns import UUID, Boolean, Bytea, Date, ForeignKey, OnDelete, Text, Timestamptz
from piccolo.table import Table

from app.citizen.tables import Citizen


class Objection(Table, tablename="objection"):
    """What a citizen says of one record, or of one that is missing, and what its source answered."""

    id = UUID(primary_key=True, default=None)
    number = Text(unique=True, default=None)
    citizen_id = ForeignKey(Citizen, null=False, on_delete=OnDelete.restrict, default=None)
    idempotency_key = Text(default=None)
    request_digest = Bytea(default=None)
    kind = Text(default=None)
    record_id = UUID(default=None, null=True)
    indicator = Text(default=None, null=True)
    honour = Text(default=None, null=True)
    source = Text(default=None, null=True)
    text_cipher = Bytea(default=None, secret=True)
    is_contact_ok = Boolean(default=None)
    state = Text(default=None)
    received_at = Timestamptz(default=None)
    answer_due_on = Date(default=None)
    asked_at = Timestamptz(default=None, null=True)
    finding = Text(default=None, null=True)
    answer_cipher = Bytea(default=None, null=True, secret=True)
    answered_at = Timestamptz(default=None, null=True)
    answered_by = UUID(default=None, null=True)
    withdrawn_at = Timestamptz(default=None, null=True)

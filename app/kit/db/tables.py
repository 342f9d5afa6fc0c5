"""The kit's own tables: the audit chain, and in SQL alone its head and the versions of the cached catalogues."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, BigInt, Bytea, Text, Timestamptz
from piccolo.table import Table


class AuditEntry(Table, tablename="audit_entry"):
    """One official action; each entry's hash covers the one before."""

    number = BigInt(primary_key=True, default=None)
    at = Timestamptz(default=None)
    actor_id = UUID(default=None, null=True)
    actor = Text(default=None)
    action = Text(default=None)
    subject = Text(default=None)
    detail = JSONB(default=None)
    previous_hash = Bytea(default=None)
    hash = Bytea(default=None)


OTHER_TABLES = ("audit_head", "cache_version")

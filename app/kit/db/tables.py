"""The kit's own tables: the audit chain and the versions of the cached catalogues."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, BigInt, Boolean, Bytea, Text, Timestamptz
from piccolo.table import Table


class CacheVersion(Table, tablename="cache_version"):
    """How often a cached catalogue has changed."""

    name = Text(primary_key=True, default=None)
    version = BigInt(default=1)


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


class AuditHead(Table, tablename="audit_head"):
    """Where the audit chain ends; one row, whose running mac covers every entry."""

    is_only = Boolean(primary_key=True, default=True)
    number = BigInt(default=None)
    hash = Bytea(default=None)
    mac = Bytea(default=None)

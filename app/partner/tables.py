"""Institutions, their stores, terminals and keys."""

from __future__ import annotations

from piccolo.columns import UUID, Array, Boolean, Bytea, ForeignKey, Integer, OnDelete, Text, Timestamptz
from piccolo.table import Table


class Institution(Table, tablename="institution"):
    """A tenant: government unit, hospital, car park operator, library, transport operator, bank or merchant."""

    id = UUID(primary_key=True, default=None)
    name = Text(unique=True, default=None)
    kind = Text(default=None)
    state = Text(default=None)
    created_at = Timestamptz(default=None)


class Store(Table, tablename="store"):
    """A place of an institution where codes are scanned."""

    id = UUID(primary_key=True, default=None)
    institution_id = ForeignKey(Institution, null=False, on_delete=OnDelete.restrict, default=None)
    name = Text(default=None)
    state = Text(default=None)
    created_at = Timestamptz(default=None)


class Terminal(Table, tablename="terminal"):
    """What a code is scanned on; (institution_id, store_id) refers to a store of the same institution."""

    id = UUID(primary_key=True, default=None)
    institution_id = UUID(default=None)
    store_id = UUID(default=None)
    name = Text(default=None)
    state = Text(default=None)
    created_at = Timestamptz(default=None)


class ApiKey(Table, tablename="api_key"):
    """What a partner's system speaks with; only the hash of it is here. ``store_ids`` null: every store."""

    id = UUID(primary_key=True, default=None)
    institution_id = ForeignKey(Institution, null=False, on_delete=OnDelete.restrict, default=None)
    name = Text(default=None)
    secret_hash = Bytea(unique=True, default=None)
    scopes = Array(base_column=Text(), default=None)
    store_ids = Array(base_column=UUID(), default=None, null=True)
    state = Text(default=None)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    last_used_at = Timestamptz(default=None, null=True)


class Standing(Table, tablename="standing"):
    """Of an institution, store, terminal or key that was ever moved: its revision, and whether the centre stopped it.

    ``suspended_by_centre`` tells something only while the thing is suspended.
    """

    subject_id = UUID(primary_key=True, default=None)
    revision = Integer(default=None)
    suspended_by_centre = Boolean(default=None)

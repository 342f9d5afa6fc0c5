"""Staff accounts."""

from __future__ import annotations

from piccolo.columns import UUID, Array, BigInt, Bytea, ForeignKey, Integer, OnDelete, Text, Timestamptz
from piccolo.table import Table

from app.partner.tables import Institution


class Official(Table, tablename="official"):
    """A staff member; ``institution_id`` null is the credit centre."""

    id = UUID(primary_key=True, default=None)
    username = Text(unique=True, default=None)
    institution_id = ForeignKey(Institution, null=True, on_delete=OnDelete.restrict, default=None)
    roles = Array(base_column=Text(), default=None)
    state = Text(default=None)
    password_hash = Text(default=None, secret=True)
    totp_cipher = Bytea(default=None, secret=True)
    totp_last_step = BigInt(default=0)
    failed_tries = Integer(default=0)
    locked_until = Timestamptz(default=None, null=True)
    token_generation = Integer(default=0)
    created_at = Timestamptz(default=None)

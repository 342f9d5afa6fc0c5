"""Who has left, recognisable only to a returning person."""

from __future__ import annotations

from piccolo.columns import UUID, Bytea, Timestamptz
from piccolo.table import Table


class Tombstone(Table, tablename="tombstone"):
    """A keyed hash of an ID number, and under whose caps the person returns."""

    person_hash = Bytea(primary_key=True, default=None)
    cap_holder_id = UUID(default=None)
    left_at = Timestamptz(default=None)
    forget_at = Timestamptz(default=None)

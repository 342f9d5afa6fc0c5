"""What is remembered of people who left."""

from __future__ import annotations

from piccolo.columns import UUID, Bytea, Timestamptz
from piccolo.table import Table


class Tombstone(Table, tablename="tombstone"):
    """A keyed hash of the ID number of a person who left, and the cap holder under which they would return."""

    person_hash = Bytea(primary_key=True, default=None)
    cap_holder_id = UUID(default=None)
    left_at = Timestamptz(default=None)
    forget_at = Timestamptz(default=None)

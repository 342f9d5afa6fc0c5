"""What happened, and in which life of the cluster."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, BigInt, Column, SmallInt, Text, Timestamptz
from piccolo.table import Table

from app.kit.db.pieces import PartitionPlan

PARTITIONS = (PartitionPlan("event", "month", 31, 62),)


class Xid8(Column):
    """PostgreSQL's 64-bit transaction id."""

    value_type = int


class EventEpoch(Table, tablename="event_epoch"):
    """One life of the database cluster; a restore into a new cluster begins another."""

    epoch = SmallInt(primary_key=True, default=None)
    system_identifier = BigInt(default=None)
    began_at = Timestamptz()


class Event(Table, tablename="event"):
    """One fact, thin; (epoch, xid, id) is its place in the feed. Partitioned by month of ``at``."""

    id = UUID(primary_key=True, default=None)
    epoch = SmallInt(default=None)
    xid = Xid8(default=None)
    at = Timestamptz(primary_key=True, default=None)
    type = Text(default=None)
    institution_id = UUID(default=None, null=True)
    citizen_id = UUID(default=None, null=True)
    subject_id = UUID(default=None)
    data = JSONB(default=None)

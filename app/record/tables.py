"""Records. Topics, indicators, honours and the events of sources need no class: no statement is written with one."""

from __future__ import annotations

from piccolo.columns import UUID, BigInt, Date, Integer, Text, Timestamptz
from piccolo.table import Table

OTHER_TABLES = ("honour", "indicator", "record_source_event", "topic")


class Record(Table, tablename="record"):
    """One fact about one citizen; hash-partitioned by citizen."""

    citizen_id = UUID(primary_key=True, default=None)
    id = UUID(primary_key=True, default=None)
    version = Integer(default=1)
    indicator = Text(default=None, null=True)
    honour = Text(default=None, null=True)
    source = Text(default=None)
    event_id = Text(default=None)
    event_on = Date(default=None)
    ends_on = Date(default=None, null=True)
    grade = Text(default=None, null=True)
    quantity = BigInt(default=None, null=True)
    document = Text(default=None, null=True)
    act_id = Text(default=None, null=True)
    state = Text(default=None)
    entered_at = Timestamptz(default=None)
    entered_by = UUID(default=None, null=True)

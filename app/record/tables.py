"""Topics, indicators, honours, and the records that must fit them."""

from __future__ import annotations

from piccolo.columns import UUID, Array, BigInt, Boolean, Bytea, Date, ForeignKey, Integer, OnDelete, Text, Timestamptz
from piccolo.table import Table


class Topic(Table, tablename="topic"):
    """What an indicator is about; (code, is_denied) is referred to, so that a denied one can have no indicator."""

    code = Text(primary_key=True, default=None)
    is_denied = Boolean(default=None)
    title_zh = Text(default=None)
    title_en = Text(default=None)


class Indicator(Table, tablename="indicator"):
    """A kind of fact that may count in a score; ``topic_is_denied`` is always false, by constraint."""

    code = Text(primary_key=True, default=None)
    topic = Text(default=None)
    topic_is_denied = Boolean(default=False)
    title_zh = Text(default=None)
    title_en = Text(default=None)


class Honour(Table, tablename="honour"):
    """An honour that campaigns can ask for; grades weakest first."""

    code = Text(primary_key=True, default=None)
    title_zh = Text(default=None)
    title_en = Text(default=None)
    grades = Array(base_column=Text(), default=None)
    validity_months = Integer(default=None)
    is_renewable = Boolean(default=None)


class Record(Table, tablename="record"):
    """One fact about one citizen; hash-partitioned by citizen."""

    citizen_id = UUID(primary_key=True, default=None)
    id = UUID(primary_key=True, default=None)
    version = Integer(default=1)
    indicator = ForeignKey(Indicator, null=True, on_delete=OnDelete.restrict, default=None)
    honour = ForeignKey(Honour, null=True, on_delete=OnDelete.restrict, default=None)
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


class RecordSourceEvent(Table, tablename="record_source_event"):
    """Which record one event of one source became: what makes an event sent twice one record."""

    source = Text(primary_key=True, default=None)
    event_id = Text(primary_key=True, default=None)
    record_id = UUID(default=None)
    citizen_id = UUID(default=None)
    facts_digest = Bytea(default=None)

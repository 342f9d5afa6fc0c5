"""Who may send records, the files they sent, the rows that did not fit, and how each source fares day by day."""

from __future__ import annotations

from piccolo.columns import (
    JSONB,
    UUID,
    Array,
    BigInt,
    Boolean,
    Bytea,
    Date,
    ForeignKey,
    Integer,
    OnDelete,
    SmallInt,
    Text,
    Timestamptz,
)
from piccolo.table import Table

from app.citizen.tables import Citizen
from app.official.tables import Official
from app.partner.tables import Institution

OTHER_TABLES = ("point_total", "source_id_shape")


class Source(Table, tablename="source"):
    """An institution's register that sends records, and what it may report; None: all there is."""

    code = Text(primary_key=True, default=None)
    title_zh = Text(default=None)
    title_en = Text(default=None)
    institution_id = ForeignKey(Institution, null=True, on_delete=OnDelete.restrict, default=None)
    mapping = JSONB(default=None)
    indicators = Array(base_column=Text(), default=None, null=True)
    honours = Array(base_column=Text(), default=None, null=True)
    revision = Integer(default=1)
    created_at = Timestamptz(default=None)


class RecordImport(Table, tablename="record_import"):
    """One file on its way in: how far it got, and what became of its rows."""

    id = UUID(primary_key=True, default=None)
    source = ForeignKey(Source, null=False, on_delete=OnDelete.restrict, default=None)
    parent_id = UUID(default=None, null=True)  # of this table
    state = Text(default=None)
    is_spooled = Boolean(default=None)
    file_digest = Bytea(default=None, null=True)
    file_bytes = BigInt(default=None, null=True)
    started_by = ForeignKey(Official, null=True, on_delete=OnDelete.restrict, default=None)
    idempotency_key = Text(default=None, null=True)
    created_at = Timestamptz(default=None)
    finished_at = Timestamptz(default=None, null=True)
    file_format = JSONB(default=None, null=True)
    seen_bytes = BigInt(default=0)
    next_row = BigInt(default=1)
    counts = JSONB(default=None)
    corrected = BigInt(default=0)
    refusal = JSONB(default=None, null=True)


class ImportPart(Table, tablename="import_part"):
    """A piece of an uploaded file, encrypted; gone when the file is done."""

    import_id = ForeignKey(RecordImport, primary_key=True, on_delete=OnDelete.restrict, default=None, null=False)
    number = Integer(primary_key=True, default=None)
    cipher = Bytea(default=None)


class Quarantine(Table, tablename="quarantine"):
    """A row that did not fit, and why; encrypted, and empty when it is about somebody who has not joined."""

    import_id = ForeignKey(RecordImport, primary_key=True, on_delete=OnDelete.restrict, default=None, null=False)
    row_number = BigInt(primary_key=True, default=None)
    reason = Text(default=None)
    note_zh = Text(default=None)
    note_en = Text(default=None)
    place = Text(default=None)
    row_cipher = Bytea(default=None, null=True)
    entered_at = Timestamptz(default=None)
    corrected_by = ForeignKey(RecordImport, null=True, on_delete=OnDelete.restrict, default=None)


class SourceDay(Table, tablename="source_day"):
    """How many rows of a source had an outcome on a day."""

    source = Text(primary_key=True, default=None)
    day = Date(primary_key=True, default=None)
    outcome = Text(primary_key=True, default=None)
    rows = BigInt(default=None)


class RecordProposal(Table, tablename="record_proposal"):
    """A negative record that waits for a second official; what it says is forgotten with the decision."""

    id = UUID(primary_key=True, default=None)
    state = Text(default=None)
    revision = Integer(default=1)
    source = ForeignKey(Source, null=False, on_delete=OnDelete.restrict, default=None)
    citizen_id = ForeignKey(Citizen, null=True, on_delete=OnDelete.restrict, default=None)
    event_id = Text(default=None, null=True)
    indicator = Text(default=None, null=True)
    honour = Text(default=None, null=True)
    event_on = Date(default=None, null=True)
    ends_on = Date(default=None, null=True)
    grade = Text(default=None, null=True)
    quantity = BigInt(default=None, null=True)
    document = Text(default=None, null=True)
    act_id = Text(default=None, null=True)
    facts_digest = Bytea(default=None, null=True)
    proposed_by = ForeignKey(Official, null=False, on_delete=OnDelete.restrict, default=None)
    proposed_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    decided_by = ForeignKey(Official, null=True, on_delete=OnDelete.restrict, default=None)
    decided_at = Timestamptz(default=None, null=True)
    reason = Text(default=None, null=True)


class SourceSecret(Table, tablename="source_secret"):
    """What a source signs its events with, encrypted; the one without an end is the current one."""

    id = UUID(primary_key=True, default=None)
    source = ForeignKey(Source, null=False, on_delete=OnDelete.restrict, default=None)
    cipher = Bytea(default=None, secret=True)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None, null=True)


class PointRule(Table, tablename="point_rule"):
    """What a kind of app points is worth; the yearly cap is in app points."""

    source = ForeignKey(Source, primary_key=True, null=False, on_delete=OnDelete.restrict, default=None)
    kind = Text(primary_key=True, default=None)
    indicator = Text(default=None)
    numerator = BigInt(default=None)
    denominator = BigInt(default=None)
    yearly_cap = BigInt(default=None)
    created_at = Timestamptz(default=None)


class PointEvent(Table, tablename="point_event"):
    """A member's event that was counted, so that a repeat is recognised; (source, kind) refers to its rule."""

    source = Text(primary_key=True, default=None)
    event_id = Text(primary_key=True, default=None)
    kind = Text(default=None)
    citizen_id = ForeignKey(Citizen, null=False, on_delete=OnDelete.restrict, default=None)
    facts_digest = Bytea(default=None)
    received_at = Timestamptz(default=None)


class PointInbox(Table, tablename="point_inbox"):
    """An event that waits to be counted, encrypted; gone when it was, and when it is about a stranger."""

    id = UUID(primary_key=True, default=None)
    cipher = Bytea(default=None)
    received_at = Timestamptz(default=None)
    failures = SmallInt(default=0)

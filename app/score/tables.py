"""Rule books with their terms and previews, the history of scores, and what a preparation of the city notes."""

from __future__ import annotations

from piccolo.columns import (
    JSONB,
    UUID,
    Array,
    BigInt,
    Boolean,
    Bytea,
    Date,
    Integer,
    Text,
    Timestamptz,
)
from piccolo.table import Table

OTHER_TABLES = ("rule_dimension", "score_moved", "score_prepared", "score_preparation_chunk", "score_snapshot")


class RuleBook(Table, tablename="rule_book"):
    """One version of all rules; at most one is active.

    ``id`` names one content, ``public_id`` a draft through all its edits. ``makers`` are all who ever wrote or
    submitted it: none of them may approve it.
    """

    id = Integer(primary_key=True, default=None)
    code = Text(default=None)
    version = Integer(default=None)
    state = Text(default=None)
    document = JSONB(default=None)
    digest = Bytea(default=None)
    base = Integer(default=None)
    scale_min = Integer(default=None, null=True)
    scale_max = Integer(default=None, null=True)
    level_codes = Array(base_column=Text(), default=None)
    level_edges = Array(base_column=Integer(), default=None)
    consent_purposes = Array(base_column=Text(), default=None)
    public_id = UUID(unique=True, default=None)
    revision = Integer(default=1)
    examples = JSONB(default="[]")
    makers = Array(base_column=UUID(), default=list)
    drafted_by = UUID(default=None, null=True)
    drafted_at = Timestamptz(default=None, null=True)
    submitted_by = UUID(default=None, null=True)
    submitted_at = Timestamptz(default=None, null=True)
    decided_by = UUID(default=None, null=True)
    decided_at = Timestamptz(default=None, null=True)
    decision_note = Text(default=None, null=True)
    effective_on = Date(default=None, null=True)
    activated_at = Timestamptz(default=None, null=True)
    retired_at = Timestamptz(default=None, null=True)
    withdrawn_by = UUID(default=None, null=True)


class RuleBookPreview(Table, tablename="rule_book_preview"):
    """What a rule book would change in the city, counted in chunks; ``counts`` are never released as they are."""

    rule_book_id = Integer(primary_key=True, default=None)
    from_rule_book_id = Integer(default=None)
    state = Text(default=None)
    sample = Text(default=None)
    day = Date(default=None)
    requested_by = UUID(default=None)
    requested_at = Timestamptz(default=None)
    after_id = UUID(default=None)
    citizens_done = Integer(default=0)
    citizens_total = Integer(default=None, null=True)
    counts = JSONB(default="{}")
    report = JSONB(default=None, null=True)
    finished_at = Timestamptz(default=None, null=True)


class ReleasedPreview(Table, tablename="rule_book_preview_told"):
    """A report that was released of a sample, and the buckets later previews are compared with."""

    id = UUID(primary_key=True, default=None)
    sample = Text(default=None)
    told_at = Timestamptz(default=None)
    buckets = Bytea(default=None)
    report = JSONB(default=None)


class RuleBookPreviewRequest(Table, tablename="rule_book_preview_request"):
    """An official has asked for a preview of a rule book: only few are allowed a day."""

    id = UUID(primary_key=True, default=None)
    public_id = UUID(default=None)
    requested_by = UUID(default=None)
    requested_at = Timestamptz(default=None)
    day = Date(default=None)


class RuleTerm(Table, tablename="rule_term"):
    """How one indicator counts, per grade; ``grade`` is empty when it has none. Rungs of a ladder are two arrays."""

    rule_book_id = Integer(primary_key=True, default=None)
    indicator = Text(primary_key=True, default=None)
    grade = Text(primary_key=True, default=None)
    dimension = Text(default=None)
    kind = Text(default=None)
    points = Integer(default=None)
    ceiling = Integer(default=None, null=True)
    validity_months = Integer(default=None, null=True)
    severity = Text(default=None, null=True)
    annual_cap = Integer(default=None, null=True)
    doubles = Boolean(default=None)
    adds_up = Boolean(default=None)
    breaks_good_faith = Boolean(default=None)
    exclusive_group = Text(default=None, null=True)
    supersedes = Array(base_column=Text(), default=None)
    consent_purpose = Text(default=None, null=True)
    rung_edges = Array(base_column=BigInt(), default=None)
    rung_points = Array(base_column=Integer(), default=None)
    no = Integer(default=None, unique=True)
    is_superseded = Boolean(default=None)
    is_lasting = Boolean(default=None)
    is_bundled = Boolean(default=None)


class ScoreDue(Table, tablename="score_due"):
    """A citizen whose records moved and who will be rescored in a moment."""

    citizen_id = UUID(primary_key=True, default=None)
    since = Timestamptz(default=None)


class ScorePreparation(Table, tablename="score_preparation"):
    """A whole city scored beside the current scores; at most one is under way."""

    id = Integer(primary_key=True, default=None)
    rule_book_id = Integer(default=None)
    as_of = Date(default=None)
    phase = Text(default=None)
    citizens = Integer(default=None)
    opened_at = Timestamptz(default=None)
    switched_at = Timestamptz(default=None, null=True)
    finished_at = Timestamptz(default=None, null=True)


class ScoreChange(Table, tablename="score_change"):
    """One step of a score's history, with its reasons."""

    id = UUID(primary_key=True, default=None)
    citizen_id = UUID(default=None)
    at = Timestamptz(default=None)
    from_value = Integer(default=None, null=True)
    to_value = Integer(default=None)
    from_level = Text(default=None, null=True)
    to_level = Text(default=None)
    reasons = JSONB(default=None)

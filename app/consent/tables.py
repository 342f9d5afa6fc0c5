"""Consent texts, who accepted which, and the access log."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, Boolean, ForeignKey, Integer, OnDelete, Text, Timestamptz
from piccolo.table import Table

from app.citizen.tables import Citizen
from app.kit.db.pieces import PartitionPlan

PARTITIONS = (PartitionPlan("access_log", "month", 31, 62),)


class ConsentText(Table, tablename="consent_text"):
    """One version of what is asked for; its key is (purpose, version)."""

    purpose = Text(primary_key=True, default=None)
    version = Integer(primary_key=True, default=None)
    title_zh = Text(default=None)
    title_en = Text(default=None)
    body_zh = Text(default=None)
    body_en = Text(default=None)
    is_required = Boolean(default=None)
    published_at = Timestamptz(default=None)


class Consent(Table, tablename="consent"):
    """One acceptance; (purpose, version) refers to a consent text, and at most one per purpose is not withdrawn."""

    id = UUID(primary_key=True, default=None)
    citizen_id = ForeignKey(Citizen, null=False, on_delete=OnDelete.restrict, default=None)
    purpose = Text(default=None)
    version = Integer(default=None)
    given_at = Timestamptz(default=None)
    withdrawn_at = Timestamptz(default=None, null=True)


class AccessLog(Table, tablename="access_log"):
    """One disclosure or refused attempt; partitioned by month, no foreign keys: it outlives what it names.

    ``reference`` is the partner's of a redemption that was refused; one that was not has it in ``redemption``, whose id
    is the line's. ``trace_id`` is the request's.
    """

    id = UUID(primary_key=True, default=None)
    at = Timestamptz(primary_key=True, default=None)
    citizen_id = UUID(primary_key=True, default=None)
    institution_id = UUID(default=None, null=True)
    store_id = UUID(default=None, null=True)
    terminal_id = UUID(default=None, null=True)
    official_id = UUID(default=None, null=True)
    action = Text(default=None)
    scenario = Text(default=None, null=True)
    outcome = Text(default=None)
    told = JSONB(default=None)
    reference = Text(default=None, null=True)
    trace_id = UUID(default=None, null=True)

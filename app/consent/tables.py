"""Who accepted which consent text; the texts and the access log are named in SQL alone."""

from __future__ import annotations

from piccolo.columns import UUID, ForeignKey, Integer, OnDelete, Text, Timestamptz
from piccolo.table import Table

from app.citizen.tables import Citizen
from app.kit.db.pieces import PartitionPlan

PARTITIONS = (PartitionPlan("access_log", "month", 31, 62),)


class Consent(Table, tablename="consent"):
    """One acceptance; (purpose, version) refers to a consent text, and at most one per purpose is not withdrawn."""

    id = UUID(primary_key=True, default=None)
    citizen_id = ForeignKey(Citizen, null=False, on_delete=OnDelete.restrict, default=None)
    purpose = Text(default=None)
    version = Integer(default=None)
    given_at = Timestamptz(default=None)
    withdrawn_at = Timestamptz(default=None, null=True)


OTHER_TABLES = ("access_log", "consent_text")

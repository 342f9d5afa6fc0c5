"""The tables of redeeming. Their statements lock, count and conflict, so that all of them are SQL."""

from __future__ import annotations

from app.kit.db.pieces import PartitionPlan

PARTITIONS = (
    PartitionPlan("scan", "day", 8, 8, is_dropped=True),
    PartitionPlan("refused_try", "month", 62, 62, is_dropped=True),
    PartitionPlan("benefit_use", "year", 366, 400),
)
OTHER_TABLES = ("benefit_usage", "benefit_use", "redemption", "refused_try", "reversal", "scan")

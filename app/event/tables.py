"""What happened, and in which life of the cluster: named in SQL alone."""

from __future__ import annotations

from app.kit.db.pieces import PartitionPlan

OTHER_TABLES = ("event", "event_epoch")
PARTITIONS = (PartitionPlan("event", "month", 31, 62),)

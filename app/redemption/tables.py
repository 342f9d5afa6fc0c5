"""Scans, redemptions, reversals, and how much of each benefit is used."""

from __future__ import annotations

from piccolo.columns import UUID, BigInt, Boolean, Bytea, Date, Integer, SmallInt, Text, Timestamptz
from piccolo.table import Table

from app.kit.db.pieces import PartitionPlan

PARTITIONS = (
    PartitionPlan("scan", "day", 8, 8, is_dropped=True),
    PartitionPlan("refused_try", "month", 62, 62, is_dropped=True),
    PartitionPlan("benefit_use", "year", 366, 400),
)


class Scan(Table, tablename="scan"):
    """A code resolved by one store; one partition per slot day, seven kept."""

    slot_day = Date(primary_key=True, default=None)
    code_id = Text(primary_key=True, default=None)
    id = UUID(default=None)
    institution_id = UUID(default=None)
    store_id = UUID(default=None)
    terminal_id = UUID(default=None)
    citizen_id = UUID(default=None)
    scenario = Text(default=None, null=True)
    scanned_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)


class RefusedTry(Table, tablename="refused_try"):
    """A try to redeem that was refused before its statement, without its citizen; by month, two months kept."""

    reference = Text(primary_key=True, default=None)
    institution_id = UUID(primary_key=True, default=None)
    at = Timestamptz(primary_key=True, default=None)
    id = UUID(primary_key=True, default=None)
    store_id = UUID(default=None, null=True)
    terminal_id = UUID(default=None, null=True)
    outcome = Text(default=None)
    trace_id = UUID(default=None)


class BenefitUsage(Table, tablename="benefit_usage"):
    """How many places of a limited benefit are taken; ``is_whole`` once every redemption that stands is counted."""

    benefit_id = UUID(primary_key=True, default=None)
    used = BigInt(default=0)
    is_whole = Boolean(default=False)


class BenefitUse(Table, tablename="benefit_use"):
    """How often one person used one benefit (or one step of it) in one period; void once the limits are newer.

    ``cap`` is what the newest use was held against; who redeems brings the one in force.
    """

    benefit_id = UUID(primary_key=True, default=None)
    cap_holder_id = UUID(primary_key=True, default=None)
    step = SmallInt(primary_key=True, default=None)
    period_on = Date(primary_key=True, default=None)
    used = Integer(default=None)
    period_ends_on = Date(default=None, null=True)
    limits_version = Integer(default=0)
    cap = Integer(default=None, null=True)


class Redemption(Table, tablename="redemption"):
    """One benefit used by one citizen at one partner, with the answer the partner got.

    Keys lead with time: ``slot_day`` is the UTC day of the code, ``redeemed_on`` the day in the city.
    """

    institution_id = UUID(primary_key=True, default=None)
    id = UUID(primary_key=True, default=None)
    scan_id = UUID(default=None)
    benefit_id = UUID(default=None)
    citizen_id = UUID(default=None)
    cap_holder_id = UUID(default=None, null=True)
    store_id = UUID(default=None)
    terminal_id = UUID(default=None)
    amount_fen = BigInt(default=None, null=True)
    discount_fen = BigInt(default=None, null=True)
    redeemed_at = Timestamptz(default=None)
    reversible_until = Timestamptz(default=None)
    slot_day = Date(default=None)
    redeemed_on = Date(default=None)
    period_on = Date(default=None, null=True)
    campaign_version = Integer(default=None)
    reference_turn = SmallInt(default=0)
    step = SmallInt(default=None, null=True)
    is_stock_counted = Boolean(default=None)
    state = Text(default=None)
    idempotency_key = Text(default=None)
    reference = Text(default=None)
    benefit_code = Text(default=None)
    title = Text(default=None)
    request_digest = Bytea(default=None)
    answer = Bytea(default=None)


class Reversal(Table, tablename="reversal"):
    """The undoing of one redemption."""

    institution_id = UUID(primary_key=True, default=None)
    redemption_id = UUID(primary_key=True, default=None)
    id = UUID(default=None)
    idempotency_key = Text(default=None)
    request_digest = Bytea(default=None)
    reason = Text(default=None)
    reversed_at = Timestamptz(default=None)
    answer = Bytea(default=None)

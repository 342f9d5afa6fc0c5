"""Partitions are made ahead, once, by however many ask; old scans are dropped; days ahead are counted without a gap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta

import msgspec
import pytest

from app.kit.clock import now
from app.kit.db.database import execute, fetch_all, fetch_value
from app.kit.db.partitions import count_days_ahead, drop_old_partitions, list_plans, make_partitions
from app.kit.db.pieces import PartitionPlan, compute_pieces
from app.values.days import shanghai_day
from tests.support.tables import list_tables_cut_by_time

FAR = timedelta(days=4000)  # these tests play in a time of their own
PLANS = list_plans()
SCANS = next(plan for plan in PLANS if plan.table == "scan")


class Piece(msgspec.Struct, frozen=True):
    """A partition, the table it is of, and what it holds."""

    parent: str
    name: str
    bounds: str


@pytest.fixture
async def today(app: object) -> AsyncIterator[date]:
    del app
    day = shanghai_day(now()) + FAR
    yield day
    for plan in PLANS:
        for name, _, _ in compute_pieces(plan, day):
            await execute(f"DROP TABLE IF EXISTS {name}")


@pytest.mark.parametrize(
    ("plan", "day", "pieces"),
    [
        (
            PartitionPlan("scan", "day", 1, 1), date(2026, 3, 1),
            [("scan_20260228", "2026-02-28", "2026-03-01"), ("scan_20260301", "2026-03-01", "2026-03-02"),
             ("scan_20260302", "2026-03-02", "2026-03-03")],
        ),
        (
            PartitionPlan("event", "month", 31, 31), date(2026, 1, 31),
            [("event_20251201", "2025-12-01", "2026-01-01"), ("event_20260101", "2026-01-01", "2026-02-01"),
             ("event_20260201", "2026-02-01", "2026-03-01"), ("event_20260301", "2026-03-01", "2026-04-01")],
        ),
        (
            PartitionPlan("use", "year", 1, 1), date(2026, 12, 31),
            [("use_20260101", "2026-01-01", "2027-01-01"), ("use_20270101", "2027-01-01", "2028-01-01")],
        ),
    ],
)  # fmt: skip
def test_pieces_join_without_gap_or_overlap(plan: PartitionPlan, day: date, pieces: list[tuple[str, str, str]]) -> None:
    computed = compute_pieces(plan, day)
    if plan.width != "month":
        assert [(name, str(begin), str(end)) for name, begin, end in computed] == pieces
    assert [one[2] for one in computed[:-1]] == [one[1] for one in computed[1:]]
    assert computed[0][1] <= day - timedelta(days=plan.days_before)
    assert computed[-1][2] > day + timedelta(days=plan.days_ahead)


async def test_every_table_that_is_cut_by_time_has_its_plan(app: object) -> None:
    """A table whose room says nothing has no piece for tomorrow."""
    del app
    assert sorted(plan.table for plan in PLANS) == sorted(await list_tables_cut_by_time())


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.table)
def test_every_day_of_four_years_has_its_pieces(plan: PartitionPlan) -> None:
    for offset in range(1461):
        day = date(2024, 1, 1) + timedelta(days=offset)
        assert any(begin <= day < end for _, begin, end in compute_pieces(plan, day))


async def test_partitions_are_made_once_by_however_many_ask(today: date) -> None:
    made = await asyncio.gather(*(make_partitions(today) for _ in range(4)))
    wanted = {piece[0] for plan in PLANS for piece in compute_pieces(plan, today)}
    assert {name for names in made for name in names} == wanted
    assert sum(map(len, made)) == len(wanted)
    assert await make_partitions(today) == []
    attached = await fetch_value(
        "SELECT count(*) FROM pg_inherits WHERE inhrelid = ANY($1::text[]::regclass[])", sorted(wanted)
    )
    assert attached == len(wanted)


async def test_days_ahead_end_at_the_first_gap(today: date) -> None:
    assert await count_days_ahead(today) == 0
    await make_partitions(today)
    days_ahead = await count_days_ahead(today)
    assert days_ahead == min(plan.days_ahead for plan in PLANS)
    await execute(f"DROP TABLE scan_{today + timedelta(days=3):%Y%m%d}")
    assert await count_days_ahead(today) == 2
    await execute(f"DROP TABLE scan_{today:%Y%m%d}")
    assert await count_days_ahead(today) == 0


async def test_old_scans_are_dropped_at_the_edge_and_nothing_else(today: date) -> None:
    await make_partitions(today)
    # The partitions of the present are far older than those of this test: they stay out of it.
    present = await fetch_all(
        Piece,
        """
        SELECT inhparent::regclass::text AS parent, relname::text AS name, pg_get_expr(relpartbound, oid) AS bounds
        FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent::regclass::text = ANY($1) AND relname < inhparent::regclass::text || '_' || $2
        """,
        [plan.table for plan in PLANS if plan.is_dropped],
        f"{today - timedelta(days=200):%Y%m%d}",
    )
    for piece in present:
        await execute(f"ALTER TABLE {piece.parent} DETACH PARTITION {piece.name}")
    try:
        assert await drop_old_partitions(today) == []
        tomorrow = today + timedelta(days=1)
        first = compute_pieces(SCANS, today)[0][0]
        old = [name for plan in PLANS if plan.is_dropped for name in _names(plan, today) - _names(plan, tomorrow)]
        assert await drop_old_partitions(tomorrow) == old
        assert first in old
        assert await fetch_value("SELECT to_regclass($1) IS NULL", first)
        assert await fetch_value("SELECT to_regclass($1) IS NOT NULL", f"event_{today:%Y%m}01")
    finally:
        for piece in present:
            await execute(f"ALTER TABLE {piece.parent} ATTACH PARTITION {piece.name} {piece.bounds}")


def _names(plan: PartitionPlan, day: date) -> set[str]:
    return {name for name, _, _ in compute_pieces(plan, day)}

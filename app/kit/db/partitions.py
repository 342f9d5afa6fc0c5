"""Partitions made ahead of time with LIKE + ATTACH, so that an insert never waits for one and never misses one."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from importlib import import_module

import msgspec

from app.kit.db.database import execute, fetch_all, is_in_transaction, transaction
from app.kit.db.pieces import PartitionPlan, compute_pieces
from app.piccolo_app import TABLE_MODULES

PARTITION_LOCK = 0x70617274  # "part"


class PartitionName(msgspec.Struct, frozen=True):
    """A partition that exists."""

    name: str


@cache
def list_plans() -> tuple[PartitionPlan, ...]:
    """Return what every room says about its tables that are cut by time: the ``PARTITIONS`` of its ``tables``."""
    modules = [import_module(name) for name in TABLE_MODULES]  # by name: the kit leans on no room
    return tuple(plan for module in modules for plan in getattr(module, "PARTITIONS", ()))


async def make_partitions(today: date) -> list[str]:
    """Make what is missing, and return the names made."""
    wanted = [(plan.table, *piece) for plan in list_plans() for piece in compute_pieces(plan, today)]
    missing = await _find_missing([name for _, name, _, _ in wanted])
    if not missing:
        return []
    assert not is_in_transaction()
    async with transaction():
        await execute("SELECT pg_advisory_xact_lock($1)", PARTITION_LOCK)
        missing = await _find_missing([name for _, name, _, _ in wanted])
        for table, name, begin, end in wanted:
            if name in missing:
                await execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
                await execute(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{begin}') TO ('{end}')")
    return sorted(missing)


async def drop_old_partitions(today: date) -> list[str]:
    """Drop the pieces a plan no longer wants, and return their names; tills wait at most a blink for the lock."""
    dropped: list[str] = []
    for plan in list_plans():
        oldest_wanted = compute_pieces(plan, today)[0][0]
        for name in await _find_pieces(plan.table) if plan.is_dropped else []:
            if name < oldest_wanted:
                async with transaction():
                    await execute("SET LOCAL lock_timeout = '200ms'")
                    await execute(f"DROP TABLE {name}")
                dropped.append(name)
    return dropped


async def count_days_ahead(today: date) -> int:
    """Return for how many days after today every plan has its pieces, without a gap."""
    plans = [[piece for piece in compute_pieces(plan, today) if piece[2] > today] for plan in list_plans()]
    missing = await _find_missing([name for pieces in plans for name, _, _ in pieces])
    return min(_count_days(pieces, missing, today) for pieces in plans)


def _count_days(pieces: list[tuple[str, date, date]], missing: set[str], today: date) -> int:
    reached = today
    for name, _, end in pieces:
        if name in missing:
            break
        reached = end - timedelta(days=1)
    return (reached - today).days


async def _find_missing(names: list[str]) -> set[str]:
    found = await fetch_all(
        PartitionName,
        """
        SELECT relname AS name FROM pg_class
        WHERE relname = ANY($1) AND relnamespace = current_schema()::regnamespace
        """,
        names,
    )
    return set(names) - {row.name for row in found}


async def _find_pieces(table: str) -> list[str]:
    """Return the names of a table's dated pieces, oldest first."""
    found = await fetch_all(
        PartitionName,
        """
        SELECT relname AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = $1::regclass AND relname ~ ('^' || $2 || '_[0-9]{8}$')
        ORDER BY relname
        """,
        table,
        table,
    )
    return [row.name for row in found]

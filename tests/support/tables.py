"""The tables of the database, as it says itself."""

from __future__ import annotations

from unittest.mock import patch

import msgspec

from app.kit.clock import now
from app.kit.db import partitions
from app.kit.db.database import fetch_all
from app.values.days import shanghai_day

CITIZENS_COLUMN = "citizen(?!s)|cap_holder|account_number|person_hash|person_index|openid|id_number|phone|name_cipher"


class Named(msgspec.Struct, frozen=True):
    """A table."""

    name: str


async def list_tables() -> list[str]:
    """Return every table of the database; of one that is cut into partitions the whole."""
    rows = await fetch_all(
        Named,
        """
        SELECT relname AS name FROM pg_class
         WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = current_schema()::regnamespace
         ORDER BY relname
        """,
    )
    return [row.name for row in rows]


async def list_tables_of_citizens() -> set[str]:
    """Return every table with a column that names a citizen, or that refers to one."""
    rows = await fetch_all(
        Named,
        """
        SELECT DISTINCT c.relname AS name
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = current_schema()::regnamespace
           AND (a.attname ~ $1 OR EXISTS (
                SELECT FROM pg_constraint f WHERE f.conrelid = c.oid AND f.confrelid = 'citizen'::regclass
                   AND a.attnum = ANY(f.conkey)))
        """,
        CITIZENS_COLUMN,
    )
    return {row.name for row in rows}


async def list_tables_cut_by_time() -> set[str]:
    """Return every table with partitions by range."""
    rows = await fetch_all(
        Named,
        """
        SELECT relname AS name FROM pg_partitioned_table JOIN pg_class ON pg_class.oid = partrelid
         WHERE partstrat = 'r' AND relnamespace = current_schema()::regnamespace
        """,
    )
    return {row.name for row in rows}


async def make_partitions_of_then() -> None:
    """Make the partitions of the tables that a city of an earlier version has."""
    tables = await list_tables()
    plans = tuple(plan for plan in partitions.list_plans() if plan.table in tables)
    with patch.object(partitions, "list_plans", lambda: plans):
        await partitions.make_partitions(shanghai_day(now()))

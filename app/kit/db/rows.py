"""Statements about one table, written with its Piccolo class and run like every other one.

Piccolo writes the text and collects the parameters; ``kit.db.database`` runs it, so that a transaction, a time limit
and a failure mean the same for every statement. Writing one takes some 0.2 ms: not for hot paths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from app.kit.db.database import execute, fetch_all, fetch_one, fetch_value

if TYPE_CHECKING:
    import msgspec
    from piccolo.query.base import Query
    from piccolo.query.methods.select import Select
    from piccolo.table import Table

Row = TypeVar("Row", bound="msgspec.Struct")


def select(table: type[Table], row_type: type[msgspec.Struct]) -> Select[Any]:
    """Begin a statement that reads the columns a struct has fields for, by their names."""
    return table.select(*(getattr(table, name) for name in row_type.__struct_fields__))


async def fetch_rows(row_type: type[Row], query: Query[Any, Any], *, limit: int | None = None) -> list[Row]:
    """Run a statement and return its rows as ``row_type``; at most ``limit``, when it is given.

    The limit is a parameter here. Piccolo's own ``limit()`` writes the number into the text: every size of a page would
    be another prepared statement, and push the hot ones out of those a connection remembers.
    """
    sql, arguments = _write(query)
    if limit is not None:
        arguments.append(limit)
        sql += f" LIMIT ${len(arguments)}"
    return await fetch_all(row_type, sql, *arguments)


async def fetch_row(row_type: type[Row], query: Query[Any, Any]) -> Row | None:
    """Run a statement and return its first row as ``row_type``."""
    sql, arguments = _write(query)
    return await fetch_one(row_type, sql, *arguments)


async def fetch_field(query: Query[Any, Any]) -> Any:
    """Run a statement and return the first column of its first row, or None."""
    sql, arguments = _write(query)
    return await fetch_value(sql, *arguments)


async def run(query: Query[Any, Any]) -> int:
    """Run a statement for its effect; how many rows it touched."""
    sql, arguments = _write(query)
    return await execute(sql, *arguments)


def _write(query: Query[Any, Any]) -> tuple[str, list[Any]]:
    (written,) = query.querystrings
    return written.compile_string()

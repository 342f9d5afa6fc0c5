"""Queries are looked at by the run itself; here it is shown that it looks."""

from __future__ import annotations

import ast

import msgspec
import pytest

from app.event import queries as event_queries
from app.kit.db.database import fetch_all, fetch_one
from tests.support.queries import ENTERED, add_notes, find_idle, list_queries

SOURCE = '''
async def find_one():
    """Find one."""
    raise LookupError

def find_other(): return 1
'''
QUERIES_MIN = 200  # fewer found: queries lie where this does not look


class Pair(msgspec.Struct, frozen=True):
    """Two columns."""

    one: int
    other: int = 2


def test_a_function_is_noted_when_it_is_entered_and_only_then() -> None:
    entered: list[str] = []
    names = {"_note_entry": entered.append}
    exec(compile(add_notes(ast.parse(SOURCE), "app.x.queries"), "x", "exec"), names)  # noqa: S102 - our own text
    assert entered == []
    assert names["find_other"]() == 1  # type: ignore[call-arg]
    assert entered == ["app.x.queries.find_other"]


def test_lines_stay_where_they_are() -> None:
    tree = add_notes(ast.parse(SOURCE), "app.x.queries")
    assert [node.body[-1].lineno for node in tree.body if isinstance(node, ast.AsyncFunctionDef)] == [4]


async def test_the_queries_of_this_run_are_noted(app: object) -> None:
    del app
    name = f"{event_queries.__name__}.{event_queries.insert_events.__name__}"
    ENTERED.discard(name)
    await event_queries.insert_events([], [])
    assert name in ENTERED


def test_a_query_that_nobody_sends_is_found() -> None:
    queries = list_queries()
    assert len(queries) >= QUERIES_MIN
    assert find_idle(queries) == []
    assert find_idle(queries[1:]) == queries[:1]


@pytest.mark.parametrize("fetch", [fetch_one, fetch_all])
@pytest.mark.parametrize("columns", ["1 AS one", "1 AS one, 2 AS other, 3 AS third", "1 AS one, 2 AS other, 3 AS one"])
async def test_a_statement_with_other_columns_fails_although_it_returns_nothing(
    app: object, fetch: object, columns: str
) -> None:
    del app
    with pytest.raises(AssertionError, match="Pair has"):
        await fetch(Pair, f"SELECT {columns} WHERE false")  # type: ignore[operator]

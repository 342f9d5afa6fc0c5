"""Statements that take many rows at once: what is passed as ``$n`` is what the statement calls by that place's name."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from app.record.rows import NewRows
from app.redemption.till.queries.lanes import ScanItem

APP = Path(__file__).parents[1] / "app"
# unnest($1::uuid[], $2::text[]) AS given (id, name): places and their names.
GIVEN = re.compile(r"unnest\(((?:\s*\$\d+::[a-z0-9_ ]+\[\],?)+)\s*\)\s*(?:WITH ORDINALITY\s+)?AS \w+ \(([^)]+)\)")
# How many arguments stand before the first parameter.
ASKING = {"execute": 1, "fetch_value": 1, "fetch_all": 2, "fetch_one": 2, "connection.fetch": 1}
PARAMETERS_MAX = 100
BATCHES_MIN, ARRAYS_MIN = 20, 40  # fewer found: the statements are written in a way that this file does not read


def module_at(path: Path) -> ModuleType:
    """Return a file as a module."""
    return importlib.import_module(".".join(path.relative_to(APP.parent).with_suffix("").parts))


def text_of(node: ast.expr, path: Path) -> str:
    """Return a statement as far as it is written out: here, in a constant of the module, or in ``sql/``."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part, path) for part in node.values)
    if isinstance(node, ast.FormattedValue | ast.IfExp):
        return text_of(node.body if isinstance(node, ast.IfExp) else node.value, path)
    if isinstance(node, ast.Name):
        return str(getattr(module_at(path), node.id, ""))
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "read_sql":
        return (path.parent / "sql" / f"{ast.literal_eval(node.args[1])}.sql").read_text(encoding="utf-8")
    return ""


def names_of(argument: ast.expr, function: ast.AsyncFunctionDef, path: Path) -> list[str | None]:
    """Return what an argument holds a column of: of ``[one.name for one in rows]`` that is ``name``; None: unknown."""
    if isinstance(argument, ast.ListComp):
        row = argument.generators[0].target
        fields = [
            node.attr
            for node in ast.walk(argument.elt)
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) in (ast.unparse(row), "rows")
        ]
        return [fields[0] if len(fields) == 1 else None]
    if isinstance(argument, ast.Starred):
        called = argument.value
        if not isinstance(called, ast.Call) or ast.unparse(called.func) != "_columns":
            return [None] * PARAMETERS_MAX
        (rows,) = called.args
        (kind,) = (
            re.sub(r"Sequence\[(\w+)\]", r"\1", ast.unparse(one.annotation))
            for one in function.args.args
            if one.annotation is not None and one.arg == ast.unparse(rows)
        )
        return list(getattr(module_at(path), kind).__struct_fields__)
    return [None]


def find_batches() -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """Yield every batch statement with (name in the statement, name of what is passed) of each of its arrays."""
    for path in sorted(APP.rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.AsyncFunctionDef):
                continue
            for call in ast.walk(function):
                before = ASKING.get(ast.unparse(call.func)) if isinstance(call, ast.Call) else None
                if before is None or not isinstance(call, ast.Call) or len(call.args) < before:
                    continue
                statement = text_of(call.args[before - 1], path)
                for given in GIVEN.finditer(statement):
                    passed = [name for one in call.args[before:] for name in names_of(one, function, path)]
                    places = [int(place) for place in re.findall(r"\$(\d+)", given[1])]
                    names = [name.strip() for name in given[2].split(",")]
                    pairs = [(name, passed[place - 1]) for place, name in zip(places, names, strict=False)]
                    yield f"{path.relative_to(APP)}:{function.name}", pairs


BATCHES = list(find_batches())


def test_the_statements_are_found() -> None:
    assert len(BATCHES) >= BATCHES_MIN
    assert [len(pairs) for where, pairs in BATCHES if where.endswith(":scan_many")] == [len(ScanItem.__struct_fields__)]
    assert sum(passed is not None for _, pairs in BATCHES for _, passed in pairs) >= ARRAYS_MIN


@pytest.mark.parametrize(("where", "pairs"), BATCHES, ids=[where for where, _ in BATCHES])
def test_arrays_are_passed_in_the_order_in_which_the_statement_names_them(
    where: str, pairs: list[tuple[str, str | None]]
) -> None:
    assert [(name, passed) for name, passed in pairs if passed is not None and passed != name] == [], where


def test_the_columns_of_records_are_the_fields_of_their_rows() -> None:
    """They come as texts, and the ids last: the places are read off the statement."""
    statement = (APP / "record/queries/sql/put_rows.sql").read_text(encoding="utf-8")
    body, names = re.split(r"WITH ORDINALITY AS given \(", statement)
    places = [int(place) for place in re.findall(r"string_to_array\(\$(\d+)", body)]
    named = dict(zip(places, (name.strip() for name in names[: names.index(")")].split(",")), strict=False))
    fields = [name for name in NewRows.__struct_fields__ if name != "facts"]
    assert [named[place] for place in sorted(named)] == [*fields, "facts_digest", "id"]

"""What a run of the suite shows of queries: each one that was sent, and whether its rows have its statement's columns.

Modules of queries are read with one more line in each function, which notes that it was entered: however it is called,
and at next to no cost. A whole run that ends well and has not entered one of them fails (``tests/conftest.py``).
"""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

APP = Path(__file__).parents[2] / "app"
KIND = "queries"
NOTE = "_note_entry"
ENTERED: set[str] = set()  # "module.function"
_compared: set[tuple[object, str]] = set()


class NotingLoader(SourceFileLoader):
    """Reads a module of queries so that it notes which of its functions are entered."""

    def get_code(self, fullname: str) -> CodeType:
        """Compile the file anew: what Python keeps beside it knows no notes, and is to know none."""
        path = self.get_filename(fullname)
        return compile(add_notes(ast.parse(self.get_data(path)), fullname), path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, which finds under ``NOTE`` where to note."""
        setattr(module, NOTE, ENTERED.add)
        super().exec_module(module)


class QueryFinder(MetaPathFinder):
    """Finds the modules of queries; all others are found as ever."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to load a module of queries."""
        del target
        if not (fullname.startswith("app.") and KIND in fullname.split(".")):
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None and spec.origin is not None:
            spec.loader = NotingLoader(fullname, spec.origin)
        return spec


def note_queries() -> None:
    """Have every module of queries that is imported from now on note what is entered."""
    sys.meta_path.insert(0, QueryFinder())


def add_notes(tree: ast.Module, module: str) -> ast.Module:
    """Begin every function at the top of a module with a note, under the line of its first statement."""
    for node in iter_functions(tree):
        place = int(ast.get_docstring(node, clean=False) is not None)
        note = ast.parse(f"{NOTE}({f'{module}.{node.name}'!r})").body[0]
        for one in ast.walk(note):
            ast.copy_location(one, node.body[0])
        node.body.insert(place, note)
    return tree


def iter_functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the functions at the top of a module."""
    yield from (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def list_queries() -> list[str]:
    """Return every function of every module of queries."""
    found = []
    for path in sorted(APP.rglob("*.py")):
        parts = path.relative_to(APP.parent).with_suffix("").parts
        if KIND in parts and path.name != "__init__.py":
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found += [f"{'.'.join(parts)}.{node.name}" for node in iter_functions(tree)]
    return found


def find_idle(entered: Collection[str]) -> list[str]:
    """Return the queries that were not entered."""
    return [name for name in list_queries() if name not in entered]


def compare_rows(database: ModuleType) -> None:
    """Have ``fetch_one`` and ``fetch_all`` compare the columns of each new statement with the fields of its rows."""
    for name in ("fetch_one", "fetch_all"):
        setattr(database, name, _comparing(getattr(database, name), database))


def _comparing(fetch: Callable[..., Awaitable[Any]], database: ModuleType) -> Callable[..., Awaitable[Any]]:
    borrow = database.borrow  # as it is now: a test that replaces it counts statements, and not these

    @functools.wraps(fetch)
    async def comparing(row_type: type, sql: str, *arguments: object) -> Any:
        found = await fetch(row_type, sql, *arguments)
        if (row_type, sql) not in _compared:
            async with borrow() as connection:
                columns = (await connection.prepare(sql)).get_attributes()
                await connection.execute("SELECT 1")  # a statement that is prepared alone runs on, into its time limit
            need_same(row_type, [column.name for column in columns])
            _compared.add((row_type, sql))
        return found

    return comparing


def need_same(row_type: type, columns: Sequence[str]) -> None:
    """Fail where a statement returns other columns than its rows have fields, also where no row came back."""
    fields: Sequence[str] = getattr(row_type, "__struct_fields__", ())
    assert sorted(columns) == sorted(fields), f"{row_type.__qualname__} has {fields}, its statement returns {columns}"

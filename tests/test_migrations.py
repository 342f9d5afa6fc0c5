"""Migrations are numbered without a gap, safe to run twice and at once; what is written of their tables is so."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import os
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from piccolo.columns import Column, ForeignKey
from piccolo.table import Table

from app.kit.db.migration import list_migrations
from app.kit.db.schema import NOT_OURS, render_schema
from app.piccolo_app import APP_CONFIG
from tests.support.floors import read_owners

FOLDER = Path(__file__).parents[1] / "migrations"
FILES = sorted(FOLDER.glob("m*.py"))
# Piccolo has no name for these: it calls them by the type that comes nearest.
NEAREST = {
    "smallint": {"SMALLINT"},
    "integer": {"INTEGER"},
    "bigint": {"BIGINT"},
    "text": {"TEXT"},
    "uuid": {"UUID"},
    "bytea": {"BYTEA"},
    "boolean": {"BOOLEAN"},
    "date": {"DATE"},
    "jsonb": {"JSONB"},
    "timestamp with time zone": {"TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"},
    "text[]": {"TEXT[]"},
    "integer[]": {"INTEGER[]"},
    "bigint[]": {"BIGINT[]"},
    "uuid[]": {"UUID[]"},
    "xid8": {"XID8", "BIGINT"},
}
QUEUE = "m0014_queue"  # what pgqueuer installs for itself, with the one function and the one trigger there are
QUEUE_FUNCTION = re.compile(
    r"create function fn_pgqueuer_changed\(\) returns trigger as \$\$.*?\$\$ language plpgsql;", re.DOTALL
)
QUEUE_TRIGGER = "create trigger tg_pgqueuer_changed\n"


def test_numbers_are_unbroken_and_say_what_the_files_say() -> None:
    assert list_migrations() == [f"{number:04}" for number in range(1, len(FILES) + 1)]
    for path in FILES:
        module = load(path)
        assert path.stem[1:5] == module.ID
        assert module.DESCRIPTION


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_migration_uses_what_the_house_does_not(path: Path) -> None:
    sql = load(path).SQL.lower()
    if path.stem == QUEUE:
        sql = QUEUE_FUNCTION.sub("", sql, count=1).replace(QUEUE_TRIGGER, "", 1)
    assert "plpgsql" not in sql
    assert "create trigger" not in sql
    assert "create extension" not in sql
    assert "on delete cascade" not in sql
    assert "public." not in sql


def test_the_queue_is_what_the_installed_pgqueuer_would_install() -> None:
    said = QueryBuilderEnvironment().build_install_query(create_schema=False)
    _, _, statements = said.partition("\n\n")  # after a line that names the version
    assert load(FOLDER / f"{QUEUE}.py").SQL.strip() == statements.strip()


async def test_tables_agree_with_the_migrated_database(app: object) -> None:
    del app  # it has migrated
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    try:
        found = await find_columns(connection)
    finally:
        await connection.close()
    wrong = [
        f"{table._meta.tablename}.{column}: {problem}"
        for table in APP_CONFIG.table_classes
        for column, problem in compare(table, found.get(table._meta.tablename, {}))
    ]
    assert not wrong
    owners = read_owners()
    assert sorted(owners) == sorted(found), "a table without a class is named in OTHER_TABLES of its room's tables.py"
    assert [name for name, rooms in owners.items() if len(rooms) > 1] == []


def test_every_table_class_is_used_by_a_statement() -> None:
    """What a class says that no statement uses is read in ``schema.sql``; its table is a name in ``OTHER_TABLES``."""
    used = set[str]()
    for path in (FOLDER.parent / "app").rglob("*.py"):
        if path.name != "tables.py" and ("kit" in path.parts or {"queries", "queries.py"} & set(path.parts)):
            used |= find_used(ast.parse(path.read_text(encoding="utf-8")))
    declared = {f"{table.__module__}.{table.__name__}" for table in APP_CONFIG.table_classes}
    assert sorted(declared - used) == []


async def test_every_foreign_key_of_a_table_is_one_of_the_database(app: object) -> None:
    del app
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    try:
        rows = await connection.fetch(
            """
            SELECT conrelid::regclass::text AS name, attname, confrelid::regclass::text AS target
            FROM pg_constraint, unnest(conkey) AS key JOIN pg_attribute ON attnum = key
            WHERE contype = 'f' AND attrelid = conrelid AND conparentid = 0
            """
        )
    finally:
        await connection.close()
    keys = {(row["name"], row["attname"], row["target"]) for row in rows}
    declared = {
        (
            table._meta.tablename,
            column._meta.db_column_name,
            column._foreign_key_meta.resolved_references._meta.tablename,
        )
        for table in APP_CONFIG.table_classes
        for column in table._meta.foreign_key_columns
    }
    assert declared <= keys


async def test_migrating_twice_and_two_at_once_makes_the_schema_once() -> None:
    name = f"migrate_{uuid4().hex}"
    url = os.environ["DATABASE_URL"]
    server = await asyncpg.connect(url)
    await server.execute(f'CREATE DATABASE "{name}"')
    fresh = urlsplit(url)._replace(path=f"/{name}").geturl()
    try:
        said = await asyncio.gather(run_migrate(fresh), run_migrate(fresh))
        assert sum("0001" in one for one in said) >= 1
        before = await dump(fresh)
        await run_migrate(fresh)
        assert await dump(fresh) == before
        assert before == ((FOLDER / "schema.sql").read_text(encoding="utf-8"), list_migrations()), "make schema"
    finally:
        await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await server.close()


async def run_migrate(url: str) -> str:
    """Run ``huixin migrate`` in a process of its own, which must succeed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", "migrate",
        env={**os.environ, "DATABASE_URL": url}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def dump(url: str) -> tuple[str, list[str]]:
    """Return the schema of a database, and its migrations in order."""
    connection = await asyncpg.connect(url)
    try:
        applied = await connection.fetch("SELECT number FROM migration_applied ORDER BY number")
        marked = await connection.fetch("SELECT name FROM migration ORDER BY name")
        assert [row["number"] for row in applied] == [row["name"] for row in marked]
        return await render_schema(connection), [row["number"] for row in applied]
    finally:
        await connection.close()


async def find_columns(connection: asyncpg.Connection[Any]) -> dict[str, dict[str, tuple[str, bool]]]:
    """Return type and nullability of every column of every table that is no part of another."""
    rows = await connection.fetch(
        """
        SELECT relname, attname, format_type(atttypid, NULL) AS type, attnotnull
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
            AND attnum > 0 AND NOT attisdropped AND relname <> ALL($1::text[])
        ORDER BY relname, attnum
        """,
        NOT_OURS,
    )
    tables: dict[str, dict[str, tuple[str, bool]]] = {}
    for row in rows:
        tables.setdefault(row["relname"], {})[row["attname"]] = (row["type"], not row["attnotnull"])
    return tables


def compare(table: type[Table], found: dict[str, tuple[str, bool]]) -> list[tuple[str, str]]:
    """Return what a Piccolo table says otherwise than the database."""
    declared = {column._meta.db_column_name: column for column in table._meta.columns}
    problems = [(name, "is in the database only") for name in found.keys() - declared.keys()]
    problems += [(name, "is in the table only") for name in declared.keys() - found.keys()]
    for name in declared.keys() & found.keys():
        column, (kind, is_nullable) = declared[name], found[name]
        if type_of(column) not in NEAREST[kind]:
            problems.append((name, f"is {kind}, the table says {type_of(column)}"))
        if column._meta.null != is_nullable:
            problems.append((name, f"nullable: {is_nullable}, the table says {column._meta.null}"))
    return problems


def type_of(column: Column) -> str:
    """Return a column's SQL type; a serial is an integer that counts, a foreign key has its target's type."""
    if isinstance(column, ForeignKey):
        return type_of(column._foreign_key_meta.resolved_target_column)
    return str(column.column_type).upper().replace("BIGSERIAL", "BIGINT").replace("SERIAL", "INTEGER")


def find_used(tree: ast.Module) -> set[str]:
    """Return what a module uses of what it imports, by dotted names: ``Notice``, and ``tables.Notice`` as well."""
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    origins = {alias.asname or alias.name: f"{node.module}.{alias.name}" for node in imports for alias in node.names}
    used = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            used.add(origins.get(node.id, ""))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            used.add(f"{origins.get(node.value.id, '')}.{node.attr}")
    return used


def load(path: Path) -> Any:
    """Import a migration from its file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

"""Lets a migration be plain SQL, run by Piccolo's own runner under one advisory lock."""

from __future__ import annotations

import contextlib
import io
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.apps.migrations.commands.forwards import run_forwards

from app.kit.db.database import fetch_value
from app.piccolo_conf import DB, connection_options

APP_NAME = "huixin"
MIGRATION_LOCK = 0x68757869  # "huxi"
POSTGRES_VERSION_MIN = 180000
FOLDER = Path(__file__).parents[3] / "migrations"


class MigrationFailed(Exception):  # noqa: N818
    """The database could not be brought to this version."""


def sql_migration(number: str, description: str, sql: str) -> MigrationManager:
    """Run ``sql`` in one transaction, giving up on a lock after four seconds.

    Piccolo marks a migration as run in a second transaction; the guard row makes a crash between the two harmless.
    """
    manager = MigrationManager(migration_id=number, app_name=APP_NAME, description=description)

    async def run() -> None:
        joined: Any = DB.current_transaction.get()
        assert joined is not None
        connection = joined.connection
        await connection.execute("SET LOCAL lock_timeout = '4s'; SET LOCAL statement_timeout = 0")
        await connection.execute("CREATE TABLE IF NOT EXISTS migration_applied (number text PRIMARY KEY)")
        done = await connection.execute("INSERT INTO migration_applied VALUES ($1) ON CONFLICT DO NOTHING", number)
        if done.endswith(" 1"):
            await connection.execute(sql)

    manager.add_raw(run)
    return manager


async def find_missing_migrations() -> list[str]:
    """Return the numbers of migrations this version has and the database has not run."""
    exists = await fetch_value("SELECT to_regclass('migration_applied') IS NOT NULL")
    if not exists:
        return list_migrations()
    missing: list[str] = await fetch_value(
        """
        SELECT coalesce(array_agg(wanted ORDER BY wanted), '{}')
        FROM unnest($1::text[]) AS wanted
        WHERE NOT EXISTS (SELECT FROM migration_applied WHERE number = wanted)
        """,
        list_migrations(),
    )
    return missing


@cache
def list_migrations() -> list[str]:
    """Return the numbers of this version's migrations, in order."""
    return sorted(path.stem[1:5] for path in FOLDER.glob("m[0-9][0-9][0-9][0-9]_*.py"))


async def migrate() -> str:
    """Bring the database to this version and return what was done; a second process waits and finds it done."""
    guard = await asyncpg.connect(**connection_options())
    try:
        version = guard.get_server_version()
        if version.major * 10000 < POSTGRES_VERSION_MIN:
            raise MigrationFailed(f"PostgreSQL 18 or newer is needed, this is {version.major}")
        await guard.execute("SET lock_timeout = 0; SET statement_timeout = 0")
        await guard.fetch("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            result = await run_forwards(APP_NAME)
        if not result.success:
            raise MigrationFailed(result.message)
        return said.getvalue()
    finally:
        await guard.close()

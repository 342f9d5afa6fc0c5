"""A city of a test file's own: what is told of everybody must not depend on which files ran before.

The application stays the same one and only speaks to another database, a copy of the one that was just migrated.
"""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import asyncpg

from app.event.actions import ensure_epoch
from app.kit.clock import now
from app.kit.db.database import execute, fetch_value, pool_options
from app.kit.db.partitions import make_partitions
from app.piccolo_conf import DB
from app.score.book.actions import find as find_actions
from app.score.engine import actions as engine_actions
from app.settings import read_settings
from app.values.days import shanghai_day

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

EMPTY = "_empty"
VERSION = "SELECT max(version) FROM cache_version"
# What is loaded counts as older than what the other database holds.
OUTDATE = "UPDATE cache_version SET version = $1::bigint + 1"


async def keep_empty_city() -> None:
    """Copy the migrated database while nobody is connected to it."""
    name = _name_database()
    await _administer(f'DROP DATABASE IF EXISTS "{name}{EMPTY}"', f'CREATE DATABASE "{name}{EMPTY}" TEMPLATE "{name}"')


@asynccontextmanager
async def in_own_city() -> AsyncIterator[None]:
    """Have this process speak to a new city, and to the one everybody shares again afterwards."""
    name = f"{_name_database()}_{secrets.token_hex(4)}"
    await _administer(f'CREATE DATABASE "{name}" TEMPLATE "{_name_database()}{EMPTY}"')
    async with speaking_to(_make_url(name)):
        await make_partitions(shanghai_day(now()))
        await ensure_epoch()
        yield
    await _administer(f'DROP DATABASE "{name}" WITH (FORCE)')


@asynccontextmanager
async def speaking_to(url: str) -> AsyncIterator[None]:
    """Have this process speak to another migrated database, and to its own again afterwards."""
    shared = DB.pool
    version = await fetch_value(VERSION)
    async with asyncpg.create_pool(url, **pool_options()) as own:
        DB.pool = own
        _forget_known()
        try:
            await execute(OUTDATE, version)
            yield
            version = await fetch_value(VERSION)
        finally:
            DB.pool = shared
            _forget_known()
            await execute(OUTDATE, version)


def _forget_known() -> None:
    """Forget what is known by the ids of one database."""
    find_actions._BOOKS.clear()
    engine_actions._TERMS.clear()


def _name_database() -> str:
    return urlsplit(read_settings().database_url).path[1:]


def _make_url(name: str) -> str:
    return urlsplit(read_settings().database_url)._replace(path=f"/{name}").geturl()


async def _administer(*statements: str) -> None:
    connection: Any = await asyncpg.connect(_make_url("postgres"))
    for statement in statements:
        await connection.execute(statement)
    await connection.close()

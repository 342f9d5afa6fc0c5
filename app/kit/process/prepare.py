"""What a city's database needs before anything runs on it: keys, this version's tables, partitions ahead."""

from __future__ import annotations

import asyncio

from app.kit.clock import now
from app.kit.db.database import database_lifespan
from app.kit.db.migration import migrate
from app.kit.db.partitions import make_partitions
from app.kit.security.keys import ensure_keys
from app.values.days import shanghai_day


def prepare_database() -> str:
    """Make keys where there are none, migrate, and make the partitions ahead; returns what migrating said."""
    ensure_keys()
    return asyncio.run(_prepare())


async def _prepare() -> str:
    said = await migrate()
    async with database_lifespan():
        await make_partitions(shanghai_day(now()))
    return said

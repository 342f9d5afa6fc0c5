"""One at a time among all processes, until it ends or its connection does."""

from __future__ import annotations

import asyncio

from app.kit.db.database import execute
from app.kit.db.lock import try_lock
from tests.support.working import SECONDS_MAX

LOCK = 0x74657374  # "test"


async def test_one_holds_the_lock_until_it_ends_or_its_connection_does(app: object) -> None:
    del app
    async with try_lock(LOCK) as first:
        assert first is not None
        async with try_lock(LOCK) as second:
            assert second is None
        killed = await execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1", LOCK
        )
        assert killed == 1
        await asyncio.wait_for(first.wait(), SECONDS_MAX)
        async with try_lock(LOCK) as third:
            assert third is not None
    async with try_lock(LOCK) as fourth:
        assert fourth is not None

"""The queue as the tests of jobs find it."""

# ruff: noqa: PLC0415 - pytest may read this file before the settings are in the environment

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest


@pytest.fixture
async def empty_queue(app: object) -> AsyncIterator[None]:
    """Begin and end with nothing in the queue."""
    from app.kit.db.database import execute

    del app
    for table in ("pgqueuer", "pgqueuer_log", "pgqueuer_schedules"):
        await execute(f"TRUNCATE {table}")
    yield
    await execute("TRUNCATE pgqueuer, pgqueuer_schedules")

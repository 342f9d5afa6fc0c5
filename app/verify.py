"""What must hold at any time, in production too; every check returns what is wrong, or None."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import click

from app.duties import CHECKS
from app.kit.db.database import database_lifespan
from app.kit.process import surroundings
from app.kit.security.keys import ensure_keys

CHECK_SECONDS_MAX = 600


@click.command()
def verify() -> None:
    """Check the invariants that hold at any time; exits with 1 when one does not."""
    with surroundings.database():
        failed = asyncio.run(run_checks(click.echo))
    if failed:
        raise SystemExit(1)


async def run_checks(say: Callable[[str], None]) -> int:
    """Run every check, say how each went, and return how many failed."""
    failed = 0
    ensure_keys()
    async with database_lifespan(command_seconds_max=CHECK_SECONDS_MAX):
        for check in CHECKS:
            problem = await check.find_problem()
            failed += problem is not None
            say(f"{'ok  ' if problem is None else 'FAIL'}  {check.name}{'' if problem is None else ': ' + problem}")
    return failed

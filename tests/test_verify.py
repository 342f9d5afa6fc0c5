"""``huixin verify`` runs every check, says how each went, and fails when one does."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, date, datetime
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from app import duties
from app.kit.clock import now
from app.kit.db.database import execute, fetch_value, transaction
from app.repair.actions import citizen as repair_actions
from app.score.current.actions import read as read_actions
from app.score.current.actions import rescore as rescore_actions
from tests.support.histories import make_citizens


async def test_a_fresh_city_holds() -> None:
    """Run on a database of its own: other tests break their city on purpose."""
    name = f"verify_{uuid4().hex}"
    url = os.environ["DATABASE_URL"]
    server = await asyncpg.connect(url)
    await server.execute(f'CREATE DATABASE "{name}"')
    try:
        fresh = {**os.environ, "DATABASE_URL": urlsplit(url)._replace(path=f"/{name}").geturl()}
        assert (await run_cli("migrate", environment=fresh))[0] == 0
        code, lines = await run_cli("verify", environment=fresh)
        assert lines == [f"ok    {check.name}" for check in duties.CHECKS]
        assert code == 0
    finally:
        await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await server.close()


async def run_cli(*arguments: str, environment: dict[str, str]) -> tuple[int | None, list[str]]:
    """Run ``huixin`` and return its exit code and the lines it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", *arguments,
        env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode, said.decode().splitlines()


async def test_a_score_that_was_tampered_with_is_found(app: object, monkeypatch: pytest.MonkeyPatch) -> None:
    del app
    monkeypatch.setattr(read_actions, "SCORES_SAMPLED", 1_000_000)
    (citizen,) = await make_citizens(1)
    async with transaction():
        await rescore_actions.rescore([citizen], at=now())
    await execute("UPDATE score_snapshot SET value = value + 1 WHERE citizen_id = $1", citizen)
    assert str(citizen) in str(await read_actions.check_scores())
    await execute("UPDATE score_snapshot SET value = value - 1 WHERE citizen_id = $1", citizen)
    assert str(citizen) not in str(await read_actions.check_scores())


async def test_a_calendar_that_ends_soon_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await repair_actions.check_working_days() is None
    monkeypatch.setattr(repair_actions, "load_calendar", lambda: {date(2026, 1, 1): False})
    monkeypatch.setattr(repair_actions, "now", lambda: datetime(2026, 11, 1, tzinfo=UTC))
    assert await repair_actions.check_working_days() is None
    monkeypatch.setattr(repair_actions, "now", lambda: datetime(2026, 11, 3, tzinfo=UTC))
    assert await repair_actions.check_working_days() == "2027 is not in it: give WORKING_DAYS_FILE"


async def test_a_missing_migration_is_found(app: object) -> None:
    del app
    number = await fetch_value("DELETE FROM migration_applied WHERE number = '0002' RETURNING number")
    try:
        assert await duties.check_migrations() == "not run: 0002"
    finally:
        await execute("INSERT INTO migration_applied VALUES ($1)", number)


@pytest.mark.parametrize(("problem", "code"), [(None, 0), ("it is broken", 1)])
async def test_the_command_says_how_each_check_went(app: object, problem: str | None, code: int) -> None:
    del app
    script = f"""
from app import verify
from app.cli import main
from app.kit.check import Check
async def check():
    return {problem!r}
verify.CHECKS = (Check("first", check), Check("second", check))
main(["verify"])
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    said, _ = await process.communicate()
    lines = said.decode().splitlines()
    assert process.returncode == code
    assert len(lines) == 2
    assert all(line.startswith("FAIL" if problem else "ok") for line in lines)
    assert all((problem or "") in line for line in lines)


def test_every_check_has_its_own_name() -> None:
    assert len({check.name for check in duties.CHECKS}) == len(duties.CHECKS) >= 8

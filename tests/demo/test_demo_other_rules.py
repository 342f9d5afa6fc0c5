"""The demo where other rules are in force: what is shown speaks of them, and the tour is not played."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console

from app.kit.clock import now
from app.town.city.actions.make import are_rules_as_shipped
from app.town.city.actions.show import show_city
from app.town.people.actions.move_in import describe_citizens, make_people
from app.values.days import shanghai_day
from tests.support.switching import LEDGER_FILE, in_force

SEED, CITIZENS = 88, 8

pytestmark = pytest.mark.usefixtures("app")


async def describe() -> list[str]:
    return [shown.note for shown in await describe_citizens(count=CITIZENS, seed=SEED)]


async def show() -> str:
    console = Console(file=io.StringIO(), width=120)
    await show_city(console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


async def test_levels_are_called_as_the_rules_in_force_call_them() -> None:
    await make_people(citizens=CITIZENS, seed=SEED, at=now())
    assert await are_rules_as_shipped()
    assert all("级（" not in note for note in await describe())
    async with in_force(shanghai_day(now()), msgspec.json.decode(LEDGER_FILE.read_bytes())):
        assert not await are_rules_as_shipped()
        assert {note.split("，")[0] for note in await describe()} >= {"A级（A）", "AA级（AA）"}
        assert "AA AA级" in await show()
    assert await are_rules_as_shipped()
    assert "L5 极好" in await show()

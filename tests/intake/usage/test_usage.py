"""What our own rooms write: each indicator by its own room, once, in the transaction of what happened."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.intake.fact.judge import OWN_SOURCE
from app.intake.usage.actions import write_usage
from app.intake.usage.writers import WRITERS, UsageWrong, check_writer, parse_writers
from app.kit.clock import now
from app.kit.db.database import fetch_value, transaction
from app.record.catalogue import CATALOGUE
from tests.support.citizens import join
from tests.support.importing import records_of, score_of, today

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from tests.support.citizens import Joined

# What one record of each does to the score of somebody who has just joined.
MOVES = {
    "USE_PAYLATER_ONTIME": 3, "USE_PAYLATER_DEFAULT": -45, "USE_LATE_MONEY": -45, "USE_PARK_PAID": 2,
    "USE_LIB_ONTIME": 2, "USE_RENT_ONTIME": 2, "USE_LATE_GOODS": -5, "REPAIR_DONE": 5,
}  # fmt: skip


async def write(person: Joined, indicator: str, **changes: Any) -> bool:
    facts: dict[str, Any] = {"event_id": f"test:{secrets.token_hex(8)}", "event_on": today(), "by": WRITERS[indicator]}
    if CATALOGUE.indicators[indicator].needs_document:
        facts["document"] = "惠信修〔2026〕1号"
    async with transaction():
        return await write_usage(person.id, indicator, at=now(), **(facts | changes))


async def test_joining_writes_its_record_through_this_door(client: AsyncClient) -> None:
    person = await join(client)
    sql = "SELECT source || ' ' || event_id FROM record WHERE citizen_id = $1 AND indicator = 'BASE_ID_VERIFIED'"
    assert await fetch_value(sql, person.id) == f"{OWN_SOURCE} identity:{person.id}"


@pytest.mark.parametrize("indicator", sorted(set(WRITERS) - {"BASE_ID_VERIFIED"}))
async def test_a_room_writes_its_own_and_the_score_moves_at_once(client: AsyncClient, indicator: str) -> None:
    person = await join(client)
    before, event_id = await score_of(person), f"test:{secrets.token_hex(8)}"
    assert await write(person, indicator, event_id=event_id)
    assert await score_of(person) - before == MOVES[indicator]
    assert not await write(person, indicator, event_id=event_id), "a repeat is no news"
    assert [record.indicator for record in await records_of(person)] == [indicator]


@pytest.mark.parametrize("indicator", ["USE_LATE_GOODS", "USE_LATE_MONEY"])
async def test_a_state_is_written_again_when_it_is_over(client: AsyncClient, indicator: str) -> None:
    person, event_id = await join(client), f"test:{secrets.token_hex(8)}"
    before, began_on = await score_of(person), today() - timedelta(days=20)
    assert await write(person, indicator, event_id=event_id, event_on=began_on)
    assert await write(person, indicator, event_id=event_id, event_on=began_on, ends_on=today())
    assert await score_of(person) == before
    assert [(record.version, record.ends_on) for record in await records_of(person)] == [(2, today())]


@pytest.mark.parametrize(("indicator", "notices"), [("USE_LATE_MONEY", 1), ("USE_PARK_PAID", 0)])
async def test_bad_news_has_its_notice_at_once(client: AsyncClient, indicator: str, notices: int) -> None:
    person = await join(client)
    assert await write(person, indicator)
    sql = "SELECT count(*) FROM notice WHERE kind = 'negative_record' AND citizen_id = $1"
    assert await fetch_value(sql, person.id) == notices


async def test_another_room_may_not(client: AsyncClient) -> None:
    person = await join(client)
    for indicator, room in (("USE_LIB_ONTIME", "parking"), ("POS_RESCUE", "library"), ("NEG_PENALTY", "repair")):
        with pytest.raises(UsageWrong, match=room):
            await write(person, "USE_LIB_ONTIME", by=room) if indicator in WRITERS else check_writer(indicator, room)
    assert await records_of(person) == []


async def test_what_does_not_fit_the_catalogue_is_a_bug(client: AsyncClient) -> None:
    person = await join(client)
    for changes in ({"quantity": 3}, {"grade": "1"}, {"event_on": today() + timedelta(days=1)}):
        with pytest.raises(UsageWrong, match="USE_PARK_PAID"):
            await write(person, "USE_PARK_PAID", **changes)
    event_id = f"test:{secrets.token_hex(8)}"
    assert await write(person, "USE_PARK_PAID", event_id=event_id)
    with pytest.raises(UsageWrong, match="other facts"):
        await write(person, "USE_PARK_PAID", event_id=event_id, event_on=today() - timedelta(days=1))


async def test_nothing_is_written_about_who_left(client: AsyncClient) -> None:
    person = await join(client)
    await client.delete("/v1/me", headers=person.headers)
    assert not await write(person, "USE_PARK_PAID")
    assert await fetch_value("SELECT count(*) FROM record WHERE citizen_id = $1", person.id) == 0


async def test_only_inside_a_transaction(client: AsyncClient) -> None:
    person = await join(client)
    with pytest.raises(AssertionError):
        await write_usage(
            person.id, "USE_PARK_PAID", by="parking", event_id="test:x", event_on=today(), at=now()
        )  # fmt: skip


@pytest.mark.parametrize("code", ["BASE_CLEAN", "NO_SUCH"])
def test_the_list_names_what_can_be_recorded(code: str) -> None:
    with pytest.raises(UsageWrong, match=code):
        parse_writers(f"indicator,room\n{code},library\n")


def test_every_indicator_of_the_list_is_tried_here() -> None:
    assert set(MOVES) == set(WRITERS) - {"BASE_ID_VERIFIED"}
    dimensions = {code.partition("_")[0] for code in WRITERS}
    assert dimensions == {"BASE", "USE", "REPAIR"}

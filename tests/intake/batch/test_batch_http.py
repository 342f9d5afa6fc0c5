"""Every outcome a record can have, what is stored, and what it does to the score."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from app.kit.db.database import execute, fetch_value
from tests.support.citizens import join, make_id_number
from tests.support.importing import (
    NEGATIVE,
    OF_JOINING,
    StoredRecord,
    events_of,
    importer,
    item_of,
    keep,
    outcomes_of,
    records_of,
    score_of,
    send,
    today,
)

if TYPE_CHECKING:
    from httpx2 import AsyncClient

SECONDS_MAX = 20  # for what used to go on for ever


async def test_one_record_moves_the_score_once(client: AsyncClient) -> None:
    person, official = await join(client), await importer()
    before = await score_of(person)
    item = item_of(person)
    answer = await send(client, item, official)
    assert answer.status_code == 200
    assert answer.json() == {
        "items": [{"index": 0, "eventId": item["eventId"], "outcome": "accepted"}],
        "counts": {
            "received": 1,
            "accepted": 1,
            "updated": 0,
            "duplicate": 0,
            "proposed": 0,
            "notAMember": 0,
            "refused": 0,
        },
    }
    assert await score_of(person) == before + 40
    stored = StoredRecord("POS_RESCUE", None, 1, today() - timedelta(days=10), None, None, None, official.id)
    assert await records_of(person) == [stored]
    again = (await send(client, item)).json()
    assert again["items"][0]["outcome"] == "duplicate"
    assert await records_of(person) == [stored]
    assert await score_of(person) == before + 40
    assert await events_of(person, "record.accepted.v1") == OF_JOINING + 1


async def test_an_event_that_lost_its_record_counts_when_it_is_sent_again(client: AsyncClient) -> None:
    person = await join(client)
    before = await score_of(person)
    item = item_of(person)
    assert await outcomes_of(client, item) == ["accepted"]
    await execute("DELETE FROM record WHERE citizen_id = $1 AND event_id = $2", person.id, item["eventId"])
    async with asyncio.timeout(SECONDS_MAX):
        assert await outcomes_of(client, item) == ["accepted"]
    assert await score_of(person) == before + 40
    assert await outcomes_of(client, item) == ["duplicate"]
    assert len(await records_of(person)) == 1


async def test_an_honour_and_a_ladder(client: AsyncClient) -> None:
    person = await join(client)
    honour = item_of(person, indicator=None, honour="VOL_STAR", grade="3")
    hours = item_of(person, indicator="POS_VOL_HOURS", quantity=50)
    assert await outcomes_of(client, honour, hours) == ["accepted", "accepted"]
    assert {(row.honour, row.grade, row.quantity) for row in await records_of(person)} == {
        ("VOL_STAR", "3", None),
        (None, None, 50),
    }


async def test_a_settled_state_is_a_new_version(client: AsyncClient) -> None:
    person = await join(client)
    before = await score_of(person)
    late = item_of(person, indicator="USE_LATE_GOODS")
    settled = late | {"endsOn": str(today() - timedelta(days=1))}
    assert await keep(client, late) == ["proposed"]
    assert await score_of(person) == before - 5
    assert await outcomes_of(client, settled) == ["updated"]
    assert await score_of(person) == before
    assert [(row.version, row.ends_on) for row in await records_of(person)] == [(2, today() - timedelta(days=1))]
    assert await outcomes_of(client, settled, late) == ["duplicate", "duplicate"]
    assert await events_of(person, "record.updated.v1") == 1


async def test_repeats_inside_one_batch(client: AsyncClient) -> None:
    person = await join(client)
    first = item_of(person)
    other = first | {"eventOn": str(today())}
    assert await outcomes_of(client, first, first, other, first) == [
        "accepted", "duplicate", "event_id_reused", "duplicate",
    ]  # fmt: skip
    assert [row.version for row in await records_of(person)] == [1]


async def test_repeats_of_a_state_inside_one_batch(client: AsyncClient) -> None:
    person = await join(client)
    first = item_of(person, indicator="USE_LATE_GOODS")
    settled = first | {"endsOn": str(today())}
    other = first | {"eventOn": str(today())}
    assert await keep(client, first) == ["proposed"]
    assert await outcomes_of(client, first, first, settled, other, settled) == [
        "duplicate", "duplicate", "updated", "event_id_reused", "duplicate",
    ]  # fmt: skip
    assert [(row.version, row.ends_on) for row in await records_of(person)] == [(2, today())]


async def test_a_source_that_is_not_registered_is_not_heard(client: AsyncClient) -> None:
    person = await join(client)
    items = [item_of(person, source="invented"), item_of(person), item_of(person, source="invented", **NEGATIVE)]
    assert await outcomes_of(client, *items) == ["source_unknown", "accepted", "source_unknown"]
    assert [row.indicator for row in await records_of(person)] == ["POS_RESCUE"]
    assert await fetch_value("SELECT count(*) FROM source_day WHERE source = 'invented'") == 0
    assert await fetch_value("SELECT count(*) FROM record_proposal WHERE source = 'invented'") == 0


async def test_an_event_id_used_for_other_facts_is_refused(client: AsyncClient) -> None:
    person, neighbour = await join(client), await join(client)
    item = item_of(person)
    elsewhere = item | {"source": "another-source"}
    assert await outcomes_of(client, item, elsewhere) == ["accepted", "accepted"]
    changed = item | {"indicator": "POS_CLUE"}
    stolen = item | {"idNumber": neighbour.id_number, "name": neighbour.name}
    assert await outcomes_of(client, changed, stolen) == ["event_id_reused", "event_id_reused"]
    assert await records_of(neighbour) == []
    assert {row.indicator for row in await records_of(person)} == {"POS_RESCUE"}


async def test_who_has_not_joined_is_counted_and_dropped(client: AsyncClient) -> None:
    person = await join(client)
    stranger = item_of(person, idNumber=make_id_number())
    misnamed = item_of(person, name="别的人")
    assert await outcomes_of(client, stranger, misnamed, item_of(person)) == [
        "not_a_member",
        "not_a_member",
        "accepted",
    ]
    stored = "SELECT count(*) FROM record_source_event WHERE event_id = ANY($1)"
    assert await fetch_value(stored, [stranger["eventId"], misnamed["eventId"]]) == 0
    # Whoever joins later starts clean: the same event is new to us then.
    joined = await join(client, id_number=stranger["idNumber"])
    assert await records_of(joined) == []
    assert await outcomes_of(client, stranger) == ["accepted"]


async def test_who_left_is_no_member(client: AsyncClient) -> None:
    person = await join(client)
    assert (await client.delete("/v1/me", headers=person.headers)).status_code in {200, 204}
    assert await outcomes_of(client, item_of(person)) == ["not_a_member"]
    assert await records_of(person) == []


async def test_a_denied_topic_is_refused_by_its_title(client: AsyncClient) -> None:
    person = await join(client)
    body = item_of(person, indicator="petition")
    (seen,) = (await send(client, body)).json()["items"]
    assert seen["outcome"] == "refused"
    assert seen["reason"]["code"] == "topic_denied"
    assert "信访" in seen["reason"]["text"]
    (seen,) = (await send(client, body, language="en")).json()["items"]
    assert "petitions" in seen["reason"]["text"]
    assert await records_of(person) == []

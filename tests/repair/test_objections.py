"""A citizen reports a mistake once, follows it, takes it back; nobody else's record, and not without end."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import pytest
from asyncpg import UniqueViolationError

from app.kit.clock import now, uuid7
from app.kit.db.database import fetch_value
from app.repair.actions.citizen import load_calendar
from app.repair.objection import ANSWER_WORKING_DAYS, OPEN_OBJECTIONS_MAX, TEXT_CHARACTERS_MAX
from app.repair.queries import objections as objections_queries
from app.values.days import shanghai_day
from app.values.working_days import compute_due_day
from tests.support.citizens import join, log_in
from tests.support.importing import events_of, records_of, score_of
from tests.support.objecting import PATH, TEXT, make_objection, make_record, missing, report, wrong

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from tests.support.citizens import Joined


async def count_of(person: Joined) -> int:
    return int(await fetch_value("SELECT count(*) FROM objection WHERE citizen_id = $1", person.id))


async def test_a_wrong_record_gets_a_ticket_and_stays_as_it_is(client: AsyncClient) -> None:
    person = await join(client)
    record_id = await make_record(client, person)
    before, records = await score_of(person), await records_of(person)
    answer = await report(client, person, wrong(record_id, contactOk=True))
    assert answer.status_code == 201
    ticket = answer.json()
    due_on = compute_due_day(shanghai_day(now()), ANSWER_WORKING_DAYS, load_calendar())
    assert ticket | {"id": 0, "number": 0, "receivedAt": 0} == {
        "id": 0, "number": 0, "kind": "wrong", "state": "received", "allowedActions": ["withdraw"],
        "recordId": record_id, "indicator": "POS_RESCUE", "honour": None, "title": "抢险救灾",
        "source": "civil-affairs", "text": TEXT, "contactOk": True, "receivedAt": 0, "answerDueOn": str(due_on),
        "askedAt": None, "withdrawnAt": None, "answer": None,
    }  # fmt: skip
    assert (await client.get(f"{PATH}/{ticket['id']}", headers=person.headers)).json() == ticket
    assert (await client.get(PATH, headers=person.headers)).json()["data"] == [ticket]
    assert (await score_of(person), await records_of(person)) == (before, records)
    assert await events_of(person, "objection.received.v1") == 1


async def test_a_missing_record_may_be_named_or_not(client: AsyncClient) -> None:
    person = await join(client)
    named = await make_objection(client, person, missing(indicator=None, honour="VOL_STAR"))
    unnamed = await make_objection(client, person, {"kind": "missing", "text": "少了一条"})
    assert (named["recordId"], named["honour"], named["source"]) == (None, "VOL_STAR", "civil-affairs")
    assert (unnamed["indicator"], unnamed["honour"], unnamed["title"], unnamed["source"]) == (None, None, None, None)
    listed = (await client.get(f"{PATH}?limit=1", headers=person.headers)).json()
    assert [one["id"] for one in listed["data"]] == [unnamed["id"]]
    rest = await client.get(f"{PATH}?cursor={listed['page']['nextCursor']}", headers=person.headers)
    assert [one["id"] for one in rest.json()["data"]] == [named["id"]]


async def test_what_was_written_lies_encrypted(client: AsyncClient) -> None:
    person, text = await join(client), f"我叫{secrets.token_hex(8)}"
    ticket = await make_objection(client, person, missing(text=text))
    row = await fetch_value("SELECT o::text FROM objection o WHERE id = $1", ticket["id"])
    assert text not in row
    assert text.encode().hex() not in row


async def test_the_same_key_is_the_same_ticket_for_ever(client: AsyncClient) -> None:
    person, key = await join(client), secrets.token_hex(12)
    body = wrong(await make_record(client, person))
    first = await report(client, person, body, key=key)
    assert (await client.post(f"{PATH}/{first.json()['id']}/withdraw", headers=person.headers)).status_code == 200
    again = await report(client, person, body, key=key)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    other = await report(client, person, body | {"text": "别的"}, key=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await count_of(person) == 1
    stranger = await join(client)
    assert (await report(client, stranger, missing(), key=key)).status_code == 201


async def test_one_open_ticket_on_a_record(client: AsyncClient) -> None:
    person = await join(client)
    record_id = await make_record(client, person)
    ticket = await make_objection(client, person, wrong(record_id))
    second = await report(client, person, wrong(record_id), language="en")
    assert (second.status_code, second.json()["code"]) == (409, "objection_open")
    assert second.json()["reasons"] == [{"code": "number", "text": f"its number is {ticket['number']}"}]
    withdrawn = await client.post(f"{PATH}/{ticket['id']}/withdraw", headers=person.headers)
    assert (withdrawn.json()["state"], withdrawn.json()["allowedActions"]) == ("withdrawn", [])
    assert withdrawn.json()["withdrawnAt"] is not None
    assert await events_of(person, "objection.withdrawn.v1") == 1
    again = await client.post(f"{PATH}/{ticket['id']}/withdraw", headers=person.headers)
    assert (again.status_code, again.json()["reasons"][0]["code"]) == (409, "state_withdrawn")
    await make_objection(client, person, wrong(record_id))


async def test_the_database_holds_one_open_ticket_on_a_record_by_itself(client: AsyncClient) -> None:
    person = await join(client)
    record_id = await make_record(client, person)
    ticket = await make_objection(client, person, wrong(record_id))
    row = await objections_queries.find_own_objection(person.id, UUID(ticket["id"]))
    assert row is not None
    twin = msgspec.structs.replace(row, id=uuid7(), number="00000-00000", idempotency_key=secrets.token_hex(12))
    with pytest.raises(UniqueViolationError, match="objection_open_record"):
        await objections_queries.insert_objection(twin)
    taken = msgspec.structs.replace(twin, number=row.number, record_id=None, kind="missing")
    assert not await objections_queries.insert_objection(taken), "its number is taken"


async def test_five_open_tickets_are_enough(client: AsyncClient) -> None:
    person = await join(client)
    tickets = [await make_objection(client, person, missing()) for _ in range(OPEN_OBJECTIONS_MAX)]
    refused = await report(client, person, missing())
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_objections")
    assert (await client.post(f"{PATH}/{tickets[0]['id']}/withdraw", headers=person.headers)).status_code == 200
    await make_objection(client, person, missing())
    assert OPEN_OBJECTIONS_MAX == 5, "the refusal says five"
    assert len({ticket["number"] for ticket in tickets}) == OPEN_OBJECTIONS_MAX


async def test_many_at_once_keep_every_limit(client: AsyncClient) -> None:
    person, key = await join(client), secrets.token_hex(12)
    body = wrong(await make_record(client, person))
    same = await asyncio.gather(*(report(client, person, body, key=key) for _ in range(8)))
    assert {answer.status_code for answer in same} == {201}
    assert len({answer.content for answer in same}) == 1
    other = await asyncio.gather(*(report(client, person, body) for _ in range(4)))
    assert {answer.json()["code"] for answer in other} == {"objection_open"}
    more = await asyncio.gather(*(report(client, person, missing()) for _ in range(8)))
    assert sorted(answer.status_code for answer in more) == [201] * (OPEN_OBJECTIONS_MAX - 1) + [409] * 4
    assert await count_of(person) == OPEN_OBJECTIONS_MAX


async def test_nobody_elses_record_or_ticket(client: AsyncClient) -> None:
    person, stranger = await join(client), await join(client)
    record_id = await make_record(client, person)
    assert (await report(client, stranger, wrong(record_id))).status_code == 404
    ticket = await make_objection(client, person, wrong(record_id))
    assert (await client.get(f"{PATH}/{ticket['id']}", headers=stranger.headers)).status_code == 404
    assert (await client.post(f"{PATH}/{ticket['id']}/withdraw", headers=stranger.headers)).status_code == 404
    assert (await client.get(PATH, headers=stranger.headers)).json()["data"] == []
    newcomer = await log_in(client)
    answer = await client.post(
        PATH, json=missing(), headers=newcomer.headers | {"Idempotency-Key": secrets.token_hex(12)}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "not_joined")


RECORD = "01890000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"kind": "wrong", "text": TEXT}, "/recordId", "missing"),
        (wrong(RECORD, indicator="POS_RESCUE"), "/indicator", "needless"),
        (wrong(RECORD, honour="VOL_STAR"), "/honour", "needless"),
        (wrong(RECORD, source="civil-affairs"), "/source", "needless"),
        (missing(recordId=RECORD), "/recordId", "needless"),
        (missing(honour="VOL_STAR"), "/honour", "indicator_or_honour"),
        (missing(indicator="NO_SUCH"), "/indicator", "indicator_unknown"),
        (missing(indicator=None, honour="NO_SUCH"), "/honour", "honour_unknown"),
        (missing(source="Civil Affairs"), "/source", "wrong_format"),
        (missing(text="   "), "/text", "text_invalid"),
        (missing(text="a\u0007b"), "/text", "text_invalid"),
        (missing(text="字" * (TEXT_CHARACTERS_MAX + 1)), "/text", "too_long"),
    ],
)
async def test_what_does_not_belong_together_is_named(
    client: AsyncClient, body: dict[str, Any], pointer: str, code: str
) -> None:
    person = await join(client)
    answer = await report(client, person, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), answer.text
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]
    assert await count_of(person) == 0


async def test_a_key_is_needed(client: AsyncClient) -> None:
    person = await join(client)
    answer = await client.post(PATH, json=missing(), headers=person.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_invalid")


async def test_who_leaves_takes_their_tickets(client: AsyncClient) -> None:
    person = await join(client)
    await make_objection(client, person, wrong(await make_record(client, person)))
    assert (await client.delete("/v1/me", headers=person.headers)).status_code == 204
    assert await count_of(person) == 0

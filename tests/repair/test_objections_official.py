"""The centre asks the source, the source answers, the citizen gets a notice; who looked is in the access log."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from app.kit.clock import now
from app.kit.db.database import execute, fetch_all, fetch_value
from app.values.days import shanghai_day
from app.values.names import mask_name
from tests.support.citizens import join
from tests.support.importing import events_of, records_of, score_of
from tests.support.objecting import (
    OFFICIAL_PATH,
    PATH,
    TEXT,
    make_objection,
    make_record,
    missing,
    register_source,
    wrong,
)
from tests.support.officials import OfficialLogin, make_official
from tests.support.partners import make_partner

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

    from tests.support.citizens import Joined

ANSWER = {"finding": "wrong", "text": "经核对，该记录登记有误"}


class Looked(msgspec.Struct, frozen=True):
    """A line of the access log."""

    action: str
    outcome: str
    told: str
    is_of_institution: bool


class Entry(msgspec.Struct, frozen=True):
    """An entry of the audit chain."""

    action: str
    detail: str


async def caseworker() -> OfficialLogin:
    return await make_official(roles=["caseworker"])


async def act(client: AsyncClient, who: OfficialLogin, ticket: dict[str, Any], step: str, body: Any = None) -> Response:
    return await client.post(f"{OFFICIAL_PATH}/{ticket['id']}/{step}", json=body, headers=who.headers)


async def read(client: AsyncClient, who: OfficialLogin, ticket: dict[str, Any]) -> Response:
    return await client.get(f"{OFFICIAL_PATH}/{ticket['id']}", headers=who.headers)


async def audited(ticket: dict[str, Any]) -> list[Entry]:
    sql = "SELECT action, detail::text FROM audit_entry WHERE subject = $1 ORDER BY number"
    return await fetch_all(Entry, sql, f"objection:{ticket['id']}")


async def looks_at(person: Joined) -> list[Looked]:
    sql = """
        SELECT action, outcome, told::text, institution_id IS NOT NULL AS is_of_institution
        FROM access_log WHERE citizen_id = $1 ORDER BY at
    """
    return await fetch_all(Looked, sql, person.id)


async def list_all(client: AsyncClient, who: OfficialLogin, state: str = "") -> dict[str, dict[str, Any]]:
    """Return every ticket somebody sees, by its id, page by page."""
    found: dict[str, dict[str, Any]] = {}
    cursor = ""
    while True:
        answer = await client.get(f"{OFFICIAL_PATH}?limit=100&state={state}&cursor={cursor}", headers=who.headers)
        assert answer.status_code == 200, answer.text
        found |= {one["id"]: one for one in answer.json()["data"]}
        cursor = answer.json()["page"]["nextCursor"] or ""
        if not cursor:
            return found


async def test_from_received_to_answered(client: AsyncClient) -> None:
    person, official = await join(client), await caseworker()
    record_id = await make_record(client, person)
    before, records = await score_of(person), await records_of(person)
    ticket = await make_objection(client, person, wrong(record_id))
    early = await act(client, official, ticket, "answer", ANSWER)
    assert (early.status_code, early.json()["reasons"][0]["code"]) == (409, "state_received")
    asked = await act(client, official, ticket, "ask-source")
    assert (asked.status_code, asked.json()["state"], asked.json()["allowedActions"]) == (200, "asked", ["answer"])
    answered = await act(client, official, ticket, "answer", ANSWER)
    assert (answered.json()["state"], answered.json()["allowedActions"]) == ("answered", [])
    assert answered.json()["isOverdue"] is False
    again = await act(client, official, ticket, "answer", ANSWER)
    assert (again.status_code, again.json()["code"]) == (409, "objection_state_unsuitable")
    shown = (await client.get(f"{PATH}/{ticket['id']}", headers=person.headers)).json()
    assert shown["answer"] == {**ANSWER, "answeredAt": answered.json()["answeredAt"]}
    assert (shown["state"], shown["allowedActions"]) == ("answered", ["withdraw"])
    assert (await score_of(person), await records_of(person)) == (before, records)
    for kind in ("received", "asked", "answered"):
        assert await events_of(person, f"objection.{kind}.v1") == 1
    assert await audited(ticket) == [
        Entry("objection.ask-source", "{}"), Entry("objection.answer", '{"finding": "wrong"}'),
    ]  # fmt: skip
    assert [look.action for look in await looks_at(person)] == []


async def test_the_citizen_gets_one_notice(client: AsyncClient) -> None:
    person, official = await join(client), await caseworker()
    ticket = await make_objection(client, person, missing())
    await act(client, official, ticket, "ask-source")
    answer = {"finding": "missing_found", "text": "已找到"}
    answers = await asyncio.gather(*(act(client, official, ticket, "answer", answer) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    sql = "SELECT body_zh || '|' || body_en FROM notice WHERE kind = 'objection_answered' AND citizen_id = $1"
    body = str(await fetch_value(sql, person.id))
    assert body.count(ticket["number"]) == 2
    assert "已找到" not in body
    assert await fetch_value("SELECT count(*) FROM notice WHERE citizen_id = $1", person.id) == 1
    row = str(await fetch_value("SELECT o::text FROM objection o WHERE id = $1", ticket["id"]))
    assert "已找到".encode().hex() not in row


@pytest.mark.parametrize(("kind", "finding"), [("wrong", "missing_found"), ("missing", "wrong")])
async def test_a_finding_fits_the_ticket(client: AsyncClient, kind: str, finding: str) -> None:
    person, official = await join(client), await caseworker()
    body = wrong(await make_record(client, person)) if kind == "wrong" else missing()
    ticket = await make_objection(client, person, body)
    await act(client, official, ticket, "ask-source")
    answer = await act(client, official, ticket, "answer", {"finding": finding, "text": "x"})
    assert (answer.status_code, answer.json()["code"]) == (422, "finding_unsuitable")
    blank = await act(client, official, ticket, "answer", {"finding": "unknown", "text": " "})
    assert (blank.status_code, blank.json()["errors"][0]["pointer"]) == (400, "/text")


async def test_the_citizen_sees_who_read_a_ticket(client: AsyncClient) -> None:
    person, official = await join(client), await caseworker()
    record_id = await make_record(client, person, eventId=f"event-{secrets.token_hex(8)}")
    ticket = await make_objection(client, person, wrong(record_id))
    detail = (await read(client, official, ticket)).json()
    assert detail["record"]["id"] == record_id
    assert detail["record"]["eventId"].startswith("event-")
    assert detail["objector"] == {"name": mask_name(person.name), "idNumber": None, "phone": None}
    assert (detail["text"], detail["answerText"]) == (TEXT, None)
    assert await looks_at(person) == [Looked("objection.read", "ok", '["record", "text", "name"]', False)]
    assert await audited(ticket) == [Entry("objection.read", "{}")]
    log = (await client.get("/v1/me/access-log", headers=person.headers)).json()["data"]
    assert [(one["action"], one["isByOfficial"]) for one in log] == [("objection.read", True)]


async def test_who_must_look_for_a_record_sees_for_whom(client: AsyncClient) -> None:
    person, official = await join(client), await caseworker()
    ticket = await make_objection(client, person, missing(contactOk=True))
    detail = (await read(client, official, ticket)).json()
    objector = detail["objector"]
    assert (objector["name"], objector["idNumber"]) == (person.name, person.id_number)
    assert objector["phone"].isdigit()
    assert detail["record"] is None
    (look,) = await looks_at(person)
    assert msgspec.json.decode(look.told) == ["text", "name", "id_number", "phone"]


async def test_lists_show_nothing_personal_and_what_is_late(client: AsyncClient) -> None:
    person, official = await join(client), await caseworker()
    late, fine = [await make_objection(client, person, missing()) for _ in range(2)]
    yesterday = shanghai_day(now()) - timedelta(days=1)
    await execute("UPDATE objection SET answer_due_on = $2 WHERE id = $1", late["id"], yesterday)
    await execute("UPDATE objection SET answer_due_on = $2 WHERE id = $1", fine["id"], shanghai_day(now()))
    seen = await list_all(client, official)
    assert (seen[late["id"]]["isOverdue"], seen[fine["id"]]["isOverdue"]) == (True, False)
    assert set(seen[late["id"]]) == {
        "id", "number", "kind", "state", "allowedActions", "indicator", "honour", "source", "receivedAt",
        "answerDueOn", "isOverdue", "askedAt", "answeredAt", "finding",
    }  # fmt: skip
    await act(client, official, fine, "ask-source")
    received, asked = await list_all(client, official, "received"), await list_all(client, official, "asked")
    assert late["id"] in received
    assert fine["id"] not in received
    assert fine["id"] in asked
    assert await looks_at(person) == []


async def test_an_institution_answers_for_its_own_sources(client: AsyncClient) -> None:
    person, official = await join(client), await caseworker()
    partner, other = await make_partner(), await make_partner()
    code, other_code = (f"src-{secrets.token_hex(6)}" for _ in range(2))
    await register_source(code, partner.institution_id)
    await register_source(other_code, other.institution_id)
    mine, stranger = [
        await make_official(roles=["administrator"], institution_id=one.institution_id) for one in (partner, other)
    ]
    ticket = await make_objection(client, person, missing(source=code, contactOk=True))
    assert (await read(client, mine, ticket)).status_code == 404, "nobody has asked it yet"
    assert await list_all(client, mine) == {}
    await act(client, official, ticket, "ask-source")
    assert (await act(client, mine, ticket, "ask-source")).status_code == 403
    assert list(await list_all(client, mine)) == [ticket["id"]]
    assert list(await list_all(client, mine, "answered")) == []
    detail = (await read(client, mine, ticket)).json()
    assert detail["objector"] == {"name": person.name, "idNumber": person.id_number, "phone": None}
    assert [look.is_of_institution for look in await looks_at(person)] == [True]
    for answer in (
        await read(client, stranger, ticket),
        await act(client, stranger, ticket, "answer", {"finding": "unknown", "text": "x"}),
    ):
        assert answer.status_code == 404
    assert await list_all(client, stranger) == {}
    answered = await act(client, mine, ticket, "answer", {"finding": "confirmed", "text": "登记无遗漏"})
    assert (answered.status_code, answered.json()["finding"]) == (200, "confirmed")
    assert await fetch_value("SELECT answered_by FROM objection WHERE id = $1", ticket["id"]) == mine.id


async def test_a_withdrawn_ticket_is_no_longer_the_sources_business(client: AsyncClient) -> None:
    person, official, partner = await join(client), await caseworker(), await make_partner()
    code = f"src-{secrets.token_hex(6)}"
    await register_source(code, partner.institution_id)
    mine = await make_official(roles=["administrator"], institution_id=partner.institution_id)
    ticket = await make_objection(client, person, missing(source=code))
    await act(client, official, ticket, "ask-source")
    assert (await client.post(f"{PATH}/{ticket['id']}/withdraw", headers=person.headers)).status_code == 200
    assert (await read(client, mine, ticket)).status_code == 404
    answer = await act(client, official, ticket, "answer", {"finding": "unknown", "text": "x"})
    assert (answer.status_code, answer.json()["reasons"][0]["code"]) == (409, "state_withdrawn")


async def test_the_centres_administrators_are_no_caseworkers(client: AsyncClient) -> None:
    person = await join(client)
    ticket = await make_objection(client, person, missing())
    administrator = await make_official(roles=["administrator"])
    assert (await client.get(OFFICIAL_PATH, headers=administrator.headers)).status_code == 403
    assert (await read(client, administrator, ticket)).status_code == 403
    assert await looks_at(person) == []


async def test_who_left_cannot_be_asked_about(client: AsyncClient) -> None:
    person, official = await join(client), await caseworker()
    ticket = await make_objection(client, person, missing())
    await client.delete("/v1/me", headers=person.headers)
    for answer in (await read(client, official, ticket), await act(client, official, ticket, "ask-source")):
        assert answer.status_code == 404


async def test_leaving_and_answering_at_once_end_in_order(client: AsyncClient) -> None:
    person, official = await join(client), await caseworker()
    ticket = await make_objection(client, person, missing())
    await act(client, official, ticket, "ask-source")
    answered, left = await asyncio.gather(
        act(client, official, ticket, "answer", {"finding": "unknown", "text": "x"}),
        client.delete("/v1/me", headers=person.headers),
    )
    assert (answered.status_code in {200, 404}, left.status_code) == (True, 204)
    assert await fetch_value("SELECT count(*) FROM notice WHERE citizen_id = $1", person.id) == 0

"""What costs a citizen points waits for a second official; until then no citizen hears of it and it counts nowhere."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from app.intake.proposal.actions import forget_old_proposals
from app.intake.proposal.moves import DECIDED_LIFE, PROPOSAL_LIFE, is_end_worse, is_worse, make_weights
from app.kit.clock import now
from app.kit.db.database import execute, fetch_all, fetch_value
from app.record.catalogue import NewRecord
from app.score.book.standard import STANDARD_BOOK
from tests.support.citizens import join, make_id_number
from tests.support.importing import (
    NEGATIVE,
    PATH,
    approve,
    decide,
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
from tests.support.officials import OfficialLogin, make_official
from tests.support.redeeming import code_of, count

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

    from tests.support.citizens import Joined

STATE = {"indicator": "NEG_TAX_ARREARS", "document": "税公告1号"}


class AuditRow(msgspec.Struct, frozen=True):
    """An entry of the audit chain."""

    action: str
    detail: str


async def propose(client: AsyncClient, item: dict[str, Any], who: OfficialLogin | None = None) -> str:
    (seen,) = (await send(client, item, who)).json()["items"]
    assert seen["outcome"] == "proposed", seen
    return str(seen["proposalId"])


async def read(client: AsyncClient, proposal_id: str, who: OfficialLogin) -> Response:
    return await client.get(f"{PATH}/proposals/{proposal_id}", headers=who.headers)


async def notices_of(person: Joined) -> int:
    return await count("notice", citizen_id=person.id)


async def test_one_importer_alone_moves_no_score(client: AsyncClient) -> None:
    person, maker, checker = await join(client), await importer(), await make_official(roles=["reviewer"])
    before = await score_of(person)
    item = item_of(person, **NEGATIVE)
    proposal_id = await propose(client, item, maker)

    assert (await score_of(person), await records_of(person), await notices_of(person)) == (before, [], 0)
    for path in ("/v1/me/notices", "/v1/me/access-log", "/v1/me/export", "/v1/me/records", "/v1/me/score/explanation"):
        seen = await client.get(path, headers=person.headers)
        assert seen.status_code == 200, seen.text
        assert item["eventId"] not in seen.text
        assert NEGATIVE["document"] not in seen.text
    alone = await approve(client, proposal_id, item, maker)
    assert (alone.status_code, code_of(alone)) == (403, "proposal_maker_is_checker")
    rejected = await decide(client, proposal_id, maker, "reject", reason="not_proven")
    assert (rejected.status_code, code_of(rejected)) == (403, "proposal_maker_is_checker")
    assert (await read(client, proposal_id, maker)).json()["allowedActions"] == []

    seen = await read(client, proposal_id, checker)
    assert (seen.headers["ETag"], seen.json()["state"]) == ('"1"', "pending")
    assert seen.json()["allowedActions"] == ["approve", "reject"]
    assert seen.json()["document"] == NEGATIVE["document"]
    assert person.name not in seen.text
    assert person.id_number not in seen.text
    assert str(person.id) not in seen.text
    approved = await approve(client, proposal_id, item, checker)
    assert (approved.status_code, approved.json()["state"], approved.headers["ETag"]) == (200, "approved", '"2"')
    assert await score_of(person) < before
    assert [(row.indicator, row.entered_by) for row in await records_of(person)] == [(NEGATIVE["indicator"], maker.id)]
    assert await notices_of(person) == 1
    assert await events_of(person, "record.accepted.v1") == 2


async def test_a_batch_waits_in_part_and_the_counts_add_up(client: AsyncClient) -> None:
    person = await join(client)
    bad, good = item_of(person, **NEGATIVE), item_of(person)
    honour = item_of(person, indicator=None, honour="VOL_STAR", grade="3")
    stranger = item_of(person, idNumber=make_id_number(), **NEGATIVE)
    assert await outcomes_of(client, bad, good, honour, stranger, bad) == [
        "proposed", "accepted", "accepted", "not_a_member", "proposed",
    ]  # fmt: skip
    assert await count("record_proposal", source="civil-affairs", event_id=bad["eventId"]) == 1
    assert await count("record_proposal", source="civil-affairs", event_id=stranger["eventId"]) == 0


async def test_the_same_again_is_the_proposal_that_waits_and_other_facts_are_refused(client: AsyncClient) -> None:
    person, neighbour = await join(client), await join(client)
    item = item_of(person, **STATE)
    first = await propose(client, item)
    assert await propose(client, item) == first
    other = item | {"document": "另一文书〔2026〕2号"}
    elsewhere = item | {"idNumber": neighbour.id_number, "name": neighbour.name}
    ended = item | {"endsOn": str(today())}
    assert await outcomes_of(client, other, elsewhere, ended) == ["event_id_reused"] * 3


async def test_what_makes_a_stored_record_worse_waits_and_what_makes_it_better_does_not(client: AsyncClient) -> None:
    person = await join(client)
    yesterday, later = str(today() - timedelta(days=1)), str(today() + timedelta(days=90))
    debt = item_of(person, **STATE)
    paying = item_of(person, indicator="BASE_TAX_OK")
    honour = item_of(person, indicator=None, honour="VOL_STAR", grade="3")
    assert await keep(client, debt, paying, honour) == ["proposed", "accepted", "accepted"]
    score = await score_of(person)
    assert await outcomes_of(client, debt | {"endsOn": yesterday}) == ["updated"]
    assert await outcomes_of(client, debt | {"endsOn": later}) == ["proposed"]
    assert await outcomes_of(client, paying | {"endsOn": yesterday}) == ["proposed"]
    assert await outcomes_of(client, honour | {"endsOn": yesterday}) == ["proposed"]
    better = await score_of(person)
    assert better > score
    assert await keep(client, paying | {"endsOn": yesterday}) == ["proposed"]
    assert await score_of(person) < better
    assert await outcomes_of(client, paying | {"endsOn": later}) == ["updated"]
    assert await score_of(person) == better


async def test_who_approves_names_the_person_and_the_version(client: AsyncClient) -> None:
    person, neighbour, checker = await join(client), await join(client), await importer()
    item = item_of(person, **NEGATIVE)
    proposal_id = await propose(client, item)
    path = f"{PATH}/proposals/{proposal_id}/approve"
    body = {"idNumber": person.id_number, "name": person.name}
    for wrong in (
        {"idNumber": neighbour.id_number, "name": neighbour.name},
        {"idNumber": person.id_number, "name": "别的人"},
        {"idNumber": make_id_number(), "name": person.name},
        {"idNumber": "1", "name": "?"},
    ):
        answer = await decide(client, proposal_id, checker, **wrong)
        assert (answer.status_code, code_of(answer)) == (422, "person_mismatch")
    assert code_of(await client.post(path, json=body, headers=checker.headers)) == "etag_missing"
    stale = await decide(client, proposal_id, checker, if_match='"2"', **body)
    assert (stale.status_code, code_of(stale)) == (412, "etag_stale")
    assert await records_of(person) == []
    assert (await decide(client, proposal_id, checker, **body)).status_code == 200
    again = await decide(client, proposal_id, checker, **body)
    assert (again.status_code, code_of(again)) == (409, "proposal_state_unsuitable")
    assert again.json()["reasons"][0]["code"] == "state_approved"


async def test_of_two_who_decide_at_once_one_decides(client: AsyncClient) -> None:
    for _ in range(8):
        person = await join(client)
        item = item_of(person, **NEGATIVE)
        proposal_id = await propose(client, item)
        checkers = [await importer() for _ in range(3)]
        answers = await asyncio.gather(
            *[approve(client, proposal_id, item, who) for who in checkers[:2]],
            decide(client, proposal_id, checkers[2], "reject", reason="facts_wrong"),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
        decided = next(answer.json()["state"] for answer in answers if answer.status_code == 200)
        assert len(await records_of(person)) == (decided == "approved")
        assert await notices_of(person) == (decided == "approved")


async def test_the_same_sent_by_two_at_once_waits_once(client: AsyncClient) -> None:
    person, neighbour = await join(client), await join(client)
    items = [item_of(person, **NEGATIVE), item_of(neighbour, **NEGATIVE), item_of(person), item_of(neighbour, **STATE)]
    answers = await asyncio.gather(*[send(client, items if n % 2 else items[::-1]) for n in range(6)])
    assert {answer.status_code for answer in answers} == {200}
    for item in items:
        waiting = await count("record_proposal", event_id=item["eventId"])
        assert waiting == (item["indicator"] != "POS_RESCUE")


async def test_the_database_itself_knows_that_two_persons_are_needed(client: AsyncClient) -> None:
    person, maker = await join(client), await importer()
    proposal_id = UUID(await propose(client, item_of(person, **NEGATIVE), maker))
    forget = (
        "citizen_id = NULL, event_id = NULL, indicator = NULL, event_on = NULL, document = NULL, facts_digest = NULL"
    )
    move = f"UPDATE record_proposal SET state = 'approved', decided_by = $2, decided_at = now(), {forget} WHERE id = $1"
    with pytest.raises(asyncpg.CheckViolationError, match="record_proposal_two_persons"):
        await execute(move, proposal_id, maker.id)
    with pytest.raises(asyncpg.CheckViolationError, match="record_proposal_forgotten"):
        await execute(move.replace("document = NULL, ", ""), proposal_id, (await importer()).id)


async def test_what_a_suspended_official_typed_in_can_only_be_rejected(client: AsyncClient) -> None:
    person, maker, checker = await join(client), await importer(), await importer()
    item = item_of(person, **NEGATIVE)
    proposal_id = await propose(client, item, maker)
    await execute("UPDATE official SET state = 'suspended' WHERE id = $1", maker.id)
    refused = await approve(client, proposal_id, item, checker)
    assert (refused.status_code, code_of(refused)) == (409, "proposer_suspended")
    assert await records_of(person) == []
    assert (await decide(client, proposal_id, checker, "reject", reason="not_proven")).status_code == 200


async def test_a_rejected_one_leaves_nothing_of_what_it_said(client: AsyncClient) -> None:
    person, maker, checker = await join(client), await importer(), await importer()
    item = item_of(person, **NEGATIVE)
    before = await score_of(person)
    proposal_id = await propose(client, item, maker)
    done = await decide(client, proposal_id, checker, "reject", reason="document_missing")
    assert (done.status_code, done.json()["state"], done.json()["reason"]) == (200, "rejected", "document_missing")
    assert (done.json()["proposedBy"], done.json()["decidedBy"]) == (maker.username, checker.username)
    for name in ("eventId", "indicator", "eventOn", "document"):
        assert done.json()[name] is None
    assert await fetch_value("SELECT citizen_id FROM record_proposal WHERE id = $1", UUID(proposal_id)) is None
    assert (await score_of(person), await records_of(person), await notices_of(person)) == (before, [], 0)
    rows = await fetch_all(
        AuditRow, "SELECT action, detail FROM audit_entry WHERE subject = $1", f"record_proposal:{proposal_id}"
    )
    assert [row.action for row in rows] == ["record_proposal.reject"]
    assert item["eventId"] not in rows[0].detail
    types = "SELECT array_agg(type ORDER BY id) FROM event WHERE subject_id = $1 AND citizen_id IS NULL"
    assert await fetch_value(types, UUID(proposal_id)) == ["record_proposal.proposed.v1", "record_proposal.rejected.v1"]
    assert await propose(client, item) != proposal_id  # it may be sent again, with its document


async def test_who_leaves_takes_what_waits_along(client: AsyncClient) -> None:
    person, checker = await join(client), await importer()
    item = item_of(person, **NEGATIVE)
    proposal_id = await propose(client, item)
    assert (await client.delete("/v1/me", headers=person.headers)).status_code == 204
    assert (await read(client, proposal_id, checker)).status_code == 404
    assert (await approve(client, proposal_id, item, checker)).status_code == 404
    assert await count("record_proposal", id=UUID(proposal_id)) == 0
    returned = await join(client, id_number=person.id_number, name=person.name)
    assert await records_of(returned) == []


async def test_leaving_while_it_is_approved_ends_in_one_order_or_the_other(client: AsyncClient) -> None:
    for _ in range(6):
        person, checker = await join(client), await importer()
        item = item_of(person, **NEGATIVE)
        proposal_id = await propose(client, item)
        approved, left = await asyncio.gather(
            approve(client, proposal_id, item, checker), client.delete("/v1/me", headers=person.headers)
        )
        assert left.status_code == 204
        assert approved.status_code in {200, 404, 422}
        for table in ("record_proposal", "record", "record_source_event", "notice"):
            assert await count(table, citizen_id=person.id) == 0


async def test_what_nobody_looks_at_runs_out(client: AsyncClient) -> None:
    person, checker = await join(client), await importer()
    item = item_of(person, **NEGATIVE)
    proposal_id = await propose(client, item)
    age = (
        "UPDATE record_proposal SET proposed_at = proposed_at - $2::interval, expires_at = expires_at - $2::interval"
        " WHERE id = $1"
    )
    await execute(age, UUID(proposal_id), PROPOSAL_LIFE - timedelta(seconds=60))
    assert (await read(client, proposal_id, checker)).json()["state"] == "pending"
    await execute(age, UUID(proposal_id), timedelta(seconds=60))
    assert (await read(client, proposal_id, checker)).json()["state"] == "expired"
    late = await approve(client, proposal_id, item, checker)
    assert (late.status_code, late.json()["reasons"][0]["code"]) == (409, "state_expired")
    renewed = await propose(client, item)  # as if nothing had waited
    assert renewed != proposal_id
    assert await fetch_value("SELECT state FROM record_proposal WHERE id = $1", UUID(proposal_id)) == "expired"
    await execute(age, UUID(renewed), PROPOSAL_LIFE)
    assert await forget_old_proposals(now()) >= 1
    assert await fetch_value("SELECT citizen_id FROM record_proposal WHERE id = $1", UUID(renewed)) is None
    done = "SELECT count(*) FROM event WHERE type = 'record_proposal.expired.v1' AND subject_id = ANY($1)"
    assert await fetch_value(done, [UUID(proposal_id), UUID(renewed)]) == 2
    decided = "UPDATE record_proposal SET decided_at = decided_at - $2::interval WHERE id = $1"
    for passed, is_left in ((DECIDED_LIFE - timedelta(minutes=5), 1), (timedelta(minutes=5), 0)):
        await execute(decided, UUID(renewed), passed)
        await forget_old_proposals(now())
        assert await count("record_proposal", id=UUID(renewed)) == is_left


async def test_what_cannot_be_stored_any_more_is_not_approved(client: AsyncClient) -> None:
    """A file had other facts under the event id meanwhile; or the source may not report this any more."""
    person, checker = await join(client), await importer()
    item, other = item_of(person, source="court", **NEGATIVE), item_of(person, source="court", **NEGATIVE)
    first, second = await propose(client, item), await propose(client, other)
    meanwhile = item_of(person, source="court", eventId=item["eventId"])
    assert await outcomes_of(client, meanwhile) == ["accepted"]
    unfit = await approve(client, first, item, checker)
    assert (unfit.status_code, unfit.json()["reasons"][0]["code"]) == (409, "event_id_reused")
    await execute("UPDATE source SET indicators = '{POS_RESCUE}' WHERE code = 'court'")
    try:
        unfit = await approve(client, second, other, checker)
        assert (unfit.status_code, unfit.json()["reasons"][0]["code"]) == (409, "not_of_this_source")
    finally:
        await execute("UPDATE source SET indicators = NULL WHERE code = 'court'")
    assert await notices_of(person) == 0


async def test_a_list_by_state(client: AsyncClient) -> None:
    person, reader = await join(client), await make_official(roles=["auditor"])
    pending = await propose(client, item_of(person, **NEGATIVE))
    rejected = await propose(client, item_of(person, **NEGATIVE))
    await decide(client, rejected, await importer(), "reject", reason="person_wrong")

    async def ids(**query: Any) -> set[str]:
        found: set[str] = set()
        more = True
        while more:
            answer = await client.get(f"{PATH}/proposals", params={"limit": 100, **query}, headers=reader.headers)
            assert answer.status_code == 200, answer.text
            found |= {row["id"] for row in answer.json()["data"]}
            more, query["cursor"] = answer.json()["page"]["hasMore"], answer.json()["page"]["nextCursor"]
        return found

    assert {pending, rejected} <= await ids()
    assert {pending, rejected} & await ids(state="pending") == {pending}
    assert {pending, rejected} & await ids(state="rejected") == {rejected}
    wrong = await client.get(f"{PATH}/proposals", params={"state": "lost"}, headers=reader.headers)
    assert wrong.status_code == 400


def a_record(indicator: str | None, ends_on: date | None = None, **facts: Any) -> NewRecord:
    honour = "VOL_STAR" if indicator is None else None
    return NewRecord(
        citizen_id=UUID(int=1), indicator=indicator, honour=honour, source="court", event_id="1",
        event_on=date(2026, 3, 1), ends_on=ends_on, **facts,
    )  # fmt: skip


EARLY, LATE = date(2026, 5, 1), date(2026, 9, 1)


@pytest.mark.parametrize(
    ("indicator", "stored", "sent", "expected"),
    [
        ("NEG_TAX_ARREARS", None, None, False),  # a repeat
        ("NEG_TAX_ARREARS", EARLY, EARLY, False),
        ("NEG_TAX_ARREARS", None, EARLY, False),  # it is paid
        ("NEG_TAX_ARREARS", LATE, EARLY, False),
        ("NEG_TAX_ARREARS", EARLY, LATE, True),
        ("NEG_TAX_ARREARS", EARLY, None, False),  # what has ended is not reopened
        ("NEG_CONTRACT_JUDG", None, EARLY, True),  # an act that went on counts for longer
        ("NEG_CONTRACT_JUDG", LATE, EARLY, False),
        ("BASE_TAX_OK", None, EARLY, True),
        ("BASE_TAX_OK", EARLY, LATE, False),
        ("BASE_TAX_OK", LATE, EARLY, True),
        ("POS_RESCUE", None, EARLY, False),
        ("POS_RESCUE", LATE, EARLY, True),
        (None, None, EARLY, True),  # an honour taken back
        (None, EARLY, LATE, False),
    ],
)
def test_which_ends_make_a_record_worse(
    indicator: str | None, stored: date | None, sent: date | None, *, expected: bool
) -> None:
    weights = make_weights(STANDARD_BOOK)
    assert is_end_worse(a_record(indicator, sent), stored, weights) is expected


def test_what_the_book_does_not_say_yet_needs_a_second_official_too() -> None:
    weights = make_weights(STANDARD_BOOK)
    assert is_worse(a_record("NEG_CONTRACT_JUDG"), weights)
    assert not is_worse(a_record("POS_RESCUE"), weights)
    assert not is_worse(a_record(None), weights)
    silent = msgspec.structs.replace(STANDARD_BOOK, indicators=())
    assert is_worse(a_record("POS_RESCUE"), make_weights(silent))

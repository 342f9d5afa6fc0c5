"""A city app's events count once, exactly, at once, and for members only."""

from __future__ import annotations

import asyncio
import contextvars
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from asyncpg.connection import Connection

from app.intake.points.actions import events as events_actions
from app.intake.points.actions.events import FAILURES_MAX, GIVEN_UP_LIFE, count_waiting_events, forget_given_up_events
from app.kit.clock import now
from app.kit.db.database import fetch_value
from app.kit.db.failure import DatabaseUnreached
from app.kit.errors import Overloaded
from app.record.actions.find import lock_members
from app.values.days import SHANGHAI
from tests.support.citizens import join, make_id_number
from tests.support.digests import digest_tables
from tests.support.importing import OF_JOINING, events_of, item_of, outcomes_of, records_of, score_of
from tests.support.pointing import CityApp, event_of, make_app, on, post, report, sign, total_of

if TYPE_CHECKING:
    from uuid import UUID

    from httpx2 import AsyncClient, Response


RUN = "_execute"  # where asyncpg runs whatever has arguments
QUEUE = frozenset({"pgqueuer", "pgqueuer_log"})


async def reused_of(city: CityApp) -> int:
    """How many events of a source had other facts under an id that was counted before."""
    sql = "SELECT sum(rows)::bigint FROM source_day WHERE source = $1 AND outcome LIKE '%event_id_reused'"
    return int(await fetch_value(sql, city.source) or 0)


@pytest.fixture(scope="module")
async def city(client: AsyncClient) -> CityApp:
    assert client
    return await make_app()


def code_of(answer: Response) -> tuple[int, str, str]:
    """Return how an event was refused: status, code, and the place."""
    return answer.status_code, answer.json()["code"], answer.json()["errors"][0]["pointer"]


async def test_a_verified_safety_report_raises_the_score_once(client: AsyncClient, city: CityApp) -> None:
    person = await join(client)
    before = await score_of(person)
    event = event_of(person)
    answer = await report(client, city, event)
    assert (answer.status_code, answer.json()) == (202, {"eventId": event["eventId"], "state": "received"})
    assert await score_of(person) == before + 10
    (record,) = await records_of(person)
    assert (record.indicator, record.quantity, record.entered_by) == ("POS_REPORT_SAFETY", None, None)
    changes = (await client.get("/v1/me/score/changes", headers=person.headers)).json()["data"]
    assert changes[0]["toValue"] == before + 10
    for again in (await report(client, city, event), await report(client, city, event)):
        assert (again.status_code, again.content) == (202, answer.content)
    assert await score_of(person) == before + 10
    assert len(await records_of(person)) == 1
    assert await total_of(person.id, "safety") == 1
    assert await events_of(person, "record.accepted.v1") == OF_JOINING + 1


async def test_minutes_become_hours_to_the_last_remainder(client: AsyncClient, city: CityApp) -> None:
    person = await join(client)
    for amount, hours in ((50, []), (50, [1]), (50, [1, 1]), (30, [1, 1, 1]), (7 * 60 + 1, [1, 1, 1, 7])):
        answer = await report(client, city, event_of(person, kind="patrol", amount=amount, occurredAt=on(2026, 3, 1)))
        assert answer.status_code == 202
        assert [record.quantity for record in await records_of(person)] == hours
    assert await total_of(person.id, "patrol") == 601


async def test_no_more_than_the_cap_counts_in_a_year(client: AsyncClient, city: CityApp) -> None:
    person = await join(client)
    for amount in (2990, 2990, 2990):
        await report(client, city, event_of(person, kind="patrol", amount=amount, occurredAt=on(2026, 3, 1)))
    assert [record.quantity for record in await records_of(person)] == [49, 1]
    await report(client, city, event_of(person, kind="patrol", amount=60, occurredAt=on(2025, 12, 31, 23)))
    assert sorted(record.quantity or 0 for record in await records_of(person)) == [1, 1, 49]
    years = "SELECT array_agg(year ORDER BY year) FROM point_total WHERE citizen_id = $1"
    assert await fetch_value(years, person.id) == [2025, 2026]


async def test_points_become_so_many_cases(client: AsyncClient, city: CityApp) -> None:
    person = await join(client)
    before = await score_of(person)
    event = event_of(person, kind="clue", amount=13)
    await report(client, city, event)
    assert await score_of(person) == before + 8
    await report(client, city, event_of(person, kind="clue", amount=2))
    assert len(await records_of(person)) == 3
    await report(client, city, event)
    assert len(await records_of(person)) == 3


async def test_who_has_not_joined_leaves_no_trace(client: AsyncClient, city: CityApp) -> None:
    person = await join(client)
    stranger = event_of(person, idNumber=make_id_number())
    other_name = event_of(person, name="惠大信")
    before = await digest_tables(but=QUEUE)
    for event in (stranger, other_name, stranger):
        answer = await report(client, city, event)
        assert (answer.status_code, answer.json()) == (202, {"eventId": event["eventId"], "state": "received"})
    assert await digest_tables(but=QUEUE) == before


@pytest.mark.parametrize(
    "changes", [{"amount": 2}, {"kind": "clue", "amount": 1}, {"occurredAt": on(2026, 3, 2)}], ids=str
)
async def test_other_facts_under_an_id_already_counted_are_taken_in_and_change_nothing(
    client: AsyncClient, city: CityApp, changes: dict[str, Any]
) -> None:
    """A refusal would reveal that its person is a member: only members' events are remembered."""
    person, other = await join(client), await join(client)
    event = event_of(person, occurredAt=on(2026, 3, 1))
    first = await report(client, city, event)
    before, reused = await digest_tables(but=QUEUE | {"source_day"}), await reused_of(city)
    for sent in (event | changes, event | {"idNumber": other.id_number}):
        answer = await report(client, city, sent)
        assert (answer.status_code, answer.content) == (202, first.content)
    in_utc = datetime.fromisoformat(event["occurredAt"]).astimezone(tz=None).isoformat()
    assert (await report(client, city, event | {"occurredAt": in_utc})).status_code == 202
    assert await digest_tables(but=QUEUE | {"source_day"}) == before
    assert await reused_of(city) == reused + 2  # the centre sees that it happens
    assert SHANGHAI.utcoffset(None) is not None


async def test_an_id_a_file_has_used_changes_nothing(client: AsyncClient, city: CityApp) -> None:
    person, event_id = await join(client), secrets.token_hex(8)
    assert await outcomes_of(client, item_of(person, source=city.source, eventId=event_id)) == ["accepted"]
    before, reused = await digest_tables(but=QUEUE | {"source_day"}), await reused_of(city)
    assert (await report(client, city, event_of(person, eventId=event_id))).status_code == 202
    assert await digest_tables(but=QUEUE | {"source_day"}) == before
    assert await reused_of(city) == reused + 1


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"kind": "unheard-of"}, "/kind"),
        ({"idNumber": "110101199001011234"}, "/idNumber"),
        ({"name": "7"}, "/name"),
        ({"occurredAt": on(2099, 1, 1)}, "/occurredAt"),
    ],
)
async def test_what_cannot_be_counted_is_named(
    client: AsyncClient, city: CityApp, changes: dict[str, str], pointer: str
) -> None:
    person = await join(client)
    assert code_of(await report(client, city, event_of(person, **changes))) == (422, "event_refused", pointer)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"amount": 0}, "/amount"),
        ({"amount": 1_000_001}, "/amount"),
        ({"eventId": "a#1"}, "/eventId"),
        ({"eventId": "e" * 125}, "/eventId"),
        ({"occurredAt": "2026-03-01T12:00:00"}, "/occurredAt"),
        ({"points": 1}, "/points"),
    ],
)
async def test_a_malformed_body_is_refused(
    client: AsyncClient, city: CityApp, changes: dict[str, Any], pointer: str
) -> None:
    person = await join(client)
    assert code_of(await report(client, city, event_of(person) | changes)) == (400, "invalid_request", pointer)


async def test_only_what_is_signed_is_counted(client: AsyncClient, city: CityApp) -> None:
    person, other = await join(client), await make_app()
    event = event_of(person)
    before = await digest_tables()
    foreign = sign(other.secret, b"{}")
    stale = sign(city.secret, b"{}", timestamp=1_700_000_000)
    for headers, header in (
        ({"webhook_id": ""}, "webhook-id"),
        ({"webhook_timestamp": stale["webhook-timestamp"]}, "webhook-timestamp"),
        ({"webhook_signature": ""}, "webhook-signature"),
        ({"webhook_signature": foreign["webhook-signature"]}, "webhook-signature"),
    ):
        answer = await report(client, city, event, **headers)
        assert code_of(answer) == (400, "signature_invalid", f"/header/{header}")
    elsewhere = CityApp(other.partner, city.source, city.secret)  # the right secret with another institution's key
    assert code_of(await report(client, elsewhere, event))[1] == "signature_invalid"
    assert await digest_tables() == before


async def test_many_deliveries_at_once_count_exactly(client: AsyncClient, city: CityApp) -> None:
    person = await join(client)
    before = await score_of(person)
    one = event_of(person)
    minutes = [event_of(person, kind="patrol", amount=35, occurredAt=on(2026, 3, 1)) for _ in range(12)]
    answers = await asyncio.gather(*(report(client, city, event) for event in [one] * 8 + minutes * 2))
    assert {answer.status_code for answer in answers} == {202}
    records = await records_of(person)
    assert sum(record.indicator == "POS_REPORT_SAFETY" for record in records) == 1
    assert sum(record.quantity or 0 for record in records) == 12 * 35 // 60
    assert (await total_of(person.id, "safety"), await total_of(person.id, "patrol")) == (1, 12 * 35)
    assert await score_of(person) == before + 10


async def test_one_id_sent_for_two_people_at_once_is_one_persons(client: AsyncClient, city: CityApp) -> None:
    people = [await join(client) for _ in range(4)]
    event_id = secrets.token_hex(8)
    answers = await asyncio.gather(*(report(client, city, event_of(one, eventId=event_id)) for one in people))
    assert {answer.status_code for answer in answers} == {202}
    assert sum([len(await records_of(one)) for one in people]) == 1


IS_OURS: contextvars.ContextVar[bool] = contextvars.ContextVar("IS_OURS", default=False)


async def test_the_same_work_for_members_and_for_strangers(
    client: AsyncClient, city: CityApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the time is compared but what is done: every statement, and how large what is sent with it is."""
    done: list[tuple[str, list[int]]] = []
    run: Any = getattr(Connection, RUN)

    async def note(self: Any, query: str, args: Any, *rest: Any, **more: Any) -> Any:
        if IS_OURS.get():  # and not the look at the catalogues, which comes every half second
            done.append((query, [len(arg) for arg in args if isinstance(arg, bytes)]))
        return await run(self, query, args, *rest, **more)

    member, counted = await join(client), await join(client)
    stranger = member._replace(id_number=make_id_number())
    named_otherwise = member._replace(name="惠大信")
    event = event_of(counted)
    await report(client, city, event)
    await post(client, city, event_of(member))  # the job of this second is there
    monkeypatch.setattr(Connection, RUN, note)
    IS_OURS.set(True)
    seen = []
    for sent in (event_of(member), event_of(stranger), event_of(named_otherwise), event, event | {"amount": 2}):
        await count_waiting_events()
        done.clear()
        assert (await post(client, city, sent)).status_code == 202
        seen.append([*done])
    assert seen[0]
    assert "point_inbox" in str(seen[0])
    assert "citizen" not in str(seen)
    # Whether the job of this second is found or made depends on the clock: the statement is the same one.
    assert all(one == seen[0] for one in seen)
    monkeypatch.undo()
    await count_waiting_events()
    assert await total_of(member.id, "safety") == 2


async def test_what_waits_is_sealed_and_counted_once_by_however_many(client: AsyncClient, city: CityApp) -> None:
    person = await join(client)
    event = event_of(person)
    await post(client, city, event)
    sealed = str(await fetch_value("SELECT string_agg(t::text, ' ') FROM point_inbox AS t"))
    for sent in (person.name, person.id_number, event["eventId"], city.source):
        assert sent not in sealed
        assert sent.encode().hex() not in sealed
    assert len(await records_of(person)) == 0
    await asyncio.gather(*[count_waiting_events() for _ in range(4)])
    assert len(await records_of(person)) == 1
    assert await total_of(person.id, "safety") == 1


async def test_one_that_fails_waits_and_holds_up_no_other(
    client: AsyncClient, city: CityApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlucky, lucky = await join(client), await join(client)

    async def fail_for_one(citizen_ids: list[UUID]) -> set[UUID]:
        if citizen_ids == [unlucky.id]:
            raise ValueError
        return await lock_members(citizen_ids)

    monkeypatch.setattr(events_actions, "lock_members", fail_for_one)
    await post(client, city, event_of(unlucky))
    waiting_id = await fetch_value("SELECT max(id::text)::uuid FROM point_inbox")
    await report(client, city, event_of(lucky))
    assert (len(await records_of(unlucky)), len(await records_of(lucky))) == (0, 1)
    for _ in range(FAILURES_MAX + 2):
        await count_waiting_events()
    assert await fetch_value("SELECT failures FROM point_inbox WHERE id = $1", waiting_id) == FAILURES_MAX
    await forget_given_up_events(now() + GIVEN_UP_LIFE - timedelta(minutes=5))
    assert await fetch_value("SELECT count(*) FROM point_inbox WHERE id = $1", waiting_id) == 1
    await forget_given_up_events(now() + GIVEN_UP_LIFE)
    assert await fetch_value("SELECT count(*) FROM point_inbox WHERE id = $1", waiting_id) == 0


@pytest.mark.parametrize(
    "passing",
    [
        asyncpg.QueryCanceledError("slow"), asyncpg.LockNotAvailableError("held"),
        asyncpg.DeadlockDetectedError("both"), TimeoutError("slow"), DatabaseUnreached(), Overloaded(),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
async def test_what_passes_by_itself_never_gives_an_event_up(
    client: AsyncClient, city: CityApp, monkeypatch: pytest.MonkeyPatch, passing: Exception
) -> None:
    """A job waits for every event that comes in, so many runs follow each other while a lock is held."""
    person = await join(client)

    async def fail(_: list[UUID]) -> set[UUID]:
        raise passing

    await post(client, city, event_of(person))
    with monkeypatch.context() as patched:
        patched.setattr(events_actions, "lock_members", fail)
        for _ in range(FAILURES_MAX + 1):
            await count_waiting_events()
    assert await total_of(person.id, "safety") is None
    await count_waiting_events()
    assert await total_of(person.id, "safety") == 1


async def test_who_leaves_takes_their_points(client: AsyncClient, city: CityApp) -> None:
    person = await join(client)
    event = event_of(person)
    await report(client, city, event)
    assert (await client.delete("/v1/me", headers=person.headers)).status_code == 204
    for table in ("point_event", "point_total"):
        assert await fetch_value(f"SELECT count(*) FROM {table} WHERE citizen_id = $1", person.id) == 0
    assert (await report(client, city, event)).status_code == 202
    again = await join(client, id_number=person.id_number)
    assert await records_of(again) == []
    await report(client, city, event)
    assert len(await records_of(again)) == 1

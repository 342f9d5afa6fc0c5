"""Leaving: dead in the same request, nothing personal left, the old caps for a person who returns."""

from __future__ import annotations

import asyncio
import contextvars
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.citizen.actions.account import match_people
from app.citizen.actions.identity import lock_id_number
from app.kit.clock import now, uuid7
from app.kit.db.database import execute, fetch_value, transaction
from app.membership.actions.joining import compute_tombstone_hash, forget_old_tombstones
from app.membership.applicant import TOMBSTONE_LIFETIME
from tests.support import notices, pointing
from tests.support.citizens import Joined, identity_body, join, log_in
from tests.support.objecting import make_objection, missing
from tests.support.officials import make_official
from tests.support.tables import list_tables, list_tables_of_citizens
from tests.support.waiting import wait_until_blocking

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from httpx2 import AsyncClient

PERSONAL = (
    "openid_index", "openid_cipher", "id_number_index", "id_number_cipher", "person_index", "name_cipher",
    "phone_index", "phone_cipher", "birth_on", "district", "cap_holder_id",
)  # fmt: skip


KEPT_ON_PURPOSE = {
    "access_log": "proof of who looked and why; its id leads to nobody any more, and no order is in it",
    "benefit_use": "caps are a person's: who returns within a year finds them used, under an id beside the citizen's",
    "citizen": "the account stays as an empty row: a constraint holds that nothing personal is in it",
    "citizen_session": "revoked, so that a token of theirs is refused; the worker forgets sessions long dead",
    "event": "what institutions have read as a feed without gaps; ids and states, nothing personal",
    "former_account": "for a year, whose caps an account used: a cap may be set later; the worker forgets it",
    "redemption": "the books of institutions, which must add up; its id leads to nobody any more",
    "scan": "its day's partition is dropped whole when nobody may redeem it any more",
    "score_moved": "while a city is prepared, that their row there is looked at again; emptied by the preparation",
    "tombstone": "for a year, under whose caps a person returns: a keyed hash; the worker forgets it",
}


async def leave(client: AsyncClient, member: Joined) -> None:
    answer = await client.delete("/v1/me", headers=member.headers)
    assert (answer.status_code, answer.content) == (204, b"")


async def cap_holder_of(citizen_id: UUID) -> UUID:
    return await fetch_value("SELECT cap_holder_id FROM citizen WHERE id = $1", citizen_id)  # type: ignore[no-any-return]


async def tombstone_of(member: Joined) -> Any:
    return await fetch_value(
        "SELECT cap_holder_id FROM tombstone WHERE person_hash = $1", compute_tombstone_hash(member.id_number)
    )


async def test_tokens_are_dead_in_the_same_request(client: AsyncClient) -> None:
    member = await join(client)
    other_phone = await log_in(client, member.tokens.code)
    generation = "SELECT code_generation FROM citizen WHERE id = $1"
    before = await fetch_value(generation, member.id)
    await leave(client, member)
    for headers in (member.headers, other_phone.headers):
        assert (await client.get("/v1/me", headers=headers)).status_code == 401
    for tokens in (member.tokens, other_phone):
        answer = await client.post("/v1/auth/refresh", json={"refreshToken": tokens.refresh})
        assert answer.status_code == 401
    assert (await client.delete("/v1/me", headers=member.headers)).status_code == 401
    assert await fetch_value(generation, member.id) == before + 1
    alive = "SELECT count(*) FROM citizen_session WHERE citizen_id = $1 AND revoked_at IS NULL"
    assert await fetch_value(alive, member.id) == 0


async def test_nothing_personal_is_left(client: AsyncClient) -> None:
    member = await join(client)
    await leave(client, member)
    row = await fetch_value("SELECT to_jsonb(c)::text FROM citizen c WHERE id = $1", member.id)
    assert '"state": "left"' in row
    for column in PERSONAL:
        assert f'"{column}": null' in row
    assert await match_people([(member.name, member.id_number)]) == [None]
    left = "SELECT count(*) FROM event WHERE citizen_id = $1 AND type = 'citizen.left.v1'"
    assert await fetch_value(left, member.id) == 1


async def live_everywhere(client: AsyncClient, member: Joined) -> None:
    """Put a member into every table that must forget them; what only a worker writes is written as it would."""
    await make_objection(client, member, missing())
    await notices.store_notice(member.id)
    answer = await pointing.report(client, await pointing.make_app(), pointing.event_of(member))
    assert answer.status_code == 202
    official = await make_official(roles=["importer"])
    for statement in (
        "INSERT INTO score_due (citizen_id, since) VALUES ($1, now())",
        "INSERT INTO score_prepared SELECT * FROM score_snapshot WHERE citizen_id = $1",
        "INSERT INTO notice_quota (citizen_id, template, remaining) VALUES ($1, 'record', 1) ON CONFLICT DO NOTHING",
    ):
        await execute(statement, member.id)
    await execute(
        """
        INSERT INTO record_proposal (id, state, source, citizen_id, event_id, indicator, event_on, facts_digest,
                                     proposed_by, proposed_at, expires_at)
        SELECT $2, 'pending', (SELECT min(code) FROM source), $1, 'L-1', 'POS_CLUE', '2026-01-01', '', $3, now(),
               now() + interval '7 days'
        """,
        member.id, uuid7(), official.id,
    )  # fmt: skip


async def list_mentions(citizen_id: UUID) -> set[str]:
    """Return every table with a row with a citizen's id in it, under whatever name and in JSON too."""
    return {
        table
        for table in await list_tables()
        if await fetch_value(f"SELECT EXISTS (SELECT FROM {table} t WHERE to_jsonb(t)::text ~ $1)", str(citizen_id))
    }


async def test_every_table_forgets_who_leaves_or_says_why_not(client: AsyncClient) -> None:
    """A new table with a citizen in it fails here until leaving empties it, or until its reason is written down."""
    member = await join(client)
    await live_everywhere(client, member)
    of_citizens = await list_tables_of_citizens()
    assert KEPT_ON_PURPOSE.keys() <= of_citizens, "a reason for a table that is gone"
    must_forget = of_citizens - KEPT_ON_PURPOSE.keys()
    before = await list_mentions(member.id)
    assert must_forget - before == set(), "put the member into it, so that this test can fail"
    await leave(client, member)
    assert await list_mentions(member.id) - KEPT_ON_PURPOSE.keys() == set()


async def test_a_tombstone_says_nothing_of_who_it_is(client: AsyncClient) -> None:
    member = await join(client)
    holder = await cap_holder_of(member.id)
    await leave(client, member)
    assert await tombstone_of(member) == holder
    row = await fetch_value(
        "SELECT row_to_json(t)::text FROM tombstone t WHERE person_hash = $1", compute_tombstone_hash(member.id_number)
    )
    assert str(member.id) not in row
    assert member.id_number not in row


async def test_who_returns_is_a_new_id_under_the_old_caps(client: AsyncClient) -> None:
    member = await join(client)
    holder = await cap_holder_of(member.id)
    await leave(client, member)
    again = await join(client, name=member.name, id_number=member.id_number, code=member.tokens.code)
    assert again.id != member.id
    assert await cap_holder_of(again.id) == holder
    assert await tombstone_of(member) is None, "a tombstone is used up"
    account = "SELECT account_number FROM citizen WHERE id = $1"
    assert await fetch_value(account, again.id) != await fetch_value(account, member.id)


async def test_leaving_and_returning_again_keeps_the_caps(client: AsyncClient) -> None:
    member = await join(client)
    holder = await cap_holder_of(member.id)
    for _ in range(3):
        await leave(client, member)
        member = await join(client, name=member.name, id_number=member.id_number)
        assert await cap_holder_of(member.id) == holder


async def test_other_people_have_caps_of_their_own(client: AsyncClient) -> None:
    holders = {await cap_holder_of((await join(client)).id) for _ in range(3)}
    assert len(holders) == 3


@pytest.mark.parametrize(("moment", "is_forgotten"), [(timedelta(microseconds=-1), False), (timedelta(0), True)])
async def test_a_tombstone_is_forgotten_after_its_year(
    client: AsyncClient, moment: timedelta, is_forgotten: bool
) -> None:
    member = await join(client)
    await leave(client, member)
    left_at: datetime = await fetch_value("SELECT left_at FROM citizen WHERE id = $1", member.id)
    assert await forget_old_tombstones(left_at + TOMBSTONE_LIFETIME + moment) >= int(is_forgotten)
    assert (await tombstone_of(member) is None) is is_forgotten


async def test_a_forgotten_person_starts_anew(client: AsyncClient) -> None:
    member = await join(client)
    holder = await cap_holder_of(member.id)
    await leave(client, member)
    await forget_old_tombstones(now() + TOMBSTONE_LIFETIME)
    again = await join(client, name=member.name, id_number=member.id_number)
    assert await cap_holder_of(again.id) != holder


async def test_somebody_who_never_joined_leaves_without_a_trace(client: AsyncClient) -> None:
    tokens = await log_in(client)
    before = await fetch_value("SELECT count(*) FROM tombstone")
    assert (await client.delete("/v1/me", headers=tokens.headers)).status_code == 204
    assert await fetch_value("SELECT openid_index FROM citizen WHERE id = $1", tokens.citizen_id) is None
    assert await fetch_value("SELECT count(*) FROM tombstone") == before
    assert (await log_in(client, tokens.code)).citizen_id != tokens.citizen_id


async def test_leaving_twice_at_once_is_leaving_once(client: AsyncClient) -> None:
    member = await join(client)
    answers = await asyncio.gather(*(client.delete("/v1/me", headers=member.headers) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [204, 401, 401, 401]
    left = "SELECT count(*) FROM event WHERE citizen_id = $1 AND type = 'citizen.left.v1'"
    assert await fetch_value(left, member.id) == 1


@pytest.mark.parametrize("act", ["leave", "join"])
async def test_joining_and_leaving_under_one_number_take_turns(client: AsyncClient, act: str) -> None:
    """While one of them holds the number the other waits, so no tombstone is written or read in between."""
    member, second = await join(client), await log_in(client)
    body = identity_body(name=member.name, id_number=member.id_number)
    request = {
        "leave": lambda: client.delete("/v1/me", headers=member.headers),
        "join": lambda: client.post("/v1/me/identity", json=body, headers=second.headers),
    }[act]()
    async with transaction():
        await lock_id_number(member.id_number)
        task = asyncio.create_task(request, context=contextvars.Context())
        await wait_until_blocking()
    assert (await task).status_code == {"leave": 204, "join": 409}[act]


async def test_returning_while_leaving_never_loses_the_caps(client: AsyncClient) -> None:
    """A person who joins with a second account at that moment is refused, or finds the tombstone."""
    for _ in range(6):
        member, second = await join(client), await log_in(client)
        holder = await cap_holder_of(member.id)
        body = identity_body(name=member.name, id_number=member.id_number)
        left, joined = await asyncio.gather(
            client.delete("/v1/me", headers=member.headers),
            client.post("/v1/me/identity", json=body, headers=second.headers),
        )
        assert left.status_code == 204
        if joined.status_code == 200:
            assert await cap_holder_of(second.citizen_id) == holder
        else:
            assert joined.json()["code"] == "identity_taken"
            assert await tombstone_of(member) == holder

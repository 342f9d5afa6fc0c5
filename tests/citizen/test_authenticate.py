"""What every request reads, and who is found by name and number."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING
from uuid import UUID

from app.citizen.actions import account as account_actions
from app.citizen.actions import identity as identity_actions
from app.citizen.paper import Person, parse_id_number
from app.citizen.queries import accounts as accounts_queries
from app.kit.clock import now, uuid7
from app.kit.db.database import execute, fetch_value, transaction
from tests.support.citizens import Tokens, log_in, make_id_number

if TYPE_CHECKING:
    import pytest
    from httpx2 import AsyncClient

    from app.kit.security.auth import CitizenCaller


async def make_member(tokens: Tokens, name: str, number: str) -> None:
    """Bind an identity to an account without the rest of joining."""
    id_number = parse_id_number(number)
    assert id_number is not None
    person = Person(name=name, id_number=id_number, phone="12000000000")
    async with transaction():
        assert await identity_actions.bind_person(tokens.citizen_id, person, cap_holder_id=uuid7(), at=now())


async def status_of(client: AsyncClient, tokens: Tokens) -> int:
    return (await client.get("/v1/me", headers=tokens.headers)).status_code


async def test_a_caller_is_read_with_every_request(client: AsyncClient) -> None:
    tokens = await log_in(client)
    header = tokens.headers["Authorization"]
    first = await account_actions.authenticate(header)
    assert (first.id, first.state) == (tokens.citizen_id, "new")
    async with transaction():
        await account_actions.raise_code_generation(tokens.citizen_id)
    await make_member(tokens, "张三", make_id_number())
    second = await account_actions.authenticate(header)
    assert (second.state, second.code_generation) == ("active", first.code_generation + 1)
    assert second.session_id == first.session_id
    assert second.account_number == first.account_number


async def test_callers_that_wait_together_share_one_read(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [await log_in(client) for _ in range(12)]
    reads: list[int] = []
    find_callers = accounts_queries.find_callers

    async def count(session_ids: list[UUID]) -> list[CitizenCaller]:
        reads.append(len(session_ids))
        return await find_callers(session_ids)

    monkeypatch.setattr(accounts_queries, "find_callers", count)
    callers = await asyncio.gather(*(account_actions.authenticate(one.headers["Authorization"]) for one in people))
    assert [caller.id for caller in callers] == [one.citizen_id for one in people]
    assert sum(reads) == 12
    assert len(reads) < 12


async def test_who_has_left_is_not_a_caller(client: AsyncClient) -> None:
    tokens = await log_in(client)
    assert await status_of(client, tokens) == 200
    async with transaction():
        await identity_actions.close_account(tokens.citizen_id, at=now())
    assert await status_of(client, tokens) == 401
    again = await log_in(client, tokens.code)
    assert again.citizen_id != tokens.citizen_id


async def test_a_member_sees_name_and_phone_masked(client: AsyncClient) -> None:
    tokens = await log_in(client)
    await make_member(tokens, "欧阳娜娜", make_id_number())
    body = (await client.get("/v1/me", headers=tokens.headers)).json()
    assert (body["state"], body["name"], body["phone"]) == ("active", "欧阳**", "120****0000")
    assert body["joinedAt"] is not None


async def test_people_are_matched_by_name_and_number_together(client: AsyncClient) -> None:
    number, dotted = make_id_number(), make_id_number()
    member, uighur, stranger = await log_in(client), await log_in(client), make_id_number()
    await make_member(member, "张三", number)
    await make_member(uighur, "买买提·吐尔逊", dotted)
    found = await account_actions.match_people(
        [
            ("张三", number), (" 张三 ", number.lower()), ("李四", number), ("张三", stranger), ("张三", "no number"),
            ("", number), ("买买提•吐尔逊", dotted), ("张三", number),
        ]
    )  # fmt: skip
    ids = [match.id if match else None for match in found]
    own, other = member.citizen_id, uighur.citizen_id
    assert ids == [own, own, None, None, None, None, other, own]
    born = parse_id_number(number)
    assert born is not None
    assert found[0] is not None
    assert found[0].birth_on == born.birth_on


async def test_nobody_is_matched_by_what_was_forgotten(client: AsyncClient) -> None:
    tokens, number = await log_in(client), make_id_number()
    await make_member(tokens, "张三", number)
    async with transaction():
        await identity_actions.close_account(tokens.citizen_id, at=now())
    assert await account_actions.match_people([("张三", number)]) == [None]
    assert await account_actions.match_people([]) == []


async def test_nothing_personal_is_stored_in_clear(client: AsyncClient) -> None:
    tokens, number, name = await log_in(client), make_id_number(), "惠明镜"
    await make_member(tokens, name, number)
    row = await fetch_value("SELECT row_to_json(c)::text FROM citizen c WHERE id = $1", tokens.citizen_id)
    for secret in (number, name, "12000000000"):
        assert secret not in row
        assert secret.encode().hex() not in row


async def test_a_field_moved_to_another_row_does_not_open(client: AsyncClient) -> None:
    """Cipher texts are bound to their row: swapping two people's names is noticed."""
    one, two = await log_in(client), await log_in(client)
    for tokens in (one, two):
        await make_member(tokens, "张三", make_id_number())
    await execute(
        "UPDATE citizen SET name_cipher = (SELECT name_cipher FROM citizen WHERE id = $2) WHERE id = $1",
        one.citizen_id,
        two.citizen_id,
    )
    assert (await client.get("/v1/me", headers=one.headers)).status_code == 500
    assert (await client.get("/v1/me", headers=two.headers)).status_code == 200


async def test_one_id_number_is_one_account(client: AsyncClient) -> None:
    number = make_id_number()
    first, second = await log_in(client), await log_in(client)
    await make_member(first, "张三", number)
    id_number = parse_id_number(number)
    assert id_number is not None
    person = Person(name="张三", id_number=id_number, phone="12000000000")
    async with transaction():
        assert not await identity_actions.bind_person(second.citizen_id, person, cap_holder_id=uuid7(), at=now())
    assert await identity_actions.find_member(number) == first.citizen_id
    assert await identity_actions.find_member(make_id_number(sequence=secrets.randbelow(1000))) is None

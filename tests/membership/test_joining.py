"""Joining: every refusal in its order, nothing stored unless all of it is, one person one membership."""

from __future__ import annotations

import asyncio
import logging
import secrets
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from app.citizen.actions import identity as identity_actions
from app.citizen.actions import wechat as wechat_actions
from app.citizen.actions.sealing import compute_id_number_index
from app.kit.clock import now
from app.kit.db.database import fetch_value, is_in_transaction
from app.kit.errors import RateLimited
from app.kit.outside import rate_limit, valkey
from app.kit.outside.rate_limit import TIGHTENED_BY
from app.kit.outside.valkey import VALKEY
from app.membership.actions import joining as joining_actions
from app.membership.actions.joining import (
    FIRST_TRIES_MAX,
    IDENTITY_LIMIT,
    IDENTITY_PERIOD_SECONDS,
    IDENTITY_TRIES_MAX,
    PERSON_LIMIT,
    PERSON_TRIES_MAX,
    compute_tombstone_hash,
)
from app.settings import read_settings
from app.values.days import shanghai_day
from tests.support.citizens import (
    REQUIRED_CONSENTS,
    Tokens,
    identity_body,
    join,
    log_in,
    make_id_number,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from httpx2 import AsyncClient, Response

OPTIONAL = {"purpose": "pos_blood", "version": 1}


async def ask(client: AsyncClient, tokens: Tokens, **changed: Any) -> Response:
    """Ask to join with a body that is right but for what is given."""
    return await client.post("/v1/me/identity", json=identity_body(**changed), headers=tokens.headers)


async def state_of(citizen_id: UUID) -> str:
    return str(await fetch_value("SELECT state FROM citizen WHERE id = $1", citizen_id))


async def count_of(table: str, citizen_id: UUID) -> int:
    return int(await fetch_value(f"SELECT count(*) FROM {table} WHERE citizen_id = $1", citizen_id))


async def test_joining_makes_a_member_with_a_first_score(client: AsyncClient) -> None:
    tokens = await log_in(client)
    answer = await ask(client, tokens, name="欧阳娜娜")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["id"], answer.json()["state"]) == (str(tokens.citizen_id), "active")
    own = (await client.get("/v1/me", headers=tokens.headers)).json()
    assert (own["state"], own["name"]) == ("active", "欧阳**")
    assert own["joinedAt"] == answer.json()["joinedAt"]
    given = (await client.get("/v1/me/consents", headers=tokens.headers)).json()["data"]
    assert {consent["purpose"] for consent in given} == {"join", "sensitive_information"}
    record = "SELECT source || ' ' || event_id || ' ' || indicator || ' ' || state FROM record WHERE citizen_id = $1"
    first_record = f"huixin identity:{tokens.citizen_id} BASE_ID_VERIFIED active"
    assert await fetch_value(record, tokens.citizen_id) == first_record
    assert await fetch_value("SELECT value FROM score_snapshot WHERE citizen_id = $1", tokens.citizen_id) >= 530
    events = "SELECT array_agg(type ORDER BY type) FROM event WHERE citizen_id = $1"
    assert await fetch_value(events, tokens.citizen_id) == [
        "citizen.joined.v1", "consent.given.v1", "consent.given.v1", "record.accepted.v1", "score.changed.v1"
    ]  # fmt: skip


async def test_separate_consents_may_come_with_joining(client: AsyncClient) -> None:
    member = await join(client, consents=[*REQUIRED_CONSENTS, OPTIONAL])
    assert await count_of("consent", member.id) == 3


CHILD = shanghai_day(now()) - timedelta(days=17 * 365)


@pytest.mark.parametrize(
    ("changed", "status", "code", "pointer"),
    [
        ({"consents": []}, 422, "consent_missing", None),
        ({"consents": REQUIRED_CONSENTS[:1]}, 422, "consent_missing", None),
        ({"consents": REQUIRED_CONSENTS[1:]}, 422, "consent_missing", None),
        ({"consents": [*REQUIRED_CONSENTS, {"purpose": "nose", "version": 1}]}, 422, "consent_unknown", "/consents/2"),
        ({"consents": [REQUIRED_CONSENTS[0], REQUIRED_CONSENTS[1] | {"version": 9}]},
         422, "consent_unknown", "/consents/1"),
        ({"id_number": "11010519491231002"}, 422, "id_number_invalid", "/idNumber"),
        ({"id_number": make_id_number()[:-1] + "?"}, 422, "id_number_invalid", "/idNumber"),
        ({"id_number": "١١٠١٠٥١٩٤٩١٢٣١٠٠٢X"}, 422, "id_number_invalid", "/idNumber"),
        ({"name": "张😀"}, 422, "name_invalid", "/name"),
        ({"name": ""}, 422, "name_invalid", "/name"),
        ({"name": "张三1"}, 422, "name_invalid", "/name"),
        ({"id_number": make_id_number(born_on=CHILD)}, 422, "under_age", "/idNumber"),
        ({"phone_code": "err-40029"}, 422, "phone_code_invalid", None),
        ({"phone_code": "demo-not-a-phone"}, 422, "phone_code_invalid", None),
        ({"phone_code": "demo-phone-foreign-1"}, 422, "phone_code_invalid", None),
        ({"name": "不符"}, 422, "identity_mismatch", None),
        ({"phone_code": "demo-phone-other-1"}, 422, "identity_mismatch", None),
        ({"phone_code": "err--1"}, 503, "outside_service_unavailable", None),
        ({"phone_code": "err-45011"}, 429, "rate_limited", None),
        ({"name": "繁忙"}, 503, "outside_service_unavailable", None),
    ],
)  # fmt: skip
async def test_every_refusal_is_clear_and_changes_nothing(
    client: AsyncClient, changed: dict[str, Any], status: int, code: str, pointer: str | None
) -> None:
    tokens = await log_in(client)
    answer = await ask(client, tokens, **changed)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code)
    assert [error["pointer"] for error in problem["errors"]] == ([pointer] if pointer else [])
    assert await state_of(tokens.citizen_id) == "new"
    for table in ("consent", "record", "score_snapshot", "event"):
        assert await count_of(table, tokens.citizen_id) == 0
    assert (await ask(client, tokens)).status_code == 200


async def test_the_missing_consents_are_named_in_the_readers_language(client: AsyncClient) -> None:
    tokens = await log_in(client)
    english = tokens.headers | {"Accept-Language": "en"}
    for headers, word in ((tokens.headers, "需要同意：开通"), (english, "Consent needed: Opting in")):
        answer = await client.post("/v1/me/identity", json=identity_body(consents=[]), headers=headers)
        reasons = answer.json()["reasons"]
        assert [reason["code"] for reason in reasons] == ["join", "sensitive_information"]
        assert reasons[0]["text"].startswith(word)


async def test_the_checks_come_in_their_order(client: AsyncClient) -> None:
    """Each thing put right brings the next refusal; outside services are asked last."""
    tokens = await log_in(client)
    child = make_id_number(born_on=CHILD)
    wrong: dict[str, Any] = {"consents": [], "id_number": "1", "name": "1", "phone_code": "no"}
    steps: list[tuple[dict[str, Any], str]] = [
        ({}, "consent_missing"),
        ({"consents": REQUIRED_CONSENTS}, "id_number_invalid"),
        ({"id_number": child}, "name_invalid"),
        ({"name": "不符"}, "under_age"),
        ({"id_number": make_id_number()}, "phone_code_invalid"),
        ({"phone_code": "demo-phone-1"}, "identity_mismatch"),
    ]
    for righted, code in steps:
        wrong |= righted
        assert (await ask(client, tokens, **wrong)).json()["code"] == code


@pytest.mark.parametrize(
    "body",
    [
        {}, {"name": "张三"}, identity_body() | {"gender": "x"}, identity_body() | {"name": 1},
        identity_body() | {"name": "张\u0000三"}, identity_body() | {"name": "张" * 101},
        identity_body() | {"idNumber": None}, identity_body() | {"phoneCode": ""},
        identity_body() | {"consents": "join"}, identity_body() | {"consents": [{"purpose": "join"}]},
        identity_body() | {"consents": [{"purpose": "join", "version": 0}]},
        identity_body() | {"consents": [{"purpose": "join", "version": 2**40}]},
        identity_body() | {"consents": [*REQUIRED_CONSENTS] * 11},
    ],
)  # fmt: skip
async def test_malformed_bodies_change_nothing(client: AsyncClient, body: Any) -> None:
    tokens = await log_in(client)
    answer = await client.post("/v1/me/identity", json=body, headers=tokens.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert answer.json()["errors"]
    assert await state_of(tokens.citizen_id) == "new"


async def test_joining_twice_is_refused(client: AsyncClient) -> None:
    member = await join(client)
    answer = await ask(client, member.tokens)
    assert (answer.status_code, answer.json()["code"]) == (409, "already_joined")
    assert [reason["code"] for reason in answer.json()["reasons"]] == ["state_active"]


async def test_joining_needs_a_login(client: AsyncClient) -> None:
    assert (await client.post("/v1/me/identity", json=identity_body())).status_code == 401


async def test_an_identity_is_taken_once(client: AsyncClient) -> None:
    member, other = await join(client), await log_in(client)
    answer = await ask(client, other, name=member.name, id_number=member.id_number.lower())
    assert (answer.status_code, answer.json()["code"]) == (409, "identity_taken")
    assert await state_of(other.citizen_id) == "new"
    assert await count_of("consent", other.citizen_id) == 0


async def test_many_accounts_racing_for_one_identity_are_one_member(client: AsyncClient) -> None:
    number = make_id_number()
    racers = [await log_in(client) for _ in range(8)]
    answers = await asyncio.gather(*(ask(client, racer, id_number=number) for racer in racers))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"identity_taken"}


async def test_one_account_joining_many_times_at_once_joins_once(client: AsyncClient) -> None:
    tokens, number = await log_in(client), make_id_number()
    answers = await asyncio.gather(*(ask(client, tokens, id_number=number) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 3
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"already_joined"}
    assert await count_of("record", tokens.citizen_id) == 1


async def test_nothing_is_stored_when_the_last_step_fails(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = await log_in(client)

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(joining_actions, "insert_events", fail)
        assert (await ask(client, tokens)).status_code == 500
    assert await state_of(tokens.citizen_id) == "new"
    for table in ("consent", "record", "record_source_event", "event"):
        assert await count_of(table, tokens.citizen_id) == 0
    assert (await ask(client, tokens)).status_code == 200


async def test_nobody_outside_is_asked_inside_a_transaction(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for module, name in ((wechat_actions, "fetch_phone_number"), (identity_actions, "verify_identity")):
        real = getattr(module, name)

        async def watched(*arguments: Any, _name: str = name, _real: Any = real) -> Any:
            assert not is_in_transaction()
            asked.append(_name)
            return await _real(*arguments)

        monkeypatch.setattr(module, name, watched)
    await join(client)
    assert asked == ["fetch_phone_number", "verify_identity"]


async def test_tries_are_limited_and_slips_of_the_pen_are_not_tries(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VALKEY, "_client", None)
    monkeypatch.setattr(rate_limit, "time", SimpleNamespace(time=lambda: 1_800_000_000.0))
    tokens = await log_in(client)
    for _ in range(IDENTITY_TRIES_MAX):
        assert (await ask(client, tokens, id_number="1")).json()["code"] == "id_number_invalid"
    for _ in range(IDENTITY_TRIES_MAX // TIGHTENED_BY):
        assert (await ask(client, tokens, name="不符")).json()["code"] == "identity_mismatch"
    refused = await ask(client, tokens)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["ratelimit"].startswith('"identity";r=0;')
    assert (await ask(client, await log_in(client))).status_code == 200


def test_the_shared_limits_of_tries_at_their_edges() -> None:
    for limit, most in ((IDENTITY_LIMIT, IDENTITY_TRIES_MAX), (PERSON_LIMIT, PERSON_TRIES_MAX)):
        assert "r=0;" in limit._shared.answer(most, 0.0)["RateLimit"]
        with pytest.raises(RateLimited):
            limit._shared.answer(most + 1, 0.0)


@pytest.fixture(params=["valkey", "no valkey"])
async def counting(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, client: AsyncClient
) -> AsyncIterator[int]:
    """Count all tries in one day, with a Valkey that is given its time, and without; how many times fewer there are."""
    del client  # it has opened Valkey
    monkeypatch.setattr(rate_limit, "time", SimpleNamespace(time=lambda: 1_900_000_000.0))
    await VALKEY.close()
    if request.param == "valkey":
        with monkeypatch.context() as patient:
            patient.setattr(valkey, "CALL_SECONDS_MAX", 30.0)
            VALKEY.open(read_settings().valkey_url)
            yield 1
            await VALKEY.close()
    else:
        yield TIGHTENED_BY
    VALKEY.open(read_settings().valkey_url)


async def test_leaving_and_coming_back_gives_a_wechat_account_no_new_tries(client: AsyncClient, counting: int) -> None:
    """Also when each try is of somebody else, and when one of them joins and leaves in between."""
    code = f"demo-{secrets.token_hex(8)}"
    for tries in range(IDENTITY_TRIES_MAX // counting):
        tokens = await log_in(client, code)
        answer = await ask(client, tokens, name="惠小信" if tries == 5 else "不符")
        assert answer.status_code == (200 if tries == 5 else 422), answer.text
        assert (await client.delete("/v1/me", headers=tokens.headers)).status_code == 204
    returned = await log_in(client, code)
    refused = await ask(client, returned)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert 0 < int(refused.headers["retry-after"]) <= IDENTITY_PERIOD_SECONDS
    body = identity_body()
    moved = await client.post("/v1/me/identity/rebind", json=body, headers=returned.headers)
    assert moved.status_code == 429


async def test_a_person_has_so_many_tries_whichever_account_makes_them(client: AsyncClient, counting: int) -> None:
    number = make_id_number()
    stubborn = await log_in(client)
    for _ in range(FIRST_TRIES_MAX):
        assert (await ask(client, stubborn, name="不符", id_number=number)).status_code == 422
    for _ in range(PERSON_TRIES_MAX // counting - FIRST_TRIES_MAX - 1):
        assert (await ask(client, await log_in(client), name="不符", id_number=number)).status_code == 422
    assert (await ask(client, stubborn, name="不符", id_number=number)).status_code == 422  # the last one
    assert (await ask(client, stubborn, name="不符", id_number=number)).status_code == 429
    assert (await ask(client, stubborn)).status_code == 200  # somebody else's tries are not used up


async def test_no_stranger_uses_up_somebodys_tries(client: AsyncClient, counting: int) -> None:
    number = make_id_number()
    for _ in range(PERSON_TRIES_MAX // counting):
        assert (await ask(client, await log_in(client), name="不符", id_number=number)).status_code == 422
    slow = await log_in(client)
    statuses = [
        (await ask(client, slow, name="不符", id_number=number)).status_code for _ in range(FIRST_TRIES_MAX + 1)
    ]
    assert statuses == [422] * FIRST_TRIES_MAX + [429]
    theirs = await log_in(client)
    assert (await ask(client, theirs, name="不符", id_number=number)).status_code == 422
    assert (await ask(client, theirs, id_number=number)).status_code == 200  # the right identity, from the second try


async def test_names_of_tries_are_hashes_of_their_own(client: AsyncClient) -> None:
    tokens, number = await log_in(client), make_id_number()
    names = await identity_actions.compute_try_names(tokens.citizen_id, number)
    index = await fetch_value("SELECT openid_index FROM citizen WHERE id = $1", tokens.citizen_id)
    assert len(set(names)) == 2
    assert not {index.hex(), compute_id_number_index(number).hex(), compute_tombstone_hash(number).hex()} & set(names)


async def test_planted_names_and_numbers_are_in_no_log_and_no_event(
    client: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    for logger in ("", "httpx2", "httpcore2", "httpcore2.http11", "httpcore2.connection", "asyncio", "huixin"):
        caplog.set_level(logging.DEBUG, logger=logger)
    name, number, phone_code = "惠植入", make_id_number(), f"demo-phone-{secrets.token_hex(8)}"
    refused = await log_in(client)
    await ask(client, refused, name=name, id_number=number[:-1])
    await ask(client, refused, name=name, id_number=number, phone_code="demo-phone-other-1")
    await ask(client, refused, name=name + "😀", id_number=number)
    member = await join(client, name=name, id_number=number, phone_code=phone_code)
    taken = await ask(client, refused, name=name, id_number=number)
    assert taken.json()["code"] == "identity_taken"
    assert (await client.delete("/v1/me", headers=member.headers)).status_code == 204
    written = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    events = await fetch_value("SELECT string_agg(row_to_json(e)::text, ' ') FROM event e")
    planted = (name, number, number[:-1], phone_code, member.tokens.access, compute_tombstone_hash(number).hex())
    assert [word for word in planted if word in written or word in events] == []

"""Enrolment: the person's own password and TOTP secret, one code for one account once, and a second administrator."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from app.kit.clock import uuid7
from app.kit.db.audit import find_broken_entry
from app.kit.db.database import execute, fetch_value
from app.kit.outside.rate_limit import SharedLimit
from app.official.account import ENROLMENT_LIFETIME, PASSWORD_CHARACTERS_MAX, PASSWORD_CHARACTERS_MIN
from app.official.actions import enrol as enrol_actions
from app.official.actions import secret as secret_actions
from app.official.actions import session as session_actions
from app.official.actions.manage import create_administrator, reset_administrator
from app.official.refusals import UsernameTaken
from tests.support.officials import (
    CHEAP,
    ENROLMENTS,
    OFFICIALS,
    PASSWORD,
    OfficialLogin,
    code_of,
    enrol,
    invite,
    make_official,
    move,
)
from tests.support.partners import bearer, make_partner

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

COMPLETE = f"{ENROLMENTS}/complete"


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords cheaply and refuse at once; neither is what these tests are about."""
    monkeypatch.setattr(secret_actions, "HASHER", CHEAP)
    monkeypatch.setattr(session_actions, "REFUSED_SECONDS_MIN", 0)
    # other tests have tried wrong codes from this address
    monkeypatch.setattr(enrol_actions, "LIMIT_ENROLMENTS", SharedLimit(f"test-{uuid7()}", 30, 300))


async def log_in(client: AsyncClient, username: str, secret: str, *, password: str = PASSWORD) -> Response:
    body = {"username": username, "password": password, "totp": code_of(secret)}
    return await client.post("/v1/official/login", json=body)


async def make_two() -> tuple[OfficialLogin, OfficialLogin]:
    first, second = [await make_official(roles=["administrator"]) for _ in range(2)]
    return first, second


async def state_of(official_id: str) -> str:
    return str(await fetch_value("SELECT state FROM official WHERE id = $1", official_id))


async def test_a_person_enrols_a_second_administrator_confirms_and_they_sign_in(client: AsyncClient) -> None:
    first, second = await make_two()
    made = await invite(client, first, roles=["reviewer", "reviewer"])
    row, code = made["official"], made["enrolmentCode"]
    assert (row["state"], row["roles"], row["needsSecondAdministrator"]) == ("invited", ["reviewer"], True)
    assert row["askedBy"] == str(first.id)
    answer, secret = await enrol(client, code)
    assert (answer.status_code, answer.json()) == (200, {"username": row["username"], "state": "enrolled"})
    assert (await log_in(client, row["username"], secret)).status_code == 401
    confirmed = await move(client, second, row["id"], "confirm")
    assert (confirmed.status_code, confirmed.json()["state"]) == (200, "active")
    assert confirmed.json()["confirmedBy"] == str(second.id)
    assert confirmed.json()["allowedActions"] == ["suspend", "reset"]
    signed_in = await log_in(client, row["username"], secret)
    assert signed_in.status_code == 200, signed_in.text
    inbox = await client.get("/v1/official/campaigns/inbox", headers=bearer(signed_in.json()["accessToken"]))
    assert inbox.status_code == 200
    for action in ("create", "enrol", "confirm"):
        sql = "SELECT count(*) FROM audit_entry WHERE subject = $1 AND action = $2"
        assert await fetch_value(sql, f"official:{row['id']}", f"official.{action}") == 1
    kinds = await fetch_value("SELECT array_agg(type ORDER BY id) FROM event WHERE subject_id = $1", row["id"])
    assert kinds == ["official.created.v1", "official.enrolled.v1", "official.confirmed.v1"]
    assert await find_broken_entry() is None


async def test_no_secret_is_shown_to_anybody_else_or_stored_readable(client: AsyncClient) -> None:
    first, second = await make_two()
    made = await invite(client, first)
    listed = await client.get(OFFICIALS, headers=first.headers, params={"limit": 100})
    _, secret = await enrol(client, made["enrolmentCode"])
    confirmed = await move(client, second, made["official"]["id"], "confirm")
    shown = await client.get(f"{OFFICIALS}/{made['official']['id']}", headers=first.headers)
    row = await fetch_value("SELECT to_jsonb(o)::text FROM official o WHERE id = $1", made["official"]["id"])
    entries = await fetch_value("SELECT string_agg(to_jsonb(a)::text, '') FROM audit_entry a")
    events = await fetch_value("SELECT string_agg(to_jsonb(e)::text, '') FROM event e")
    everything = listed.text + confirmed.text + shown.text + row + entries + events
    for hidden in (secret, PASSWORD, made["enrolmentCode"]):
        assert hidden not in everything


async def test_an_institutions_own_editor_needs_no_second(client: AsyncClient) -> None:
    partner = await make_partner()
    local = await make_official(roles=["administrator"], institution_id=partner.institution_id)
    made = await invite(client, local, institutionId=str(partner.institution_id))
    answer, secret = await enrol(client, made["enrolmentCode"])
    assert answer.json()["state"] == "active"
    signed_in = await log_in(client, made["official"]["username"], secret)
    assert signed_in.json()["official"]["institution"]["name"] == partner.name
    reset = await move(client, local, made["official"]["id"], "reset")
    answer, secret = await enrol(client, reset.json()["enrolmentCode"])
    assert answer.json()["state"] == "enrolled"  # a reset needs one, and the centre has one


@pytest.mark.parametrize("who", ["colleague", "centre"])
async def test_a_second_administrator_of_an_institution(client: AsyncClient, who: str) -> None:
    partner, stranger = await make_partner(), await make_partner()
    local, colleague = [
        await make_official(roles=["administrator"], institution_id=partner.institution_id) for _ in range(2)
    ]
    foreign = await make_official(roles=["administrator"], institution_id=stranger.institution_id)
    made = await invite(client, local, institutionId=str(partner.institution_id), roles=["administrator"])
    await enrol(client, made["enrolmentCode"])
    refused = await move(client, local, made["official"]["id"], "confirm")
    assert (refused.status_code, refused.json()["code"]) == (403, "second_administrator_needed")
    assert (await move(client, foreign, made["official"]["id"], "confirm")).status_code == 404
    second = colleague if who == "colleague" else await make_official(roles=["administrator"])
    assert (await move(client, second, made["official"]["id"], "confirm")).json()["state"] == "active"


async def test_a_code_works_once_whoever_races(client: AsyncClient) -> None:
    first, _ = await make_two()
    made = await invite(client, first)
    secret = (await client.post(ENROLMENTS, json={"code": made["enrolmentCode"]})).json()["totpSecret"]
    body = {"code": made["enrolmentCode"], "password": PASSWORD, "totp": code_of(secret)}
    answers = await asyncio.gather(*(client.post(COMPLETE, json=body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 410, 410, 410, 410]
    again, _ = await enrol(client, made["enrolmentCode"])
    assert (again.status_code, again.json()["code"]) == (410, "enrolment_code_invalid")


async def test_whoever_looked_before_has_nothing(client: AsyncClient) -> None:
    """An administrator opens the enrolment first: the secret they saw is not the one the person ends up with."""
    first, _ = await make_two()
    made = await invite(client, first)
    peeked = (await client.post(ENROLMENTS, json={"code": made["enrolmentCode"]})).json()["totpSecret"]
    own = (await client.post(ENROLMENTS, json={"code": made["enrolmentCode"]})).json()["totpSecret"]
    assert peeked != own
    body = {"code": made["enrolmentCode"], "password": PASSWORD, "totp": code_of(peeked)}
    refused = await client.post(COMPLETE, json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "enrolment_proof_wrong")
    assert (await client.post(COMPLETE, json=body | {"totp": code_of(own)})).status_code == 200


async def test_a_secret_that_was_replaced_meanwhile_counts_no_more(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right when it was proved, and another by the time it was to be taken: somebody else holds the code."""
    first, _ = await make_two()
    made = await invite(client, first)
    secret = (await client.post(ENROLMENTS, json={"code": made["enrolmentCode"]})).json()["totpSecret"]
    hash_password, loop = secret_actions.hash_password, asyncio.get_running_loop()

    def hash_slowly(password: str) -> str:
        again = client.post(ENROLMENTS, json={"code": made["enrolmentCode"]})
        assert asyncio.run_coroutine_threadsafe(again, loop).result(10).status_code == 200
        return hash_password(password)

    monkeypatch.setattr(secret_actions, "hash_password", hash_slowly)
    body = {"code": made["enrolmentCode"], "password": PASSWORD, "totp": code_of(secret)}
    assert (await client.post(COMPLETE, json=body)).status_code == 410
    assert await state_of(made["official"]["id"]) == "invited"


async def test_a_code_dies_with_its_time_and_with_its_successor(client: AsyncClient) -> None:
    first, second = await make_two()
    made = await invite(client, first)
    left = await fetch_value("SELECT enrolment_expires_at - now() FROM official WHERE id = $1", made["official"]["id"])
    assert ENROLMENT_LIFETIME * 0.9 < left <= ENROLMENT_LIFETIME
    await execute("UPDATE official SET enrolment_expires_at = now() WHERE id = $1", made["official"]["id"])
    assert (await client.post(ENROLMENTS, json={"code": made["enrolmentCode"]})).status_code == 410
    renewed = (await move(client, second, made["official"]["id"], "reset")).json()
    assert renewed["official"]["askedBy"] == str(second.id)
    again = (await move(client, second, made["official"]["id"], "reset")).json()
    for code, status in ((made["enrolmentCode"], 410), (renewed["enrolmentCode"], 410), (again["enrolmentCode"], 200)):
        assert (await client.post(ENROLMENTS, json={"code": code})).status_code == status


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"password": "a" * (PASSWORD_CHARACTERS_MIN - 1)}, "/password", None),
        ({"password": "a" * (PASSWORD_CHARACTERS_MAX + 1)}, "/password", None),
        ({"password": "password123456"}, "/password", "password_common"),
        ({"password": None}, "/password", None),
        ({"totp": "12345"}, "/totp", None),
        ({"code": ""}, "/code", None),
        ({"code": "x" * 101}, "/code", None),
        ({"role": "reviewer"}, "", None),
    ],
)
async def test_a_bad_wish_uses_nothing_up(
    client: AsyncClient, changes: dict[str, Any], pointer: str, code: str | None
) -> None:
    first, _ = await make_two()
    made = await invite(client, first)
    secret = (await client.post(ENROLMENTS, json={"code": made["enrolmentCode"]})).json()["totpSecret"]
    body = {"code": made["enrolmentCode"], "password": PASSWORD, "totp": code_of(secret)} | changes
    answer = await client.post(COMPLETE, json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)
    assert code in {None, answer.json()["errors"][0]["code"]}
    assert await state_of(made["official"]["id"]) == "invited"


@pytest.mark.parametrize("length", [PASSWORD_CHARACTERS_MIN, PASSWORD_CHARACTERS_MAX])
async def test_passwords_at_the_edge_are_taken(client: AsyncClient, length: int) -> None:
    first, _ = await make_two()
    password = ("correct horse battery " * 9)[:length]
    answer, _ = await enrol(client, (await invite(client, first))["enrolmentCode"], password=password)
    assert answer.status_code == 200, answer.text


async def test_a_password_does_not_name_its_account(client: AsyncClient) -> None:
    first, _ = await make_two()
    made = await invite(client, first)
    password = f"x {made['official']['username'].upper()} y"
    answer, _ = await enrol(client, made["enrolmentCode"], password=password)
    assert answer.json()["errors"][0]["code"] == "password_names_account"


async def test_nothing_is_proved_before_there_is_a_secret(client: AsyncClient) -> None:
    first, _ = await make_two()
    body = {"code": (await invite(client, first))["enrolmentCode"], "password": PASSWORD, "totp": "123456"}
    answer = await client.post(COMPLETE, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "enrolment_proof_wrong")


async def test_wrong_codes_are_limited_by_address_and_a_good_one_passes(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = await make_two()
    monkeypatch.setattr(enrol_actions, "LIMIT_ENROLMENTS", SharedLimit(f"test-{uuid7()}", 4, 10**8))
    answers = [await client.post(ENROLMENTS, json={"code": "hxe_wrong"}) for _ in range(9)]
    assert answers[0].status_code == 410
    assert answers[-1].status_code == 429
    answer, _ = await enrol(client, (await invite(client, first))["enrolmentCode"])
    assert answer.status_code == 200


async def test_the_proof_is_not_a_sign_in(client: AsyncClient) -> None:
    """The code that proved the secret does not open the account a second time."""
    partner = await make_partner()
    local = await make_official(roles=["administrator"], institution_id=partner.institution_id)
    made = await invite(client, local, institutionId=str(partner.institution_id))
    secret = (await client.post(ENROLMENTS, json={"code": made["enrolmentCode"]})).json()["totpSecret"]
    proof = code_of(secret)
    body = {"code": made["enrolmentCode"], "password": PASSWORD, "totp": proof}
    assert (await client.post(COMPLETE, json=body)).json()["state"] == "active"
    login = {"username": made["official"]["username"], "password": PASSWORD, "totp": proof}
    assert (await client.post("/v1/official/login", json=login)).status_code == 401


async def test_a_reset_takes_everything_away_at_once(client: AsyncClient) -> None:
    official, second = await make_two()
    third = await make_official(roles=["administrator"])
    assert (await log_in(client, official.username, official.totp_secret)).status_code == 200
    reset = await move(client, second, official.id, "reset")
    assert (reset.status_code, reset.json()["official"]["state"]) == (200, "invited")
    assert (await client.get(OFFICIALS, headers=official.headers)).status_code == 401
    await execute("UPDATE official SET totp_last_step = 0 WHERE id = $1", official.id)
    assert (await log_in(client, official.username, official.totp_secret)).status_code == 401
    assert await fetch_value("SELECT count(*) FROM official_address WHERE official_id = $1", official.id) == 0
    _, secret = await enrol(client, reset.json()["enrolmentCode"])
    assert (await move(client, third, official.id, "confirm")).status_code == 200
    assert (await log_in(client, official.username, secret)).status_code == 200
    assert (await client.get(OFFICIALS, headers=official.headers)).status_code == 401


async def test_a_confirmation_names_the_enrolment_it_is_for(client: AsyncClient) -> None:
    """Read before somebody enrolled anew, it is void; of two at once, one counts."""
    first, second = await make_two()
    third = await make_official(roles=["administrator"])
    made = await invite(client, first)
    path = f"{OFFICIALS}/{made['official']['id']}"
    await enrol(client, made["enrolmentCode"])
    read = (await client.get(path, headers=second.headers)).headers["etag"]
    renewed = (await move(client, first, made["official"]["id"], "reset")).json()
    await enrol(client, renewed["enrolmentCode"])
    stale = await client.post(f"{path}/confirm", headers=second.headers | {"If-Match": read})
    assert (stale.status_code, await state_of(made["official"]["id"])) == (412, "enrolled")
    etag = {"If-Match": (await client.get(path, headers=second.headers)).headers["etag"]}
    racing = [client.post(f"{path}/confirm", headers=who.headers | etag) for who in (first, second, third)]
    answers = await asyncio.gather(*racing)
    assert answers[0].status_code in {403, 412}
    assert sorted(answer.status_code for answer in answers[1:]) == [200, 412]


async def test_the_database_itself_keeps_the_second_person_apart(client: AsyncClient) -> None:
    first, second = await make_two()
    made = await invite(client, first)
    await enrol(client, made["enrolmentCode"])
    row = made["official"]["id"]
    for sql, arguments in (
        ("UPDATE official SET state = 'active' WHERE id = $1", (row,)),
        ("UPDATE official SET state = 'suspended' WHERE id = $1", (row,)),
        ("UPDATE official SET state = 'active', confirmed_by = $2 WHERE id = $1", (row, first.id)),
        ("UPDATE official SET state = 'active', confirmed_by = id WHERE id = $1", (row,)),
        ("UPDATE official SET state = 'enrolled', password_hash = NULL WHERE id = $1", (row,)),
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await execute(sql, *arguments)
    assert (await move(client, second, row, "confirm")).status_code == 200


# The command line.


async def test_administrators_of_the_command_line_need_nobody(client: AsyncClient) -> None:
    username = f"root-{uuid7().hex[-12:]}"
    made = await create_administrator(username)
    assert (made.official.roles, made.official.institution_id) == (["administrator"], None)
    answer, secret = await enrol(client, made.enrolment_code)
    assert answer.json()["state"] == "active"
    signed_in = await log_in(client, username, secret)
    headers = bearer(signed_in.json()["accessToken"])
    assert (await client.get("/v1/official/institutions", headers=headers)).status_code == 200
    with pytest.raises(UsernameTaken):
        await create_administrator(username)
    again = await reset_administrator(username)
    assert (await client.get("/v1/official/institutions", headers=headers)).status_code == 401
    answer, secret = await enrol(client, again.enrolment_code)
    assert answer.json()["state"] == "active"
    actors = "SELECT array_agg(DISTINCT actor) FROM audit_entry WHERE subject = $1 AND action = ANY($2)"
    used = ["official.create", "official.reset"]
    assert await fetch_value(actors, f"official:{made.official.id}", used) == ["command line"]


async def test_a_reset_of_the_command_line_is_for_the_centres_administrators(app: object) -> None:
    assert app is not None
    for official in (await make_official(roles=["reviewer"]), await make_official(
        roles=["administrator"], institution_id=(await make_partner()).institution_id)):  # fmt: skip
        with pytest.raises(Exception, match="not_found"):
            await reset_administrator(official.username)

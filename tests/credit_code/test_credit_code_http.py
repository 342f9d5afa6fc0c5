"""Codes over HTTP: who gets them, what they are, and how they die."""

from __future__ import annotations

import asyncio
import re
import secrets
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from app.citizen.actions.account import authenticate
from app.credit_code import actions as credit_code_actions
from app.credit_code import routes as credit_code_routes
from app.credit_code.picture import SIDE_MODULES, compute_svg
from app.credit_code.refusals import CreditCodeExpired, CreditCodeInvalid
from app.credit_code.short_form import SALTS, is_of_generation
from app.kit.clock import now
from app.kit.db.database import fetch_all
from app.kit.outside.rate_limit import LocalLimit
from app.kit.process.place import WORKER_PLACE
from app.settings import read_settings
from tests.support.citizens import Joined, Tokens, join, log_in
from tests.support.codes import open_shown_code

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response


class EventRow(msgspec.Struct, frozen=True):
    """An event as stored."""

    type: str
    data: str


async def ask_codes(client: AsyncClient, who: Joined | Tokens, count: Any = 1) -> Response:
    return await client.post("/v1/me/codes", json={"count": count}, headers=who.headers)


async def revoke(client: AsyncClient, who: Joined | Tokens, reason: str = "lost_phone") -> Response:
    return await client.post("/v1/me/codes/revoke", json={"reason": reason}, headers=who.headers)


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_codes_of_this_slot_and_the_next(client: AsyncClient, count: int) -> None:
    person = await join(client)
    before = now()
    answer = await ask_codes(client, person, count)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["ratelimit"].startswith('"codes";r=')
    assert answer.headers["ratelimit-policy"].startswith('"codes";q=')
    body = answer.json()
    server_time = datetime.fromisoformat(body["serverTime"])
    assert before <= server_time <= now()
    assert len(body["codes"]) == count
    starts = [datetime.fromisoformat(code["notBefore"]) for code in body["codes"]]
    assert starts[0] <= server_time < starts[0] + timedelta(seconds=30)
    assert starts == [starts[0] + number * timedelta(seconds=30) for number in range(count)]
    account = await authenticate(person.headers["Authorization"])
    for start, code in zip(starts, body["codes"], strict=True):
        assert datetime.fromisoformat(code["notAfter"]) == start + timedelta(seconds=30)
        opened = open_shown_code(code["text"], start)
        assert (opened.account_number, opened.slot_start) == (account.account_number, start)
        assert is_of_generation(opened, account.code_generation)
        assert opened.code_id == code["text"][2:]


@pytest.mark.parametrize(
    "body", [{"count": 0}, {"count": 4}, {"count": "x"}, {"count": None}, {"count": 1, "x": 1}, [], None]
)
async def test_a_body_that_asks_for_something_else_is_400(client: AsyncClient, body: Any) -> None:
    person = await join(client)
    headers = person.headers | {"Content-Type": "application/json"}
    answer = await client.post("/v1/me/codes", content=msgspec.json.encode(body), headers=headers)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("content", [b"", b"{}"])
@pytest.mark.parametrize("json", [True, False])
async def test_without_a_body_it_is_the_code_of_this_slot(client: AsyncClient, content: bytes, *, json: bool) -> None:
    person = await join(client)
    headers = person.headers | ({"Content-Type": "application/json"} if json else {})
    answer = await client.post("/v1/me/codes", content=content, headers=headers)
    assert answer.status_code == 201, answer.text
    assert len(answer.json()["codes"]) == 1


@pytest.mark.parametrize("content", [b"", b"{}"])
@pytest.mark.parametrize("json", [True, False])
async def test_a_revocation_needs_no_reason(client: AsyncClient, content: bytes, *, json: bool) -> None:
    person = await join(client)
    before = await authenticate(person.headers["Authorization"])
    headers = person.headers | ({"Content-Type": "application/json"} if json else {})
    answer = await client.post("/v1/me/codes/revoke", content=content, headers=headers)
    assert answer.status_code == 204, answer.text
    after = await authenticate(person.headers["Authorization"])
    assert after.code_generation == before.code_generation + 1
    sql = "SELECT type, data FROM event WHERE citizen_id = $1 AND type LIKE 'credit_code.%'"
    assert await fetch_all(EventRow, sql, person.id) == [EventRow("credit_code.revoked.v1", '{"reason": "other"}')]


async def test_somebody_new_has_no_code_to_show(client: AsyncClient) -> None:
    newcomer = await log_in(client)
    assert (await ask_codes(client, newcomer)).status_code == 403
    assert (await revoke(client, newcomer)).status_code == 403
    assert (await client.get("/v1/me/codes/current.svg", headers=newcomer.headers)).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"), [("POST", ""), ("POST", "/revoke"), ("GET", "/current.svg")], ids=["issue", "revoke", "draw"]
)
async def test_nobody_gets_codes_without_a_token(client: AsyncClient, method: str, path: str) -> None:
    body = {"count": 1} if path == "" else {"reason": "other"}
    answer = await client.request(method, f"/v1/me/codes{path}", json=body if method == "POST" else None)
    assert answer.status_code == 401


@pytest.mark.parametrize("reason", ["lost_phone", "screenshot", "other"])
async def test_revoking_kills_every_code_shown_so_far(client: AsyncClient, reason: str) -> None:
    person, neighbour = await join(client), await join(client)
    at = now()
    texts = [code["text"] for code in (await ask_codes(client, person, 3)).json()["codes"]]
    good = (await ask_codes(client, neighbour)).json()["codes"][0]["text"]
    answer = await revoke(client, person, reason)
    assert (answer.status_code, answer.content) == (204, b"")
    account = await authenticate(person.headers["Authorization"])
    opened = [open_shown_code(text, at + number * timedelta(seconds=30)) for number, text in enumerate(texts)]
    assert not any(is_of_generation(one, account.code_generation) for one in opened)
    untouched = await authenticate(neighbour.headers["Authorization"])
    assert is_of_generation(open_shown_code(good, at), untouched.code_generation)
    fresh = (await ask_codes(client, person)).json()["codes"][0]["text"]
    assert is_of_generation(open_shown_code(fresh, now()), account.code_generation)
    sql = "SELECT type, data FROM event WHERE citizen_id = $1 AND type LIKE 'credit_code.%'"
    assert await fetch_all(EventRow, sql, person.id) == [
        EventRow("credit_code.revoked.v1", f'{{"reason": "{reason}"}}')
    ]


async def test_two_revocations_at_once_both_count(client: AsyncClient) -> None:
    person = await join(client)
    before = await authenticate(person.headers["Authorization"])
    await asyncio.gather(revoke(client, person), revoke(client, person))
    after = await authenticate(person.headers["Authorization"])
    assert after.code_generation == before.code_generation + 2


@pytest.mark.parametrize("body", [{"reason": "because"}, {"reason": None}, {"reason": "other", "x": 1}])
async def test_a_revocation_names_a_listed_reason(client: AsyncClient, body: dict[str, Any]) -> None:
    person = await join(client)
    before = await authenticate(person.headers["Authorization"])
    assert (await client.post("/v1/me/codes/revoke", json=body, headers=person.headers)).status_code == 400
    assert await authenticate(person.headers["Authorization"]) == before


async def test_the_picture_shows_a_code_of_this_moment(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    person = await join(client)
    drawn: list[str] = []

    def draw(text: str) -> str:
        drawn.append(text)
        return compute_svg(text)

    monkeypatch.setattr(credit_code_routes, "compute_svg", draw)
    answer = await client.get("/v1/me/codes/current.svg", headers=person.headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["ratelimit"].startswith('"codes";r=')
    assert answer.text == compute_svg(drawn[0])
    account = await authenticate(person.headers["Authorization"])
    assert open_shown_code(drawn[0], now()).account_number == account.account_number


async def test_codes_are_limited_per_citizen(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credit_code_routes, "CODE_LIMIT", LocalLimit("codes", 2, 3600))
    person, neighbour = await join(client), await join(client)
    first, second, third = [await ask_codes(client, person) for _ in range(3)]
    assert [first.headers["ratelimit"][:11], second.headers["ratelimit"][:11]] == ['"codes";r=1', '"codes";r=0']
    assert third.status_code == 429
    assert third.json()["code"] == "rate_limited"
    assert int(third.headers["retry-after"]) > 0
    assert third.headers["ratelimit"].startswith('"codes";r=0')
    assert (await client.get("/v1/me/codes/current.svg", headers=person.headers)).status_code == 429
    assert (await ask_codes(client, neighbour)).status_code == 201


async def test_codes_of_one_slot_are_never_equal(client: AsyncClient) -> None:
    """Asked for one, two or three at a time: as many as there are salts, all different, whichever slot they are of."""
    person = await join(client)
    asked = [number % 3 + 1 for number in range(50)]
    assert sum(asked) <= SALTS
    codes = [code for count in asked for code in (await ask_codes(client, person, count)).json()["codes"]]
    assert len({code["text"] for code in codes}) == sum(asked)


def test_workers_never_give_one_code_of_a_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each worker is its own process with its own memory; together they use every salt once."""
    workers = 4
    monkeypatch.setattr(
        credit_code_actions, "read_settings", partial(msgspec.structs.replace, read_settings(), workers=workers)
    )
    given = []
    for worker in range(workers):
        credit_code_actions._LAST_STEPS.clear()
        monkeypatch.setenv(WORKER_PLACE, str(worker))
        given += [credit_code_actions._draw_salt(1) for _ in range(SALTS // workers)]
    assert sorted(given) == list(range(SALTS))


def test_the_memory_of_salts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credit_code_actions, "SALTS_REMEMBERED_MAX", 3)
    credit_code_actions._LAST_STEPS.clear()
    for account in (1, 2, 3, 1, 4):
        credit_code_actions._draw_salt(account)
    assert list(credit_code_actions._LAST_STEPS) == [3, 1, 4]


@pytest.mark.parametrize(
    ("seconds", "refusal"),
    [(-36, CreditCodeExpired), (-6, CreditCodeExpired), (46, CreditCodeExpired), (0, None), (45, None)],
)
async def test_what_a_till_scans_at_the_wrong_time(
    client: AsyncClient, seconds: int, refusal: type[CreditCodeExpired] | None
) -> None:
    person = await join(client)
    code = (await ask_codes(client, person)).json()["codes"][0]
    at = datetime.fromisoformat(code["notBefore"]) + timedelta(seconds=seconds)
    if refusal is None:
        assert open_shown_code(code["text"], at).code_id == code["text"][2:]
    else:
        with pytest.raises(refusal):
            open_shown_code(code["text"], at)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("text", ["", "96", "9" * 22, "96" + "x" * 20, "96" + "²" * 20])
def test_what_a_till_scans_that_is_no_code(text: str) -> None:
    with pytest.raises(CreditCodeInvalid):
        open_shown_code(text, now())


def test_a_picture_is_one_path_of_the_standard_shape() -> None:
    text = f"96{secrets.randbelow(10**20):020d}"
    svg = compute_svg(text)
    assert f'viewBox="0 0 {SIDE_MODULES} {SIDE_MODULES}"' in svg
    dark = {
        (int(x) + offset, int(y))
        for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", svg)
        for offset in range(int(width))
    }
    for left, top in ((4, 4), (18, 4), (4, 18)):  # the three finders, inside a quiet zone of four modules
        finder = {(left + x, top + y) for x in range(7) for y in range(7) if x in {0, 6} or y in {0, 6}}
        core = {(left + x, top + y) for x in range(2, 5) for y in range(2, 5)}
        ring = {(left + x, top + y) for x in range(1, 6) for y in range(1, 6)} - core
        assert finder | core <= dark
        assert not ring & dark
    assert all(4 <= x < 25 and 4 <= y < 25 for x, y in dark)
    assert svg != compute_svg(f"96{secrets.randbelow(10**20):020d}")
    assert svg.count("<path") == 2

"""Bad queries, paths and cursors on every operation that takes any: a problem, or an honest empty answer."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID

import pytest

from app.kit.web.http import PROBLEM_MEDIA_TYPE
from app.kit.web.paging import encode_cursor
from tests.support.description import OPERATIONS, Operation, path_of
from tests.support.digests import digest_tables
from tests.support.operations import RIGHT, UNKNOWN_ID
from tests.support.world import World, make_world

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

# Somebody who reads shows up in the access log; nothing else may move.
READING_IS_LOGGED = frozenset({"access_log"})


def with_query(name: str) -> list[Operation]:
    return [
        operation
        for operation in OPERATIONS
        if any(one["in"] == "query" and one["name"] == name for one in operation.described.get("parameters", []))
    ]


QUERIES = [
    (operation, parameter)
    for operation in OPERATIONS
    for parameter in operation.described.get("parameters", [])
    if parameter["in"] == "query"
]
# Without a value (``?limit=``) a parameter is as if it were not there.
WRONG: dict[str, list[str]] = {
    "limit": ["0", "-1", "101", "x", " 1", "1.5", "9" * 40, "%ff", "%00", "٣", "null", "1;2", "[1]"],
    "state": ["x", "LIVE", "live%00", "live,draft", "null,"],
    "version": ["0", "-1", "2147483648", "9" * 40, "x"],
    **{name: ["2026-02-30", "2026-13-01", "x", "2026", "2026-1-1", "-2026-01-01"] for name in ("from", "to")},
    "source": ["%00", "A", "a" * 41, "a b", "信用"],
    "on": ["2026-02-30", "2026-13-01", "x", "2026", "2026-1-1", "20260101T00", "-2026-01-01"],
    "reference": ["a b", "%00", "a" * 65, "A%0A", "%ff", "引用"],
    "storeId": ["x", "123", UNKNOWN_ID + "0", f"{{{UNKNOWN_ID}}}", "%00"],
    "scenario": ["a" * 41],
    "eligible": ["x", "2", "yes please"],
    "months": ["0", "-1", "37", "x", "1.5", "9" * 40, "%00", "٣"],
    "cursor": ["x", "%00", "%ff", "a" * 501, "....", "e30", "bnVsbA", "W10", "IiI", "5rW3"],
}


@pytest.fixture(scope="module")
async def world(client: AsyncClient) -> World:
    return await make_world(client)


async def ask(client: AsyncClient, world: World, operation: Operation, query: str, **ids: str) -> Response:
    right = RIGHT[operation.id]
    path = path_of(operation, {name: world.ids[place] for name, place in right.ids.items()} | ids)
    headers = world.headers_of(right.who) if right.who else {}
    return await client.request(operation.method, f"{path}?{query}" if query else path, headers=headers)


def check_problem(answer: Response, case: str) -> dict[str, Any]:
    assert answer.headers["content-type"] == PROBLEM_MEDIA_TYPE, (case, answer.text)
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    return problem


def test_every_query_parameter_is_described() -> None:
    assert {parameter["name"] for _, parameter in QUERIES} == set(WRONG), "say in WRONG what is wrong for the new one"


@pytest.mark.parametrize(
    ("operation", "parameter"), QUERIES, ids=[f"{operation.id} {one['name']}" for operation, one in QUERIES]
)
async def test_a_wrong_query_is_refused_by_its_name(
    client: AsyncClient, world: World, operation: Operation, parameter: dict[str, Any]
) -> None:
    name = parameter["name"]
    for wrong in WRONG[name]:
        answer = await ask(client, world, operation, f"{name}={wrong}")
        problem = check_problem(answer, wrong)
        assert answer.status_code == 400, (wrong, answer.text)
        if problem["code"] != "invalid_cursor":
            assert [error["pointer"] for error in problem["errors"]] == [f"/query/{name}"], wrong


# What some list of ours, or of another version of ours, could have given out.
INSTANTS = [
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00", "2026-01-01T00:00:00Z",
]  # fmt: skip
IDS = [UNKNOWN_ID, str(UUID(int=0)), str(UUID(int=2**128 - 1))]
NUMBERS = [0, 1, -1, 2**15, 2**31, 2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30, 1.5, True]
STALE = [
    *IDS, *NUMBERS, *INSTANTS, None, {}, [], "", "x", "\x00",
    *([instant, identifier] for instant in INSTANTS for identifier in IDS),
    *([identifier, instant] for instant in INSTANTS[:1] for identifier in IDS[:1]),
    *([number, number, UNKNOWN_ID] for number in NUMBERS), *([1, number, UNKNOWN_ID] for number in NUMBERS),
    {"at": "0001-01-01T00:00:00Z", "id": UNKNOWN_ID}, {"id": UNKNOWN_ID}, [UNKNOWN_ID], [[UNKNOWN_ID]],
]  # fmt: skip


def encode(value: object) -> str:
    try:
        return encode_cursor(value)
    except OverflowError:  # larger than any machine's integer
        return base64.urlsafe_b64encode(repr(value).replace("'", '"').encode()).decode().rstrip("=")


@pytest.mark.parametrize("operation", with_query("cursor"), ids=lambda operation: operation.id)
async def test_a_cursor_of_another_list_is_refused_or_empty(
    client: AsyncClient, world: World, operation: Operation
) -> None:
    before = await digest_tables(but=READING_IS_LOGGED)
    codes = set()
    for value in STALE:
        answer = await ask(client, world, operation, f"cursor={encode(value)}&limit=1")
        assert answer.status_code in {200, 400}, (value, answer.text)
        if answer.status_code == 400:
            codes.add(check_problem(answer, repr(value))["code"])
        else:
            assert set(answer.json()) == {"data", "page"}
    assert codes == {"invalid_cursor"}
    assert await digest_tables(but=READING_IS_LOGGED) == before


PATHS = [operation for operation in OPERATIONS if operation.path_parameters]
NO_IDS = [
    "x", "0", "null", UNKNOWN_ID[:-1], UNKNOWN_ID + "0", f"{{{UNKNOWN_ID}}}", "urn:uuid:" + UNKNOWN_ID,
    UNKNOWN_ID.replace("-", "%20"), UNKNOWN_ID + "\x00", "\x00", "é", "😀", "' OR 1=1 --", "a" * 5000, "[1]", "a/b",
]  # fmt: skip
NO_DAYS = [
    "2026-02-30", "2026-13-01", "0000-01-01", "2026", "２０２６-01-01", "10000-01-01", "2026-01-01\x00", "yesterday",
    "0001-01-01", "0001-01-02", "1999-12-31", "2100-01-01", "9999-12-30", "9999-12-31",
]  # fmt: skip


@pytest.mark.parametrize("operation", PATHS, ids=lambda operation: f"{operation.method} {operation.path}")
async def test_what_is_no_id_is_not_found(client: AsyncClient, world: World, operation: Operation) -> None:
    before = await digest_tables(but=READING_IS_LOGGED)
    for name in operation.path_parameters:
        for wrong in NO_IDS:
            answer = await ask(client, world, operation, "", **{name: wrong})
            assert answer.status_code in {400, 404, 405}, (wrong, answer.text)
            check_problem(answer, wrong)
    assert await digest_tables(but=READING_IS_LOGGED) == before


@pytest.mark.parametrize("day", NO_DAYS)
async def test_what_is_no_day_is_not_found(client: AsyncClient, world: World, day: str) -> None:
    (by_path,) = [operation for operation in PATHS if "day" in operation.path_parameters]
    (by_query,) = with_query("on")
    answer = await ask(client, world, by_path, "", day=day)
    assert (answer.status_code, check_problem(answer, day)["code"]) == (404, "not_found")
    answer = await ask(client, world, by_query, f"on={quote(day)}")
    assert answer.status_code == 400
    assert [error["pointer"] for error in check_problem(answer, day)["errors"]] == ["/query/on"]


@pytest.mark.parametrize("day", ["2000-01-01", "2099-12-31"])
async def test_a_day_with_nothing_on_it_is_empty(client: AsyncClient, world: World, day: str) -> None:
    (by_path,) = [operation for operation in PATHS if "day" in operation.path_parameters]
    (by_query,) = with_query("on")
    assert (await ask(client, world, by_path, "", day=day)).json()["count"] == 0
    assert (await ask(client, world, by_query, f"on={day}")).json()["data"] == []

"""Bad input to every operation: a problem with a stable code and the place, and nothing has changed."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

from app.kit.web.http import PROBLEM_MEDIA_TYPE
from tests.support.citizens import log_in
from tests.support.description import BY_ID, OPERATIONS, Operation, path_of
from tests.support.digests import digest_tables
from tests.support.operations import RIGHT, headers_for
from tests.support.spoiling import spoil
from tests.support.world import World, make_world

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

CODE = re.compile(r"`([a-z_]+)`: ")
JSON = {"Content-Type": "application/json"}
MEGABYTE = 1024 * 1024
# A batch is read item by item, so that a bad one fails alone: tests/intake looks at its items, and one test below.
BY_ITEM = "importRecords"
# What a body may be at most where it is not 64 KiB.
LARGER = {
    BY_ITEM: MEGABYTE,
    **dict.fromkeys(("draftRuleBook", "editRuleBook", "putRuleBookExamples"), MEGABYTE // 2),
}
WITH_BODY = [operation for operation in OPERATIONS if operation.body is not None]
WHOLE = [operation for operation in WITH_BODY if operation.id != BY_ITEM]
# Whoever has joined is told so before anything else.
BY_NEWCOMERS = {"joinWithIdentity", "moveIdentity"}


@pytest.fixture(scope="module")
async def world(client: AsyncClient) -> World:
    return await make_world(client)


class Sender:
    """Sends what should have been the right request of an operation."""

    def __init__(self, client: AsyncClient, world: World, newcomer: dict[str, str]) -> None:
        self.client = client
        self.world = world
        self.newcomer = newcomer

    async def send(self, operation: Operation, **request: Any) -> Response:
        """Send with the rightful caller's token and the headers the operation needs, or ``needed`` before."""
        right = RIGHT[operation.id]
        needed = request.pop("needed", None)
        headers = (await self.read_needed(operation) if needed is None else needed) | (
            self.world.headers_of(right.who) if right.who else {}
        )
        if operation.id in BY_NEWCOMERS:
            headers |= self.newcomer
        own = {name: self.world.ids[place] for name, place in right.ids.items()}
        path = path_of(operation, own | request.pop("ids", {}))
        headers |= request.pop("headers", {})
        return await self.client.request(operation.method, path, headers=headers, **request)

    async def read_needed(self, operation: Operation) -> dict[str, str]:
        """Read the headers an operation needs, an ETag among them; good until something changes."""
        return await headers_for(self.client, operation, self.world)


@pytest.fixture
async def sender(client: AsyncClient, world: World) -> Sender:
    return Sender(client, world, (await log_in(client)).headers)


def check_problem(operation: Operation, answer: Response, case: str) -> dict[str, Any]:
    """Return a problem whose status and code the OpenAPI names for the operation."""
    assert 400 <= answer.status_code < 500, (case, answer.status_code, answer.text)
    assert answer.headers["content-type"] == PROBLEM_MEDIA_TYPE, case
    problem: dict[str, Any] = answer.json()
    documented = operation.answers.get(str(answer.status_code), {"description": ""})
    assert problem["code"] in CODE.findall(documented["description"]), (case, problem["code"])
    return problem


def name_of(operation: Operation) -> str:
    return operation.id


@pytest.mark.parametrize("operation", WHOLE, ids=name_of)
async def test_one_wrong_thing_is_named_with_its_place(sender: Sender, operation: Operation) -> None:
    right = RIGHT[operation.id]
    assert right.body is not None
    assert operation.body is not None
    before = await digest_tables()
    cases = list(spoil(operation.body, right.body(sender.world)))
    assert len(cases) > 8
    needed = await sender.read_needed(operation)
    for spoiled in cases:
        case = f"{spoiled.name} at {spoiled.pointer}"
        answer = await sender.send(operation, content=json.dumps(spoiled.body), headers=JSON, needed=needed)
        problem = check_problem(operation, answer, case)
        assert spoiled.pointer in [error["pointer"] for error in problem["errors"]], (case, problem)
        if spoiled.code:
            assert (answer.status_code, problem["code"]) == (400, "invalid_request"), case
            assert problem["errors"][0]["code"] in {spoiled.code, "wrong_type"}, (case, problem)
    assert await digest_tables() == before


MALFORMED: dict[str, bytes] = {
    "cut off": b'{"name":',
    "something after": b'{"name":"x"}}',
    "two bodies": b"{}{}",
    "single quotes": b"{'name': 'x'}",
    "a bare word": b"name",
    "NaN": b'{"name":NaN}',
    "infinity": b'{"name":-Infinity}',
    "not UTF-8": b'{"name":"\xff\xfe"}',
    "a lone surrogate": b'{"name":"\\ud800"}',
    "UTF-16": '{"name":"x"}'.encode("utf-16"),
    "NUL": b"\x00",
    "too deep to read": b"[" * 20_000,
    "a form": b"name=x&kind=merchant",
}


# Of a single item that is an object this is found when the item is read, and the item refused.
ITEM_CASES = {"not UTF-8", "a lone surrogate"}


@pytest.mark.parametrize("operation", WITH_BODY, ids=name_of)
async def test_what_is_no_json_is_refused(sender: Sender, operation: Operation) -> None:
    before = await digest_tables()
    for case, content in MALFORMED.items():
        if operation.id == BY_ITEM and case in ITEM_CASES:
            continue
        answer = await sender.send(operation, content=content, headers=JSON)
        problem = check_problem(operation, answer, case)
        assert (answer.status_code, problem["code"]) == (400, "malformed_request"), case
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = await sender.send(operation, content=b"{}", headers={"Content-Type": content_type})
        assert answer.status_code == 415, content_type
        assert check_problem(operation, answer, content_type)["code"] == "unsupported_media_type"
    if operation.described["requestBody"]["required"]:
        empty = await sender.send(operation)
        assert empty.status_code == 400
        check_problem(operation, empty, "no body")
    assert await digest_tables() == before


async def _pieces() -> AsyncIterator[bytes]:
    yield b'{"name":"'
    for _ in range(20):
        yield b"a" * 64 * 1024


@pytest.mark.parametrize("operation", WITH_BODY, ids=name_of)
async def test_a_huge_body_is_refused(sender: Sender, operation: Operation) -> None:
    before = await digest_tables()
    limit = LARGER.get(operation.id, 64 * 1024)
    bodies: list[tuple[str, Any]] = [
        ("ten megabytes", b'"' + b"a" * 10 * MEGABYTE + b'"'),
        ("a byte too many", b'"' + b"a" * (limit - 1) + b'"'),
        ("without a length", _pieces()),
    ]
    for case, content in bodies:
        answer = await sender.send(operation, content=content, headers=JSON)
        assert answer.status_code == 413, case
        assert check_problem(operation, answer, case)["code"] == "body_too_large"
    assert await digest_tables() == before


@pytest.mark.parametrize(
    "operation", [operation for operation in WITH_BODY if operation.caller], ids=lambda operation: operation.id
)
async def test_who_calls_is_asked_before_what_they_sent(
    client: AsyncClient, sender: Sender, operation: Operation
) -> None:
    """A caller who may not do it learns nothing about the body: neither its shape nor that it is wrong."""
    path = path_of(operation, {name: sender.world.ids[place] for name, place in RIGHT[operation.id].ids.items()})
    for content in (b"{", b"[]", b'{"unknown":1}', b'{"name":"\\u0000"}', b""):
        answer = await client.request(operation.method, path, content=content, headers=JSON)
        assert answer.status_code == 401, answer.text


# Names that cannot be names.
NAMES = ["张😀", "🀄", "\x1f", "a\x07b", "\ufffc", "\ue000", "\u0085", "   ", ""]
NAMED = [
    ("joinWithIdentity", "name"), ("moveIdentity", "name"), ("createInstitution", "name"), ("createStore", "name"),
    ("createTerminal", "name"), ("createKey", "name"), ("createOfficial", "username"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "field"), NAMED)
async def test_what_cannot_be_a_name_is_refused(sender: Sender, name: str, field: str) -> None:
    operation, before = BY_ID[name], await digest_tables()
    body = RIGHT[name].body
    assert body is not None
    for wrong in NAMES:
        answer = await sender.send(operation, json=body(sender.world) | {field: wrong})
        problem = check_problem(operation, answer, repr(wrong))
        assert answer.status_code in {400, 422}, repr(wrong)
        assert [error["pointer"] for error in problem["errors"]] == [f"/{field}"], repr(wrong)
    assert await digest_tables() == before


@pytest.mark.parametrize(
    ("name", "field", "wrong", "code"),
    [
        ("scanCode", "code", "96" + "０" * 20, "credit_code_invalid"),
        ("scanCode", "code", "96" + "٣" * 20, "credit_code_invalid"),
        ("scanCode", "code", "９６" + "0" * 20, "credit_code_invalid"),
        ("scanCode", "code", "96" + "0" * 19 + "²", "credit_code_invalid"),
        ("scanCode", "code", " 96" + "0" * 20, "credit_code_invalid"),
        ("scanCode", "code", "96" + "0" * 20 + "\n", "credit_code_invalid"),
        ("scanCode", "code", "+96" + "0" * 19, "credit_code_invalid"),
        ("loginOfficial", "totp", "１２３４５６", "invalid_request"),
        ("loginOfficial", "totp", "12345６", "invalid_request"),
        ("loginOfficial", "totp", "123456\n", "invalid_request"),
        ("joinWithIdentity", "idNumber", "11010519491231002٣", "id_number_invalid"),
        ("redeemBenefit", "reference", "Ａ-1", "invalid_request"),
        ("redeemBenefit", "reference", "A 1", "invalid_request"),
        ("redeemBenefit", "reference", "A-1\n", "invalid_request"),
        ("redeemBenefit", "amountFen", 0, "invalid_request"),
        ("redeemBenefit", "amountFen", -1, "invalid_request"),
        ("redeemBenefit", "scanId", "{01890000-0000-7000-8000-000000000000}", "invalid_request"),
        ("redeemBenefit", "scanId", "01890000000070008000000000000000\n", "invalid_request"),
        ("createKey", "expiresAt", "9999-12-31T23:59:59Z", "invalid_request"),
        ("createKey", "expiresAt", "0001-01-01T00:00:00+14:00", "invalid_request"),
        ("createKey", "expiresAt", "2030-01-01T00:00:00", "invalid_request"),
        ("createKey", "expiresAt", 1893456000, "invalid_request"),
        ("createKey", "scopes", [], "invalid_request"),
        ("createKey", "scopes", ["read"] * 5, "invalid_request"),
        ("createKey", "scopes", ["admin"], "invalid_request"),
        ("rotateKey", "overlapSeconds", -1, "invalid_request"),
        ("createOfficial", "roles", ["owner"], "invalid_request"),
        ("createInstitution", "kind", "school", "invalid_request"),
        ("issueCodes", "count", 0, "invalid_request"),
        ("issueCodes", "count", 4, "invalid_request"),
        ("draftCampaign", "startsAt", "0001-01-01T00:00:00+14:00", "campaign_invalid"),
        ("draftCampaign", "endsAt", "9999-12-31T23:59:59-12:00", "campaign_invalid"),
        ("draftCampaign", "startsAt", "2030-01-01T00:00:00", "invalid_request"),
        ("draftCampaign", "startsAt", "2030-02-30T00:00:00Z", "invalid_request"),
        ("draftCampaign", "benefits", [], "campaign_invalid"),
        ("draftCampaign", "title", " \t ", "invalid_request"),
    ],
)  # fmt: skip
async def test_a_value_beyond_its_edge_is_refused(sender: Sender, name: str, field: str, wrong: Any, code: str) -> None:
    operation, before = BY_ID[name], await digest_tables()
    body = RIGHT[name].body
    assert body is not None
    answer = await sender.send(operation, json=body(sender.world) | {field: wrong})
    problem = check_problem(operation, answer, repr(wrong))
    assert problem["code"] == code
    if code in {"invalid_request", "id_number_invalid"}:
        assert problem["errors"][0]["pointer"].startswith(f"/{field}")
    assert await digest_tables() == before


KEYED = [operation for operation in OPERATIONS if RIGHT[operation.id].needs_key]


@pytest.mark.parametrize("operation", KEYED, ids=name_of)
async def test_what_moves_value_needs_a_key(sender: Sender, operation: Operation) -> None:
    right, before = RIGHT[operation.id], await digest_tables()
    body = right.body(sender.world) if right.body else None  # a file's bytes are not looked at without a key
    query = {name: sender.world.ids[place] for name, place in right.query.items()}
    headers = sender.world.headers_of(right.who or "")
    path = path_of(operation, {name: sender.world.ids[place] for name, place in right.ids.items()})
    for key in (
        None,
        "",
        "short",
        "a" * 15,
        "a" * 65,
        "a" * 15 + " ",
        "a b" * 8,
        "é" * 20,
        "a" * 15 + "\x7f",
        "a" * 10_000,
    ):
        told = [(name.encode(), value.encode()) for name, value in headers.items()]
        told += [] if key is None else [(b"idempotency-key", key.encode())]
        answer = await sender.client.request(operation.method, path, json=body, params=query, headers=told)
        problem = check_problem(operation, answer, repr(key))
        assert (answer.status_code, problem["code"]) == (400, "idempotency_key_invalid"), repr(key)
    assert await digest_tables() == before


def test_every_operation_that_moves_value_is_known_to_need_a_key() -> None:
    told = {
        operation.id
        for operation in OPERATIONS
        for parameter in operation.described.get("parameters", [])
        if parameter["name"] == "Idempotency-Key"
    }
    assert told == {operation.id for operation in KEYED}


ETAGGED = [
    operation
    for operation in OPERATIONS
    if any(parameter["name"] == "If-Match" for parameter in operation.described.get("parameters", []))
]


@pytest.mark.parametrize("operation", ETAGGED, ids=name_of)
async def test_an_etag_that_lost_changes_nothing(sender: Sender, operation: Operation) -> None:
    right, before = RIGHT[operation.id], await digest_tables()
    body = right.body(sender.world) if right.body else None
    for etag in ('"0"', '"999"', 'W/"1"', '"', "1", '"a", "b"', "\x7f", "-1", '"1'):
        answer = await sender.send(operation, json=body, headers={"If-Match": etag})
        assert (answer.status_code, answer.json()["code"]) == (412, "etag_stale"), etag
    too_long = await sender.send(operation, json=body, headers={"If-Match": '"' + "1" * 300 + '"'})
    assert too_long.status_code in {400, 412}
    if right.needs_etag:
        headers = sender.world.headers_of(right.who or "")
        path = path_of(operation, {name: sender.world.ids[place] for name, place in right.ids.items()})
        for nameless in ({}, {"If-Match": "*"}, {"If-Match": " * "}):
            missing = await sender.client.request(operation.method, path, json=body, headers=headers | nameless)
            assert (missing.status_code, missing.json()["code"]) == (428, "etag_missing")
    assert await digest_tables() == before

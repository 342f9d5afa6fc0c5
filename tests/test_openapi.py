"""The description is complete, the committed files are those the code makes, the pages need no other host."""

from __future__ import annotations

import json
import re
import typing
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from httpx2 import AsyncClient, Request, Response

from app.citizen.paper import CitizenState
from app.kit.errors import MoveNotAllowed
from app.kit.web.http import PROBLEM_MEDIA_TYPE
from app.kit.web.openapi_files import find_refusals, iter_refusals, render_openapi, render_refusals
from app.main import create_app
from app.official.moves import State as OfficialState
from app.partner.directory import State as PartnerState
from tests.support.contract import ContractBroken, check_answer, check_request
from tests.support.description import DESCRIPTION, answers_of

FOLDER = Path(__file__).parents[1] / "openapi"
APP = create_app()
OPERATIONS: list[tuple[str, str, dict[str, Any]]] = [
    (method, path, operation) for path, item in DESCRIPTION["paths"].items() for method, operation in item.items()
]
IDS = [f"{method} {path}" for method, path, _ in OPERATIONS]
CODE = re.compile(r"`([a-z_]+)`: ")
OTHER_HOST = re.compile(rb"""(?:src|href|url|@import)\s*[=(:]?\s*["']?(?:https?:)?//""", re.IGNORECASE)


def test_the_committed_files_are_what_the_code_says() -> None:
    advice = "run `make openapi` and look at the difference"
    assert (FOLDER / "openapi.json").read_text(encoding="utf-8") == render_openapi(APP), advice
    assert (FOLDER / "refusals.md").read_text(encoding="utf-8") == render_refusals(), advice


def test_operation_ids_are_unique_and_camel_case() -> None:
    ids = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(ids)) == len(ids)
    assert [one for one in ids if not re.fullmatch(r"[a-z]+(?:[A-Z0-9][a-z0-9]*)*", one)] == []


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=IDS)
def test_an_operation_says_what_it_is(method: str, path: str, operation: dict[str, Any]) -> None:
    assert len(operation["tags"]) == 1
    assert len(operation["summary"]) > 5
    assert not operation["summary"].startswith(operation["operationId"]), f"{method} {path} has no docstring"
    assert "security" in operation


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=IDS)
def test_an_operation_documents_its_refusals_as_problems(method: str, path: str, operation: dict[str, Any]) -> None:
    refused = {status: answer for status, answer in answers_of(operation).items() if int(status) >= 400}
    assert "500" in refused
    for answer in refused.values():
        assert list(answer["content"]) == [PROBLEM_MEDIA_TYPE]
        assert answer["content"][PROBLEM_MEDIA_TYPE]["schema"] == {"$ref": "#/components/schemas/Problem"}
        codes = CODE.findall(answer["description"])
        assert codes
        assert set(codes) <= {kind.code for kind in find_refusals()}
    assert ("401" in refused) == bool(operation["security"]) or path == "/v1/official/login" or "/auth/" in path
    assert method == "get" or "requestBody" not in operation or {"400", "413", "415"} <= set(refused)


def test_what_several_operations_answer_is_written_once() -> None:
    given = [answer for _, _, operation in OPERATIONS for answer in operation["responses"].values()]
    inline = Counter(json.dumps(answer, sort_keys=True) for answer in given if "$ref" not in answer)
    assert [answer for answer, times in inline.items() if times > 1] == []
    shared = DESCRIPTION["components"]["responses"]
    pointed_to = Counter(answer["$ref"] for answer in given if "$ref" in answer)
    assert set(pointed_to) == {f"#/components/responses/{name}" for name in shared}
    assert min(pointed_to.values()) > 1
    assert not set(inline) & {json.dumps(answer, sort_keys=True) for answer in shared.values()}
    assert list(shared) == sorted(shared)


def test_a_shared_answer_is_named_by_its_status_and_what_it_says() -> None:
    for _, _, operation in OPERATIONS:
        for status, answer in operation["responses"].items():
            if "$ref" in answer:
                name = answer["$ref"].rpartition("/")[2]
                kind, *parts = name.split(".")
                assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
                assert kind == f"{'Refusal' if int(status) >= 400 else 'Answer'}{status}"
                assert int(status) < 400 or parts == CODE.findall(answers_of(operation)[status]["description"])


def test_tags_are_the_rooms_and_say_what_they_are() -> None:
    used = {tag for _, _, operation in OPERATIONS for tag in operation["tags"]}
    described = {tag["name"]: tag["description"] for tag in DESCRIPTION["tags"]}
    assert set(described) == used
    assert all(len(text) > 10 for text in described.values())


def test_properties_are_camel_case() -> None:
    wrong = [
        f"{name}.{field}"
        for name, schema in DESCRIPTION["components"]["schemas"].items()
        for field in schema.get("properties", {})
        if "_" in field
    ]
    assert not wrong


# Whatever an official action or an event says of itself, and a JSON Schema: any JSON, and no more can be said.
ANY_JSON = {"AuditEntryView.detail.*", "FeedItem.data.*", "getRuleBookSchema 200.*"}
SAYS_SOMETHING = {"type", "$ref", "oneOf", "anyOf", "allOf", "enum", "const"}


def iter_vague(place: str, schema: dict[str, Any]) -> Iterator[str]:
    """Yield the places at which a schema takes anything, where something is said of it."""
    is_bare_list = schema.get("type") == "array" and not {"items", "prefixItems"} & set(schema)
    is_bare_object = schema.get("type") == "object" and not {"properties", "additionalProperties"} & set(schema)
    if not SAYS_SOMETHING & set(schema) or is_bare_list or is_bare_object:
        yield place
    inner = {f".{name}": one for name, one in schema.get("properties", {}).items()}
    inner |= {name: schema[key] for name, key in ((".*", "additionalProperties"), ("[]", "items")) if key in schema}
    inner |= {
        f"|{number}": one
        for key in ("oneOf", "anyOf", "allOf", "prefixItems")
        for number, one in enumerate(schema.get(key, []))
    }
    for name, one in inner.items():
        if isinstance(one, dict):
            yield from iter_vague(place + name, one)


def iter_schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema of the description with its place."""
    yield from DESCRIPTION["components"]["schemas"].items()
    for _, _, operation in OPERATIONS:
        name = operation["operationId"]
        for parameter in operation.get("parameters", []):
            yield f"{name} {parameter['name']}", parameter["schema"]
        parts = {"body": operation.get("requestBody", {}), **answers_of(operation)}
        for part, response in parts.items():
            for content in response.get("content", {}).values():
                yield f"{name} {part}", content["schema"]


def test_no_schema_takes_anything_where_the_code_knows_better() -> None:
    vague = {place for name, schema in iter_schemas() for place in iter_vague(name, schema)}
    assert vague == ANY_JSON


@pytest.mark.parametrize(
    ("schema", "places"),
    [
        ({}, ["x"]),
        ({"oneOf": [{"type": "string"}, {}]}, ["x|1"]),
        ({"type": "array"}, ["x"]),
        ({"type": "object", "properties": {"a": {"items": {"description": "a"}, "type": "array"}}}, ["x.a[]"]),
        ({"type": "object", "additionalProperties": {}}, ["x.*"]),
        ({"type": "object", "additionalProperties": False}, []),
        ({"type": "array", "prefixItems": [{"type": "string"}, {}]}, ["x|1"]),
    ],
)
def test_a_schema_that_takes_anything_is_seen(schema: dict[str, Any], places: list[str]) -> None:
    assert list(iter_vague("x", schema)) == places


def make_answer(status: int, body: object, media_type: str = "application/json", language: str = "zh") -> Response:
    """Return an answer nobody sent."""
    request = Request("GET", "http://huixin.test/", headers={"accept-language": language})
    content = b"" if body is None else msgspec.json.encode(body)
    return Response(status, content=content, headers={"content-type": media_type}, request=request)


def make_problem(status: int, code: str, **changes: object) -> Response:
    """Return a refusal nobody made."""
    problem = {
        "type": "urn:x", "title": "不存在", "status": status, "detail": "不存在", "code": code, "retryable": False,
        "traceId": "0", "errors": [], "reasons": [],
    }  # fmt: skip
    return make_answer(status, problem | changes, PROBLEM_MEDIA_TYPE)


UNREAD = "/v1/me/notices/unread"
BROKEN = {
    "a status nobody described": (UNREAD, make_answer(206, {"unread": 1})),
    "another type": (UNREAD, make_answer(200, {"unread": 1}, "text/html")),
    "a property too few": (UNREAD, make_answer(200, {})),
    "a property too many": (UNREAD, make_answer(200, {"unread": 1, "score": 1})),
    "a property of another type": (UNREAD, make_answer(200, {"unread": "1"})),
    "a body where there is none": ("/v1/auth/logout", make_answer(204, {})),
    "a refusal of another operation": (UNREAD, make_problem(409, "stock_gone")),
    "a refusal with another status": (UNREAD, make_problem(403, "unauthenticated")),
    "a refusal that is no problem": (UNREAD, make_answer(401, {"detail": "no"})),
    "a refusal that lacks something": (UNREAD, make_problem(401, "unauthenticated", traceId=None)),
    "a refusal in the other language": (UNREAD, make_problem(401, "unauthenticated", title="Not known.")),
    "a refusal nobody knows": ("/nothing", make_problem(404, "nowhere")),
    "a page of the framework": ("/nothing", make_answer(404, {"detail": "Not Found"})),
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_suites_client_takes_no_such_answer(name: str) -> None:
    path, answer = BROKEN[name]
    with pytest.raises(ContractBroken):
        check_answer("POST" if path.endswith("logout") else "GET", path, answer)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (UNREAD, make_answer(200, {"unread": 1})),
        (UNREAD, make_problem(401, "unauthenticated")),
        (UNREAD, make_problem(404, "not_found")),
        ("/nothing", make_problem(404, "not_found")),
        ("/metrics", make_answer(200, None, "text/plain")),
    ],
)
def test_the_suites_client_takes_what_is_described(path: str, answer: Response) -> None:
    check_answer("GET", path, answer)


def test_a_request_that_is_taken_is_one_that_is_described() -> None:
    check_request("POST", "/v1/auth/wechat", b'{"code":"x"}')
    with pytest.raises(ContractBroken):
        check_request("POST", "/v1/auth/wechat", b'{"code":7}')


def test_transition_tables_are_published() -> None:
    suspendable = {"active": {"suspend": "suspended"}, "suspended": {"suspend": "suspended", "resume": "active"}}
    states = DESCRIPTION["x-states"]
    assert {name for name, table in states.items() if table == suspendable} == {
        "institution", "store", "terminal", "key",
    }  # fmt: skip
    assert states["official"] == {
        "invited": {"enrol": "enrolled", "reset": "invited"},
        "enrolled": {"confirm": "active", "reset": "invited"},
        "active": {"suspend": "suspended", "reset": "invited"},
        "suspended": {"suspend": "suspended", "resume": "active"},
    }
    assert states["citizen"]["new"]["join"] == "active"
    assert states["redemption"] == {"redeemed": {"reverse": "reversed"}, "reversed": {}}
    assert {"action": "approve", "state": "submitted", "version": "submitted", "toState": "live",
            "toVersion": "approved"} in states["campaign"]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "operations"),
    [
        ("institution", ["suspendInstitution", "resumeInstitution"]),
        ("store", ["suspendStore", "resumeStore"]),
        ("terminal", ["suspendTerminal", "resumeTerminal"]),
        ("key", ["suspendKey", "resumeKey"]),
        ("official", ["suspendOfficial", "resumeOfficial", "confirmOfficial", "resetOfficial"]),
        ("citizen", ["joinWithIdentity"]),
        ("redemption", ["reverseRedemption"]),
        ("campaign", ["submitCampaign", "approveCampaign", "pauseCampaign", "endCampaign"]),
    ],
)
def test_a_move_that_a_state_does_not_allow_is_documented(name: str, operations: list[str]) -> None:
    assert name in DESCRIPTION["x-states"]
    described = {operation["operationId"]: operation for _, _, operation in OPERATIONS}
    assert [one for one in operations if "409" not in described[one]["responses"]] == []


def test_states_that_can_be_moved_are_the_states_there_are() -> None:
    by_type = {
        "citizen": typing.get_args(CitizenState), "official": typing.get_args(OfficialState),
        **dict.fromkeys(("institution", "store", "terminal", "key"), typing.get_args(PartnerState)),
    }  # fmt: skip
    for name, states in by_type.items():
        table = DESCRIPTION["x-states"][name]
        assert set(table) == set(states)
        assert {to for moves in table.values() for to in moves.values()} <= set(states)


def test_every_refusal_has_its_own_code_and_both_texts() -> None:
    kinds = find_refusals()
    by_code: dict[str, set[str]] = {}
    for kind in kinds:
        by_code.setdefault(kind.code, set()).add(f"{kind.__module__}.{kind.__qualname__}")
        assert re.fullmatch(r"[a-z][a-z0-9_]*", kind.code)
        assert 400 <= kind.status_code < 600
        assert "zh" in vars(kind), f"{kind} has no Chinese text"
        assert re.search(r"[一-鿿]", kind.text("zh"))
        assert kind.text("en").endswith((".", "!", "?")), f"{kind} needs an English sentence"
    assert {code: names for code, names in by_code.items() if len(names) > 1} == {}


def test_refusals_of_the_app_all_have_codes() -> None:
    nameless = [kind for kind in iter_refusals() if kind.__module__.startswith("app.") and kind not in find_refusals()]
    assert nameless == [MoveNotAllowed], "each thing that moves has its own"


async def test_the_served_description_is_the_committed_one(client: AsyncClient) -> None:
    answer = await client.get("/schema/openapi.json")
    assert answer.status_code == 200
    assert answer.json() == DESCRIPTION
    assert answer.json()["openapi"].startswith("3.1")


async def test_the_pages_work_without_internet(client: AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assets = re.findall(r'(?:src|href)="(/docs/[^"]+)"', page.text)
    assert len(assets) == 3
    assert not OTHER_HOST.search(page.content)
    for asset in assets:
        answer = await client.get(asset)
        assert answer.status_code == 200
        assert asset.endswith("bundle.js") or not OTHER_HOST.search(answer.content)


@pytest.mark.parametrize(
    ("text", "reaches_out"),
    [
        (b'<script src="https://cdn.test/x.js">', True),
        (b"@import '//fonts.test/a.css'", True),
        (b"background:url(http://x.test/a.png)", True),
        (b'<script src="/docs/start.js">', False),
        (b"url(data:image/svg+xml;base64,AAAA)", False),
    ],
)
def test_another_host_would_be_seen(text: bytes, *, reaches_out: bool) -> None:
    assert bool(OTHER_HOST.search(text)) == reaches_out

"""The description is complete, the committed files are those the code makes, the pages need no other host."""

from __future__ import annotations

import re
import typing
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient

from app.citizen.rules import CitizenState
from app.kit.http import PROBLEM_MEDIA_TYPE
from app.kit.openapi import describe_api
from app.kit.openapi_files import find_refusals, iter_refusals, render_openapi, render_refusals
from app.main import create_app
from app.official.rules import State as OfficialState
from app.partner.rules import State as PartnerState

FOLDER = Path(__file__).parents[1] / "openapi"
APP = create_app()
DESCRIPTION = describe_api(APP)
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
    refused = {status: answer for status, answer in operation["responses"].items() if int(status) >= 400}
    assert "500" in refused
    for answer in refused.values():
        assert list(answer["content"]) == [PROBLEM_MEDIA_TYPE]
        assert answer["content"][PROBLEM_MEDIA_TYPE]["schema"] == {"$ref": "#/components/schemas/Problem"}
        codes = CODE.findall(answer["description"])
        assert codes
        assert set(codes) <= {kind.code for kind in find_refusals()}
    assert ("401" in refused) == bool(operation["security"]) or path == "/v1/official/login" or "/auth/" in path
    assert method == "get" or "requestBody" not in operation or {"400", "413", "415"} <= set(refused)


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
    assert nameless == []


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

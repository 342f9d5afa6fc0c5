"""What holds for every request: one spelling, one value of a header, HEAD as GET, no packed bodies, nothing stored."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import unquote
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient, Response
from litestar import Litestar
from litestar.routes import HTTPRoute

from app.kit.request import bodies
from app.kit.request.headers import SINGLE
from tests.support.campaigns import campaign_body, draft, make_desk
from tests.support.citizens import join
from tests.support.files import make_source
from tests.support.importing import importer
from tests.support.pointing import event_of, make_app, sign
from tests.support.waiting import wait_until_past

JSON = {"content-type": "application/json"}
SOME_ID = str(UUID(int=7))
WECHAT = "/v1/auth/wechat"


Pairs = list[tuple[bytes, bytes]]


def make_scope(method: str, raw_path: str, headers: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return what the server says of a request."""
    pairs = [(name.encode(), value.encode()) for name, value in headers]
    return {
        "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": unquote(raw_path),
        "raw_path": raw_path.encode(), "query_string": b"", "root_path": "", "client": ("127.0.0.1", "1"),
        "server": ("127.0.0.1", "2"), "headers": [(b"host", b"huixin.test"), *pairs], "state": {},
    }  # fmt: skip


async def ask(app: Any, method: str, raw_path: str, *headers: tuple[str, str]) -> tuple[int, Pairs, bytes]:
    """Send a request as the server would: clients correct paths and join headers."""
    return await send_pieces(app, make_scope(method, raw_path, headers), [b"{}"], is_whole=True)


async def send_pieces(
    app: Any, scope: dict[str, Any], pieces: list[bytes], *, is_whole: bool
) -> tuple[int, Pairs, bytes]:
    """Send a body in pieces, and then its end or nothing more."""
    messages: list[dict[str, Any]] = []
    left = list(pieces)

    async def receive() -> dict[str, Any]:
        if not left:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left) or not is_whole}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    await app(scope, receive, send)
    return messages[0]["status"], messages[0]["headers"], b"".join(message["body"] for message in messages[1:])


# Paths.

OTHER_SPELLINGS = [
    "//v1/me", "/v1//me", "/v1/me/", "/v1/me//", "/v1/%6de", "/%761/me", "/v1%2fme", "/v1%2Fme", "/v1/./me",
    "/v1/../v1/me", "/v1/me/.", "/V1/me", "/v1/Me", "/v1/me%00", "/v1/me%20", "/v1/me;a=b", "/v1/me%3f", "",
    "/docs/", "//docs", "/health/live/", "/schema/", "/schema//openapi.json",
]  # fmt: skip


@pytest.mark.parametrize("path", OTHER_SPELLINGS)
async def test_a_path_has_one_spelling(app: object, path: str) -> None:
    status, headers, body = await ask(app, "GET", path)
    assert (status, json.loads(body)["code"]) == (404, "not_found")
    assert (b"x-content-type-options", b"nosniff") in headers


@pytest.mark.parametrize("path", ["/v1/me", "/docs", "/health/live", "/schema/openapi.json"])
async def test_the_right_spelling_is_answered(app: object, path: str) -> None:
    assert (await ask(app, "GET", path))[0] in {200, 401}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "NONSENSE"])
async def test_no_method_reaches_another_spelling(app: object, method: str) -> None:
    assert (await ask(app, method, "/v1/me/"))[0] == 404


@pytest.mark.parametrize(
    ("path", "spelt"),
    [
        (f"/v1/official/campaigns/{SOME_ID}", True),
        (f"/v1/official/campaigns/{SOME_ID.replace('-', '')}", False),
        ("/v1/official/campaigns/0197C36E-1234-7000-8000-000000000ABC", False),
        ("/v1/official/campaigns/0197c36e-1234-7000-8000-000000000abc", True),
        (f"/v1/official/campaigns/urn:uuid:{SOME_ID}", False),
        ("/v1/partner/statements/2026-11-27", True),
        ("/v1/partner/statements/20261127", False),
        ("/v1/partner/statements/2026-W48-5", False),
        ("/v1/rule-books/standard/01", False),
        ("/v1/rule-books/standard/+1", False),
    ],
)
async def test_what_stands_in_a_path_has_one_spelling_too(app: object, path: str, *, spelt: bool) -> None:
    status, _, _ = await ask(app, "GET", path)
    assert status == (401 if spelt else 404)


# Headers with one value.


@pytest.mark.parametrize("name", sorted(one.decode() for one in SINGLE))
async def test_a_header_with_two_values_is_refused(app: object, name: str) -> None:
    status, _, body = await ask(app, "POST", WECHAT, (name, "one"), (name, "two"))
    problem = json.loads(body)
    assert (status, problem["code"]) == (400, "header_repeated")
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [(f"/header/{name}", "repeated")]


@pytest.mark.parametrize("name", ["authorization", "idempotency-key", "if-match"])
async def test_the_same_value_twice_is_one(app: object, name: str) -> None:
    _, _, body = await ask(app, "POST", WECHAT, (name, "one"), (name, "one"))
    assert json.loads(body)["code"] == "invalid_request"


async def test_a_list_may_come_in_lines(app: object) -> None:
    lines = [(name, value) for name in ("x-forwarded-for", "accept") for value in ("203.0.113.7", "203.0.113.8")]
    assert (await ask(app, "GET", "/health/live", *lines))[0] == 200


# Answers.


async def test_nothing_is_sniffed_and_nothing_personal_is_stored(app: Litestar) -> None:
    routes = [route for route in app.routes if isinstance(route, HTTPRoute)]
    assert len(routes) > 50
    for route in routes:
        path = route.path_format.replace("{day}", "2026-11-27") or "/"
        path = "/".join(SOME_ID if step.startswith("{") else step for step in path.split("/"))
        for method in ("GET", "POST", "OPTIONS"):
            _, headers, _ = await ask(app, method, path)
            assert headers.count((b"x-content-type-options", b"nosniff")) == 1
            stored = [value for name, value in headers if name.lower() == b"cache-control"]
            if path.startswith("/v1/"):
                assert len(stored) == 1
                assert b"no-store" in stored[0] or path == "/v1/export-keys", path


async def test_a_citizen_leaves_nothing_in_caches(client: AsyncClient) -> None:
    person = await join(client)
    for path in ("/v1/me", "/v1/me/home", "/v1/me/score", "/v1/me/access-log", "/v1/me/redemptions", "/v1/me/nothing"):
        answer = await client.get(path, headers=person.headers)
        assert "no-store" in answer.headers["cache-control"], path
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await client.get("/docs/start.js")).headers["cache-control"] == "public, max-age=3600"


async def test_head_is_get_without_a_body(app: Litestar, client: AsyncClient) -> None:
    person = await join(client)
    paths = [
        route.path_format
        for route in app.routes
        if isinstance(route, HTTPRoute) and "GET" in route.route_handler_map and "{" not in route.path_format
    ]
    assert len(paths) > 25
    for path in paths:
        looked = await client.head(path or "/", headers=person.headers)
        got = await client.get(path or "/", headers=person.headers)
        assert looked.content == b""
        assert looked.status_code == got.status_code, path
        assert set(looked.headers) == set(got.headers), path
        if got.status_code == 404:
            assert looked.headers["content-length"] == got.headers["content-length"]


async def test_head_is_for_what_get_is_for(client: AsyncClient) -> None:
    assert (await client.head(WECHAT)).status_code == 405
    wrong = await client.patch("/health/live")
    assert wrong.status_code == 405
    assert set(wrong.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    options = await client.options("/health/live")
    assert set(options.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    assert set((await client.options(WECHAT)).headers["allow"].split(", ")) == {"POST", "OPTIONS"}


# Bodies.


def check_packed(answer: Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_content_encoding")
    assert answer.headers["accept-encoding"] == "identity"
    assert "identity" in answer.json()["title"]


@pytest.mark.parametrize("coding", ["gzip", "br", "GZIP", "deflate", "gzip, identity"])
async def test_packed_bodies_are_refused_with_what_is_taken(client: AsyncClient, coding: str) -> None:
    packed, headers = gzip.compress(b'{"code":"demo-1"}'), {**JSON, "content-encoding": coding}
    check_packed(await client.post(WECHAT, content=packed, headers=headers))
    english = await client.post(WECHAT, content=packed, headers={**headers, "accept-language": "en"})
    check_packed(english)
    assert english.json()["title"].isascii()


async def test_a_body_that_says_it_is_not_packed_is_taken(client: AsyncClient) -> None:
    body = {"code": "demo-edge-identity"}
    for coding in ("identity", "Identity", ""):
        answer = await client.post(WECHAT, json=body, headers={"content-encoding": coding})
        assert answer.status_code == 200


async def test_a_packed_file_is_refused(client: AsyncClient) -> None:
    about = {"content-type": "text/csv", "content-encoding": "gzip", "idempotency-key": uuid4().hex}
    headers = (await importer()).headers | about
    path = f"/v1/official/records/imports?source={await make_source()}"
    check_packed(await client.post(path, content=gzip.compress(b"a,b\n"), headers=headers))


async def test_a_packed_event_is_refused_and_a_mark_is_part_of_what_is_signed(client: AsyncClient) -> None:
    app, person = await make_app(), await join(client)
    body = b"\xef\xbb\xbf" + json.dumps(event_of(person)).encode()
    headers = app.partner.headers | JSON
    path = "/v1/partner/records/events"
    packed = gzip.compress(body)
    signed = headers | sign(app.secret, packed) | {"content-encoding": "gzip"}
    check_packed(await client.post(path, content=packed, headers=signed))
    assert (await client.post(path, content=body, headers=headers | sign(app.secret, body[3:]))).status_code != 202
    assert (await client.post(path, content=body, headers=headers | sign(app.secret, body))).status_code == 202


async def test_a_byte_order_mark_is_no_part_of_json(client: AsyncClient) -> None:
    plain = b'{"code":"demo-edge-mark"}'
    assert (await client.post(WECHAT, content=b"\xef\xbb\xbf" + plain, headers=JSON)).status_code == 200
    odd = b'\xef\xbb\xbf{"code":"a\\u0000b"}'
    answer = await client.post(WECHAT, content=odd, headers=JSON)
    assert [one["code"] for one in answer.json()["errors"]] == ["nul_character"]
    answer = await client.post(WECHAT, content=b"\xef\xbb\xbf\xef\xbb\xbf" + plain, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
async def test_another_encoding_is_named(client: AsyncClient, encoding: str) -> None:
    body = '{"code":"demo-1"}'.encode(encoding)
    answer = await client.post(WECHAT, content=body, headers={**JSON, "accept-language": "en"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")
    assert [reason["code"] for reason in answer.json()["reasons"]] == ["not_utf_8"]
    assert "UTF-8" in answer.json()["detail"]


async def test_a_body_in_time_is_taken_and_a_late_one_refused(app: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PAUSE_SECONDS_MAX", 0.05)
    pieces = [b'{"code":', b'"demo-edge-time"}']
    assert (await send_pieces(app, make_scope("POST", WECHAT, []), pieces, is_whole=True))[0] == 200
    status, headers, body = await send_pieces(app, make_scope("POST", WECHAT, []), pieces, is_whole=False)
    assert (status, json.loads(body)["code"]) == (408, "body_too_slow")
    assert (b"connection", b"close") in headers


@pytest.mark.parametrize(("pace", "status"), [(1e9, 408), (1e-9, 200)])
async def test_a_body_keeps_a_pace(app: object, monkeypatch: pytest.MonkeyPatch, pace: float, status: int) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS_MAX", 0.1)
    monkeypatch.setattr(bodies, "BODY_BYTES_PER_SECOND_MIN", pace)
    scope = make_scope("POST", WECHAT, [])
    left, begun = [b'{"code":', b'"demo-edge-pace"}'], asyncio.get_running_loop().time()

    async def receive() -> dict[str, Any]:
        if len(left) == 1:
            await wait_until_past(begun + 0.3)  # longer than a body may take that brings nothing
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    got: list[int] = []

    async def send(message: dict[str, Any]) -> None:
        got.extend([message["status"]] if "status" in message else [])

    await cast(Any, app)(scope, receive, send)
    assert got == [status]


# ETags.


@pytest.mark.parametrize(("tag", "is_explained"), [('W/"0"', True), ('W/"1", W/"2"', True), ('"0"', False)])
async def test_a_weak_tag_is_explained(client: AsyncClient, tag: str, *, is_explained: bool) -> None:
    desk = await make_desk()
    campaign = await draft(client, desk)
    path, headers = f"/v1/official/campaigns/{campaign['id']}", {**desk.editor.headers, "If-Match": tag}
    for language in ("zh", "en"):
        answer = await client.put(path, json=campaign_body(), headers={**headers, "Accept-Language": language})
        assert (answer.status_code, answer.json()["code"]) == (412, "etag_stale")
        assert [reason["code"] for reason in answer.json()["reasons"]] == ["etag_weakened"] * is_explained

"""Whatever is sent, the answer is a problem with a stable code and a place, and says nothing of our insides."""

from __future__ import annotations

import ast
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from httpx2 import ASGITransport, AsyncClient, Response
from litestar import Litestar, get, post
from litestar.exceptions import HTTPException
from litestar.params import FromPath, JSONBody, QueryParameter

from app.kit.db.failure import DatabaseUnreached
from app.kit.errors import Refusal
from app.kit.request.bodies import DEPTH_MAX, INTEGER_MAX, JSONRequest
from app.kit.web.http import PROBLEM_MEDIA_TYPE, Ask, answer_bug, answer_http_error, answer_refusal
from app.kit.web.openapi_files import find_refusals
from app.kit.web.paging import Cursor, Limit
from app.values.reason import Reason

JSON = {"content-type": "application/json"}
SECRET = "张三丰 350203199001011234"
APP = Path(__file__).parents[1] / "app"
BODY_BYTES_MAX = 64 * 1024
KINDS = sorted(find_refusals(), key=lambda kind: kind.code)


class Consent(Ask):
    """A small nested body."""

    purpose: Annotated[str, msgspec.Meta(min_length=2, max_length=5, pattern="^[a-z]*$")]
    version: Annotated[int, msgspec.Meta(ge=1)]


class Message(Ask):
    """A body with everything that can be wrong in one."""

    code: str
    consents: list[Consent] = []
    tree: object = None


class TwoReasons(Refusal):
    """This is refused for two reasons."""

    code = "two_reasons"
    zh = "有两个原因"

    def __init__(self) -> None:
        one = Reason(code="too_young", zh="未满十八岁", en="younger than 18")
        super().__init__(reasons=[one, Reason(code="too_late", zh="已截止", en="it is over")])


@post("/messages", status_code=200)
async def take_message(data: JSONBody[Message]) -> dict[str, str]:
    return {"code": data.code}


@get("/things/{thing_id:uuid}")
async def show_thing(
    thing_id: FromPath[UUID],
    benefit: Annotated[UUID | None, QueryParameter(name="benefitId")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> dict[str, str]:
    return {"id": str(thing_id), "limit": f"{limit}{cursor}{benefit}"}


@post("/broken/{kind:str}")
async def break_down(kind: FromPath[str]) -> None:
    failures: dict[str, Exception] = {
        "bug": ValueError(SECRET),
        "away": asyncpg.ConnectionDoesNotExistError(SECRET),
        "shutdown": asyncpg.AdminShutdownError(SECRET),
        "timeout": TimeoutError(),
        "client": asyncpg.InternalClientError(SECRET),
        "unreached": DatabaseUnreached(),
        "unheard": asyncpg.UnknownPostgresError(SECRET),
        "nul": asyncpg.CharacterNotInRepertoireError(SECRET),
        "constraint": asyncpg.UniqueViolationError(SECRET),
        "reasons": TwoReasons(),
    }
    raise failures[kind]


@pytest.fixture(scope="module")
async def kit_client() -> AsyncIterator[AsyncClient]:
    """Run the kit's handlers on routes made for these tests."""
    app = Litestar(
        [take_message, show_thing, break_down],
        exception_handlers={Refusal: answer_refusal, HTTPException: answer_http_error, Exception: answer_bug},
        request_class=JSONRequest,
        request_max_body_size=BODY_BYTES_MAX,
        logging_config=None,
        openapi_config=None,
    )
    transport = ASGITransport(app=app, raise_app_exceptions=False)  # type: ignore[arg-type]
    async with AsyncClient(transport=transport, base_url="http://kit.test") as http:
        yield http


def check_problem(answer: Response, status: int, code: str) -> dict[str, Any]:
    """Return a problem that has its shape, status and code."""
    assert answer.headers["content-type"] == PROBLEM_MEDIA_TYPE
    problem: dict[str, Any] = answer.json()
    assert set(problem) == {
        "type", "title", "status", "detail", "code", "retryable", "errors", "reasons", "traceId",
    }  # fmt: skip
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["type"] == f"urn:huixin:refusal:{code}"
    return problem


INVALID = "invalid_request"
MALFORMED = "malformed_request"
BODIES = [
    (b"", INVALID, "", "missing"),
    (b"null", INVALID, "", "wrong_type"),
    (b"[]", INVALID, "", "wrong_type"),
    (b"{}", INVALID, "/code", "missing"),
    (b'{"code":"x","Code":1}', INVALID, "/Code", "unknown_field"),
    (b'{"code":1}', INVALID, "/code", "wrong_type"),
    (b'{"code":"x","consents":{}}', INVALID, "/consents", "wrong_type"),
    (b'{"code":"x","consents":[{"purpose":"ab"}]}', INVALID, "/consents/0/version", "missing"),
    (
        b'{"code":"x","consents":[{"purpose":"ab","version":1,"a/b~":2}]}',
        INVALID, "/consents/0/a~1b~0", "unknown_field",
    ),
    (b'{"code":"x","consents":[{"purpose":"ab","version":"v"}]}', INVALID, "/consents/0/version", "wrong_type"),
    (b'{"code":"x","consents":[{"purpose":"ab","version":"1"}]}', INVALID, "/consents/0/version", "wrong_type"),
    (b'{"code":"x","consents":[{"purpose":"ab","version":1.0}]}', INVALID, "/consents/0/version", "wrong_type"),
    (b'{"code":"x","consents":[{"purpose":"ab","version":true}]}', INVALID, "/consents/0/version", "wrong_type"),
    (b'{"code":"x","consents":[{"purpose":"ab","version":0}]}', INVALID, "/consents/0/version", "out_of_range"),
    (
        b'{"code":"x","consents":[{"purpose":"ab","version":1},{"purpose":"abcdef","version":1}]}',
        INVALID, "/consents/1/purpose", "too_long",
    ),
    (b'{"code":"x","consents":[{"purpose":"a","version":1}]}', INVALID, "/consents/0/purpose", "too_short"),
    (b'{"code":"x","consents":[{"purpose":"AB","version":1}]}', INVALID, "/consents/0/purpose", "wrong_format"),
    (b'{"code":"a\\u0000b"}', INVALID, "/code", "nul_character"),
    (b'{"code":"x","tree":%d}' % (INTEGER_MAX + 1), INVALID, "/tree", "out_of_range"),
    (
        b'{"code":"x","tree":' + b"[" * DEPTH_MAX + b"]" * DEPTH_MAX + b"}",
        INVALID, "/tree" + "/0" * (DEPTH_MAX - 1), "too_deep",
    ),
    (b'{"code":', MALFORMED, None, None),
    (b'{"code":"x"}x', MALFORMED, None, None),
    (b'{"code":"\xff"}', MALFORMED, None, None),
    (b'{"code":"\\ud800"}', MALFORMED, None, None),
    (b'{"code":"x","tree":NaN}', MALFORMED, None, None),
    (b'{"code":"x","tree":1e999}', MALFORMED, None, None),
    (b'{"code":"x","tree":' + b"[" * 30_000 + b"]" * 30_000 + b"}", MALFORMED, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("body", "code", "pointer", "error"), BODIES)
async def test_a_wrong_body_is_refused_with_its_place(
    kit_client: AsyncClient, body: bytes, code: str, pointer: str | None, error: str | None
) -> None:
    problem = check_problem(await kit_client.post("/messages", content=body, headers=JSON), 400, code)
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == ([] if error is None else [(pointer, error)])


@pytest.mark.parametrize(("body", "code", "pointer", "error"), BODIES)
async def test_a_place_is_described_in_the_readers_language(
    kit_client: AsyncClient, body: bytes, code: str, pointer: str | None, error: str | None
) -> None:
    del code, pointer
    chinese = await kit_client.post("/messages", content=body, headers=JSON)
    english = await kit_client.post("/messages", content=body, headers={**JSON, "accept-language": "en"})
    pairs = zip(chinese.json()["errors"], english.json()["errors"], strict=True)
    for zh, en in pairs:
        assert re.search(r"[一-鿿]", zh["detail"])
        assert re.fullmatch(r"[\x20-\x7e]+", en["detail"])
        assert not re.search(r"[`^$\[\]*]", zh["detail"] + en["detail"]), "no pattern, nothing of msgspec"
        assert zh | {"detail": ""} == en | {"detail": ""}
    assert len(english.json()["errors"]) == (error is not None)


def list_pairs() -> list[tuple[str, ast.expr, ast.expr]]:
    """Return every pair of sentences in the code: what is given as ``zh`` and as ``en`` to one call."""
    pairs = []
    for path in sorted(APP.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                given = {keyword.arg: keyword.value for keyword in node.keywords}
                if {"zh", "en"} <= set(given):
                    pairs.append((f"{path.relative_to(APP)}:{node.lineno}", given["zh"], given["en"]))
    return pairs


def words_of(sentence: ast.expr) -> str | None:
    """Return what a sentence says for certain; None when it comes from elsewhere."""
    if isinstance(sentence, ast.Constant):
        return str(sentence.value)
    parts = sentence.values if isinstance(sentence, ast.JoinedStr) else []
    said = "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
    return said if re.search(r"\w", said) else None


def test_whatever_is_said_is_said_in_both_languages() -> None:
    """What is written here; what is put together while it runs, the suite's client reads in every answer."""
    pairs = list_pairs()
    assert len(pairs) > 50
    for place, zh, en in pairs:
        chinese, english = words_of(zh), words_of(en)
        assert chinese is None or re.search(r"[一-鿿]", chinese), place
        assert english is None or re.search(r"[a-z]{2}", english), place


async def test_reasons_are_joined_as_each_language_does(kit_client: AsyncClient) -> None:
    chinese = await kit_client.post("/broken/reasons")
    english = await kit_client.post("/broken/reasons", headers={"accept-language": "en"})
    assert chinese.json()["detail"] == "未满十八岁；已截止"
    assert english.json()["detail"] == "younger than 18; it is over"
    assert [reason["text"] for reason in english.json()["reasons"]] == ["younger than 18", "it is over"]


@pytest.mark.parametrize("kind", KINDS, ids=[kind.code for kind in KINDS])
def test_every_503_says_when_to_try_again(kind: type[Refusal]) -> None:
    if kind.status_code == 503:
        assert (kind().retry_after_seconds or 0) > 0
        assert kind(retry_after_seconds=7).retry_after_seconds == 7
    else:
        assert kind.wait_seconds is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"code":"x"}',
        b'{"code":"x","tree":%d}' % INTEGER_MAX,
        b'{"code":"x","tree":%d}' % -INTEGER_MAX,
        b'{"code":"x","tree":' + b"[" * (DEPTH_MAX - 1) + b"]" * (DEPTH_MAX - 1) + b"}",
        '{"code":"😀 \\\\u0000"}'.encode(),
    ],
)
async def test_a_body_at_the_edge_is_taken(kit_client: AsyncClient, body: bytes) -> None:
    assert (await kit_client.post("/messages", content=body, headers=JSON)).status_code == 200


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("application/vnd.huixin+json", 200),
        ("", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data", 415),
        ("application/jsonp", 415),
        ("\x01;;=", 415),
    ],
)
async def test_only_json_is_taken(kit_client: AsyncClient, content_type: str, status: int) -> None:
    answer = await kit_client.post("/messages", content=b'{"code":"x"}', headers={"content-type": content_type})
    if status == 200:
        assert answer.json() == {"code": "x"}
    else:
        check_problem(answer, status, "unsupported_media_type")


@pytest.mark.parametrize(
    ("query", "pointer", "error"),
    [
        ("limit=abc", "/query/limit", "wrong_type"),
        ("limit=0", "/query/limit", "out_of_range"),
        ("limit=101", "/query/limit", "out_of_range"),
        ("limit=%ff", "/query/limit", "wrong_type"),
        ("benefitId=x", "/query/benefitId", "wrong_format"),
        ("cursor=" + "a" * 501, "/query/cursor", "too_long"),
    ],
)
async def test_a_wrong_parameter_is_named_as_on_the_wire(
    kit_client: AsyncClient, query: str, pointer: str, error: str
) -> None:
    answer = await kit_client.get(f"/things/{UUID(int=1)}?{query}")
    problem = check_problem(answer, 400, INVALID)
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [(pointer, error)]


@pytest.mark.parametrize("query", ["", "?", "?limit=&cursor=&benefitId=", "?cursor=&limit=20", "?limit"])
async def test_a_parameter_without_a_value_is_absent(kit_client: AsyncClient, query: str) -> None:
    answer = await kit_client.get(f"/things/{UUID(int=1)}{query}")
    assert answer.json() == {"id": str(UUID(int=1)), "limit": "20NoneNone"}


async def test_a_parameter_beside_one_without_a_value_counts(kit_client: AsyncClient) -> None:
    answer = await kit_client.get(f"/things/{UUID(int=1)}?benefitId=&limit=7&cursor=")
    assert answer.json()["limit"] == "7NoneNone"


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("bug", 500, "internal_error"),
        ("constraint", 500, "internal_error"),
        ("away", 503, "unavailable"),
        ("shutdown", 503, "unavailable"),
        ("timeout", 503, "unavailable"),
        ("client", 503, "unavailable"),
        ("unreached", 503, "unavailable"),
        ("unheard", 503, "unavailable"),
        ("nul", 400, INVALID),
    ],
)
async def test_what_nobody_caught_says_nothing_of_our_insides(
    kit_client: AsyncClient, kind: str, status: int, code: str
) -> None:
    answer = await kit_client.post(f"/broken/{kind}")
    problem = check_problem(answer, status, code)
    assert SECRET not in answer.text
    assert problem["retryable"] == (status == 503)
    assert ("retry-after" in answer.headers) == (status == 503)


@pytest.mark.parametrize("kind", ["away", "shutdown", "timeout", "client", "unreached", "unheard"])
async def test_with_a_key_an_unknown_outcome_is_said_so(kit_client: AsyncClient, kind: str) -> None:
    answer = await kit_client.post(f"/broken/{kind}", headers={"idempotency-key": "k" * 16})
    assert check_problem(answer, 503, "outcome_unknown")["retryable"] is True
    assert int(answer.headers["retry-after"]) >= 1


async def test_with_a_key_a_bug_is_still_a_bug(kit_client: AsyncClient) -> None:
    answer = await kit_client.post("/broken/bug", headers={"idempotency-key": "k" * 16})
    check_problem(answer, 500, "internal_error")


async def test_texts_are_chinese_unless_english_is_asked_for(kit_client: AsyncClient) -> None:
    chinese = await kit_client.get("/nothing")
    english = await kit_client.get("/nothing", headers={"accept-language": "en-GB,zh;q=0.5"})
    assert chinese.json()["title"] == "不存在，或不属于您"
    assert english.json()["title"] == "There is no such thing, or it is not yours."
    assert chinese.json()["code"] == english.json()["code"]


async def test_the_trace_id_is_the_callers_where_it_sends_one(kit_client: AsyncClient) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    given = await kit_client.get("/nothing", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    forged = await kit_client.get("/nothing", headers={"traceparent": "00-<script>-b7ad6b7169203331-01"})
    assert given.json()["traceId"] == trace
    assert len(forged.json()["traceId"]) == 32
    assert forged.json()["traceId"].isalnum()


UNKNOWN = [
    "/", "/nothing", "/v1", "/v1/", "/v1/me/nothing", "/%ff%00", "/..%2f..%2fetc/passwd", "/schema/nothing",
    "/schema/nothing.json", "/schema/a/b", "/docs/nothing", "/docs/../cli.py", "/v1/partner/scans/not-a-uuid",
]  # fmt: skip


@pytest.mark.parametrize("path", UNKNOWN)
async def test_an_unknown_path_is_a_problem(client: AsyncClient, path: str) -> None:
    check_problem(await client.get(path), 404, "not_found")


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "GET", "TRACE", "NONSENSE"])
async def test_a_wrong_method_is_a_problem_that_says_which_are_right(client: AsyncClient, method: str) -> None:
    answer = await client.request(method, "/v1/auth/wechat")
    check_problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) == {"POST", "OPTIONS"}


@pytest.mark.parametrize("size", [BODY_BYTES_MAX + 1, 10_000_000])
async def test_an_oversized_body_is_a_problem(client: AsyncClient, size: int) -> None:
    body = b'{"code":"' + b"a" * (size - 11) + b'"}'
    check_problem(await client.post("/v1/auth/wechat", content=body, headers=JSON), 413, "body_too_large")


async def test_an_oversized_body_without_length_is_a_problem(client: AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(70):
            yield b"a" * 1024

    check_problem(await client.post("/v1/auth/wechat", content=pieces(), headers=JSON), 413, "body_too_large")


async def test_malformed_json_on_the_real_app_is_a_problem(client: AsyncClient) -> None:
    check_problem(await client.post("/v1/auth/wechat", content=b'{"code":', headers=JSON), 400, MALFORMED)


async def test_who_asks_for_no_body_learns_that_we_live(client: AsyncClient) -> None:
    asked, looked = await client.get("/health/live"), await client.head("/health/live")
    assert (asked.status_code, looked.status_code, looked.content) == (200, 200, b"")

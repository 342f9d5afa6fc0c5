"""Hot operations are answered before the router; whatever is sent, each byte is what it is through the router."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import asyncpg
import pytest
from httpx2 import AsyncClient
from litestar import Litestar, Request, get
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException, NotFoundException
from litestar.handlers import HTTPRouteHandler

from app.credit_code import routes as credit_code_routes
from app.kit.db.failure import DatabaseUnreached
from app.kit.errors import InvalidRequest, RateLimited, Refusal
from app.kit.outside.rate_limit import LocalLimit
from app.kit.request import bodies
from app.kit.security.auth import CitizenCaller
from app.kit.web.hot import answer_first
from app.kit.web.openapi_files import find_refusals
from app.main import HOT, create_app
from app.values.fault import Fault
from app.values.reason import Reason
from tests.support.both_ways import Heard, hear
from tests.support.description import BY_ID as DESCRIBED
from tests.support.hot_cases import ACCIDENTS, CALLING, DOING, OWN, RIGHT, Maker, Places, Town, changed, make_town
from tests.support.odd import ODD, PLAIN, UNFIT, header, same

PAUSE_SECONDS = 0.05
CODE = re.compile(r"^`(\w+)`", re.MULTILINE)
SECRET = "张三丰 350203199001011234"
BY_ID = {str(handler.operation_id): handler for handler in HOT}


@pytest.fixture(scope="module")
async def town(client: AsyncClient) -> Town:
    return await make_town(client)


class Way(NamedTuple):
    """An application, and what its router was asked for."""

    app: Litestar
    routed: list[str]


@pytest.fixture(scope="module")
def ways(app: object) -> Iterator[tuple[Way, Way]]:
    """Return the application as it is, and one that has no hot operations; their routers note what they are asked."""
    del app
    short, long = Way(create_app(), []), Way(create_app(hot=()), [])
    router: Any = type(short.app.asgi_router)
    answer = router.__call__

    async def note_and_answer(self: Any, scope: Any, receive: Any, send: Any) -> None:
        (short if self is short.app.asgi_router else long).routed.append(scope["path"])
        await answer(self, scope, receive, send)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(router, "__call__", note_and_answer)
        yield short, long


@pytest.fixture(autouse=True)
def unhindered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody meet a limit by the mere number of cases, and wait for what is late no longer than must be."""
    monkeypatch.setattr(credit_code_routes, "CODE_LIMIT", LocalLimit("codes", 10**6, 3600, share=1))
    monkeypatch.setattr(bodies, "PAUSE_SECONDS_MAX", PAUSE_SECONDS)


async def compare(ways: tuple[Way, Way], make: Maker, town: Town, *, is_routed: bool | None) -> tuple[Heard, str]:
    """Ask both ways; return the short one's answer, and how it is another than the long one's, or was not short."""
    heard = []
    for way in ways:
        asked = await make(town)
        way.routed.clear()
        heard.append(await hear(way.app, asked))
    if is_routed is not None and bool(ways[0].routed) is not is_routed:
        return heard[0], f"the router was {'not ' * is_routed}asked"
    assert ways[1].routed
    return heard[0], "" if heard[0] == heard[1] else f"{heard[0]} is not {heard[1]}"


def read_code(heard: Heard) -> str | None:
    """Return the code of a refusal."""
    return str(json.loads(heard.body)["code"]) if heard.status >= 400 and heard.body else None


def test_every_hot_operation_has_its_cases() -> None:
    assert len(BY_ID) == len(HOT) > 0
    for cases in (OWN, RIGHT, DOING, CALLING):
        assert cases.keys() == BY_ID.keys()


@pytest.mark.parametrize("operation", sorted(BY_ID))
async def test_whatever_is_sent_is_answered_the_same(operation: str, town: Town, ways: tuple[Way, Way]) -> None:
    takes_body = BY_ID[operation].parsed_data_field is not None
    tables = ((ODD, True), (PLAIN, False), (UNFIT, takes_body))
    cases: list[tuple[str, Maker, bool]] = [
        (name, changed(RIGHT[operation], change), is_routed)
        for table, is_routed in tables
        for name, change in table.items()
    ]
    wrong, met = {}, set[str | None]()
    for name, make, is_routed in cases:
        heard, difference = await compare(ways, make, town, is_routed=is_routed)
        if difference:
            wrong[name] = difference
        met.add(read_code(heard))
    for name, (code, make) in OWN[operation].items():
        heard, difference = await compare(ways, make, town, is_routed=None)
        if difference or read_code(heard) != code:
            wrong[name] = difference or f"{code}: {heard}"
        met.add(read_code(heard))
    assert wrong == {}
    documented = {
        code for answer in DESCRIBED[operation].answers.values() for code in CODE.findall(answer["description"])
    }
    assert documented - ACCIDENTS - {"invalid_request"} <= met
    assert None in met


@pytest.mark.parametrize("places", [DOING, CALLING], ids=["doing", "calling"])
@pytest.mark.parametrize("operation", sorted(BY_ID))
async def test_whatever_is_raised_is_answered_the_same(
    operation: str, places: Places, town: Town, ways: tuple[Way, Way], monkeypatch: pytest.MonkeyPatch
) -> None:
    place, name = places[operation]
    wrong = {}
    for error in make_errors():
        raised = error

        def fail(*_: object, raised: Exception = raised, **__: object) -> None:
            raise raised

        monkeypatch.setattr(place, name, fail)
        for change in (same, header(("accept-language", "en"))):
            heard, difference = await compare(ways, changed(RIGHT[operation], change), town, is_routed=False)
            if difference or heard.status < 400:
                wrong[repr(error)] = difference or str(heard)
    assert wrong == {}


def needs_more(kind: type[Refusal]) -> bool:
    """Whether a refusal cannot be made without saying what it is about."""
    return any(
        one.default is one.empty and one.kind not in {one.VAR_POSITIONAL, one.VAR_KEYWORD}
        for one in inspect.signature(kind).parameters.values()
    )


def make_errors() -> list[Exception]:
    """Return one of every refusal, some that say much, and what is no refusal."""
    zh, en = "一处", "one place"
    return [
        *(kind() for kind in sorted(find_refusals(), key=lambda kind: kind.code) if not needs_more(kind)),
        RateLimited(retry_after_seconds=7, headers={"RateLimit": '"x";r=0', "RateLimit-Policy": "y"}),
        InvalidRequest(errors=[Fault.at("/a", "b", zh, en)], reasons=[Reason(code="c", zh=zh, en=en)] * 2),
        ValueError(SECRET),
        KeyError(SECRET),
        TimeoutError(),
        ExceptionGroup(SECRET, [ValueError(SECRET)]),
        DatabaseUnreached(),
        asyncpg.ConnectionDoesNotExistError(SECRET),
        asyncpg.UniqueViolationError(SECRET),
        asyncpg.CharacterNotInRepertoireError(SECRET),
        NotFoundException(SECRET),
        HTTPException(SECRET, status_code=418),
        HTTPException(SECRET, status_code=502, headers={"x": "y"}),
    ]


@pytest.mark.parametrize("operation", sorted(BY_ID))
async def test_who_is_cut_off_is_let_go(
    operation: str, town: Town, ways: tuple[Way, Way], monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: object, **__: object) -> None:
        raise asyncio.CancelledError

    place, name = CALLING[operation]
    monkeypatch.setattr(place, name, cut_off)
    for way in ways:
        with pytest.raises(asyncio.CancelledError):
            await hear(way.app, await RIGHT[operation](town))


async def look(request: Request[Any, Any, Any]) -> None:
    """Look at a request."""


async def add() -> int:
    """Return something else a handler may ask for."""
    return 1


async def show(citizen: NamedDependency[CitizenCaller]) -> None:
    """Show nothing."""


async def show_more(citizen: NamedDependency[CitizenCaller], number: NamedDependency[int]) -> None:
    """Show nothing of a number."""


ASKING_FOR_MORE: list[dict[str, Any]] = [
    {"guards": [look]}, {"middleware": [lambda app: app]}, {"cache": True}, {"after_response": look},
    {"response_headers": {"x": "y"}}, {"dependencies": {"number": Provide(add)}},
]  # fmt: skip


@pytest.mark.parametrize("asked", [{}, *ASKING_FOR_MORE], ids=lambda asked: next(iter(asked), "nothing"))
def test_what_asks_for_more_is_not_hot(asked: dict[str, Any]) -> None:
    handler: HTTPRouteHandler = get("/", **asked)(show_more if "dependencies" in asked else show)
    app = Litestar([handler], dependencies={"citizen": Provide(look)}, before_request=look)
    if not asked:
        assert answer_first(app, [handler]) is app
        return
    with pytest.raises(TypeError):
        answer_first(app, [handler])

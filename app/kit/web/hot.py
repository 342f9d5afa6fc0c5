"""Hot operations, answered before the framework's router: by the same handler, after the same checks in the same order.

What an operation takes and may refuse is read off its route; left out is only what the framework does for operations of
any kind. A request that is odd before it is clear who calls - a query, a host of strange letters, a body that does not
fit - is left to the framework as it came, so that there are no two ways to say what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Receive, Scope, Send

from app.kit.request.bodies import UNFIT
from app.kit.request.headers import find_header
from app.kit.web.openapi import find_caller

PLAIN_HOST = re.compile(rb"[0-9A-Za-z.:\[\]-]*")
TAKEN = frozenset({"request", "data", "idempotency_key"})
# What a route may ask of the framework that is not done here.
NOT_DONE = (
    "resolve_guards", "resolve_middleware", "resolve_after_response",
    "resolve_response_headers", "resolve_response_cookies", "resolve_data_dto", "resolve_return_dto",
)  # fmt: skip


def answer_first(app: Litestar, hot: Collection[HTTPRouteHandler]) -> Litestar:
    """Put hot operations before the router of ``app``; their handlers return an ``Answer`` (kit.web.answers)."""
    wanted = {handler.fn for handler in hot}
    operations = {
        (str(method), route.path): HotOperation(route.path, handler)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items()
        if handler.fn in wanted
    }
    assert len(operations) == len(wanted), "every hot operation has one route"
    app.asgi_handler = _answering(operations, app.asgi_handler)
    return app


def _answering(operations: dict[tuple[str, str], HotOperation], others: ASGIApp) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        operation = operations.get((scope["method"], scope["path"])) if scope["type"] == ScopeType.HTTP else None
        if operation is None or not is_plain(scope) or not await operation.answer(scope, receive, send):
            await others(scope, receive, send)

    return answer


def is_plain(scope: Any) -> bool:
    """Whether a request is one that the framework would only pass on."""
    return not (scope["query_string"] or scope.get("root_path")) and all(
        PLAIN_HOST.fullmatch(value) for name, value in scope["headers"] if name == b"host"
    )


class HotOperation:
    """What one operation takes, and how it is answered."""

    def __init__(self, path: str, handler: HTTPRouteHandler) -> None:
        takes, caller = set(handler.parsed_fn_signature.parameters), find_caller(handler)
        if (
            caller is None
            or takes - TAKEN - {caller}
            or any(getattr(handler, name)() for name in NOT_DONE)
            or handler.cache
        ):
            raise TypeError(f"{handler.operation_id} asks for more than a hot operation is given")
        self._path, self._handler, self._run = path, handler, handler.fn
        self._caller = caller
        self._look: Any = handler.resolve_before_request()
        self._provide = handler.resolve_dependencies()[caller]
        self._make_request = handler.resolve_request_class()
        self._explain = handler.resolve_exception_handlers()
        self._takes_request, self._takes_key = "request" in takes, "idempotency_key" in takes
        body = handler.parsed_data_field
        self._takes_body, self._needs_body = body is not None, body is not None and not body.has_default

    async def answer(self, scope: Any, receive: Receive, send: Send) -> bool:
        """Answer a request; False leaves it to the framework, which is given the body that was read."""
        scope["route_handler"], scope["path_template"], scope["path_params"] = self._handler, self._path, {}
        request = self._make_request(scope, receive, send)
        try:
            given = await self._gather(request)
            if given is None:
                return False
            response: Any = await self._run(**given)
            respond = response.to_asgi_response(status_code=self._handler.status_code)
        except Exception as error:  # noqa: BLE001 - whatever is raised is answered, as the framework does it
            kind = next(kind for kind in type(error).__mro__ if kind in self._explain)
            response = self._explain[kind](request, error)
            respond = response.to_asgi_response(app=None, request=request)
        await respond(scope, receive, send)
        return True

    async def _gather(self, request: Any) -> dict[str, Any] | None:
        """Return what the handler is given; None when the body does not fit: said when it is clear who calls."""
        await self._look(request)
        given: dict[str, Any] = {}
        if self._takes_body:
            if await request.body():
                given["data"] = await request.json()
                if given["data"] is UNFIT:
                    return None
            elif self._needs_body:
                return None
        given[self._caller] = await self._provide(request=request)
        if self._takes_key:
            given["idempotency_key"] = find_header(request.scope, b"idempotency-key")
        if self._takes_request:
            given["request"] = request
        return given

"""Every route names its caller or is on the public list; officials' routes name roles, partners' a scope."""

from __future__ import annotations

import re
import typing
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from app.kit.security.auth import CitizenCaller, OfficialCaller, PartnerCaller
from app.main import create_app
from app.values.roles import Role, Scope

APP = Path(__file__).parents[1] / "app"
CALLERS: dict[str, type] = {"citizen": CitizenCaller, "partner": PartnerCaller, "official": OfficialCaller}
PREFIXES = {"citizen": "/v1/me", "partner": "/v1/partner", "official": "/v1/official"}
# A route that anybody may call is a decision, and this is where it is taken.
PUBLIC = {
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/docs"),
    ("GET", "/docs/{name}"),
    ("GET", "/schema"),
    ("GET", "/schema/openapi.json"),
    ("GET", "/schema/{path}"),
    ("POST", "/v1/auth/wechat"),
    ("POST", "/v1/auth/refresh"),
    ("GET", "/v1/consents/current"),
    ("GET", "/v1/rule-books/current"),
    ("GET", "/v1/rule-books/schema"),
    ("GET", "/v1/rule-books/{code}/{version}"),
    ("GET", "/v1/export-keys"),
    ("GET", "/v1/campaigns"),
    ("POST", "/v1/official/login"),
    ("POST", "/v1/official/enrolments"),
    ("POST", "/v1/official/enrolments/complete"),
}
# Logging out is a citizen's route outside /v1/me.
ELSEWHERE = {("POST", "/v1/auth/logout")}


def routes_of(app: Litestar) -> list[tuple[str, str, HTTPRouteHandler]]:
    """Return method, path and handler of every route, documented or not."""
    return sorted(
        (
            (str(method), route.path_format or "/", handler)
            for route in app.routes
            if isinstance(route, HTTPRoute)
            for method, (handler, _) in route.route_handler_map.items()
            if method != "OPTIONS"
        ),
        key=lambda entry: entry[:2],
    )


def callers_of(handler: HTTPRouteHandler) -> list[str]:
    """Return the callers a handler asks for, by the name and the type of its parameters."""
    parameters = handler.parsed_fn_signature.parameters
    by_type = [
        name
        for name, declared in parameters.items()
        if any(
            isinstance(one, type) and issubclass(one, tuple(CALLERS.values()))
            for one in (declared.annotation, declared.raw)
        )
    ]
    by_name = [name for name in CALLERS if name in parameters]
    assert set(by_type) <= set(by_name), f"{handler} takes a caller under another name: nobody would authenticate it"
    for name in by_name:
        assert issubclass(parameters[name].annotation, CALLERS[name]), (
            f"{handler}: {name} is not a {CALLERS[name].__name__}"
        )
    return by_name


ROUTES = routes_of(create_app())
IDS = [f"{method} {path}" for method, path, _ in ROUTES]


@pytest.mark.parametrize(("method", "path", "handler"), ROUTES, ids=IDS)
def test_a_route_names_exactly_one_caller_or_is_public(method: str, path: str, handler: HTTPRouteHandler) -> None:
    callers = callers_of(handler)
    assert callers == [] if (method, path) in PUBLIC else len(callers) == 1


@pytest.mark.parametrize(("method", "path", "handler"), ROUTES, ids=IDS)
def test_a_callers_routes_are_under_its_prefix(method: str, path: str, handler: HTTPRouteHandler) -> None:
    for caller in callers_of(handler):
        assert path.startswith(PREFIXES[caller]) or (method, path) in ELSEWHERE
    for caller, prefix in PREFIXES.items():
        if path == prefix or path.startswith(prefix + "/"):
            assert callers_of(handler) == [caller] or (method, path) in PUBLIC


@pytest.mark.parametrize(("method", "path", "handler"), ROUTES, ids=IDS)
def test_officials_need_a_role_and_partners_a_scope(method: str, path: str, handler: HTTPRouteHandler) -> None:
    callers = callers_of(handler)
    roles, scope = handler.opt.get("roles"), handler.opt.get("scope")
    if callers == ["official"]:
        assert roles, f"{method} {path} would be open to every official"
        assert set(roles) <= set(typing.get_args(Role))
    else:
        assert roles is None
    if callers == ["partner"]:
        assert scope in typing.get_args(Scope)
    else:
        assert scope is None


def test_the_public_list_names_only_what_exists() -> None:
    assert {(method, path) for method, path, _ in ROUTES} >= PUBLIC | ELSEWHERE


def test_the_caller_alone_says_whether_it_is_the_centres() -> None:
    """Code that compares the institution with None is one more "only the centre": need_centre and for_centre are it."""
    own = [
        path.as_posix()
        for path in APP.rglob("*.py")
        if re.search(r"\b(?:official|caller)\.institution_id is ", path.read_text(encoding="utf-8"))
    ]
    assert not own

"""What routes of many rooms have in common: how officials move things, and paths that rooms share."""

from __future__ import annotations

from collections.abc import Iterable

from litestar import Router, post
from litestar.routes import HTTPRoute

from app.kit.errors import ETagMissing, ETagStale, Forbidden, InvalidRequest, NotFound, Refusal, Unauthenticated
from app.kit.request.etag import ETAG
from app.kit.web.http import refusals

OPTIONS_ONLY = {"OPTIONS"}


def move(path: str, operation_id: str, opt: dict[str, list[str]], *refused: type[Refusal]) -> post:
    """Route a move of officials: a POST with the ETag that was read, answered with the thing as it is then.

    ``opt`` names the roles; ``refused`` is what the move refuses besides what every move does.
    """
    documented = refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound, ETagMissing, ETagStale, *refused)
    return post(path, operation_id=operation_id, status_code=200, opt=opt, response_headers=ETAG, responses=documented)


def share_paths(routers: Iterable[Router]) -> Router:
    """Join routers into one whose paths have no OPTIONS answer yet; the app makes it, for all methods of a path.

    Left as they are, Litestar takes two routers that meet at a path for two answers to OPTIONS.
    """
    joined = Router("/", route_handlers=[_without_options(router) for router in routers])
    return _without_options(joined)


def _without_options(router: Router) -> Router:
    for route in router.routes:
        if isinstance(route, HTTPRoute):
            route.route_handlers = [one for one in route.route_handlers if set(one.http_methods) != OPTIONS_ONLY]
    return router

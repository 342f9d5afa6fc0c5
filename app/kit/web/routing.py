"""Lets rooms share a path: one answers GET, another DELETE."""

from __future__ import annotations

from collections.abc import Iterable

from litestar import Router
from litestar.routes import HTTPRoute

OPTIONS_ONLY = {"OPTIONS"}


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

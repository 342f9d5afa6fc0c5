"""TEMPORARY while rooms are being written: wires whatever exists. The final version names every room."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException

from app.kit.bodies import JSONRequest
from app.campaign.rules import CAMPAIGN_MOVES
from app.kit.auth import CitizenCaller, OfficialCaller, PartnerCaller
from app.kit.cache import cache_lifespan
from app.kit.clock import now, shanghai_day
from app.kit.database import database_lifespan
from app.kit.errors import Forbidden, Refusal
from app.kit.http import answer_bug, answer_http_error, answer_refusal
from app.kit.keys import ensure_keys
from app.kit.openapi import make_openapi_config
from app.kit.outside import outside_lifespan
from app.kit.partitions import make_partitions
from app.kit.routing import share_paths
from app.kit.status import STATUS_ROUTES, observe
from app.kit.valkey import valkey_lifespan


def _maybe(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            return None
        print("DEV MAIN: cannot import", name, error)
        return None
    except Exception as error:
        print("DEV MAIN: cannot import", name, repr(error))
        return None


ROOMS = ["citizen", "consent", "membership", "score", "record", "credit_code", "redemption", "event", "partner", "official", "campaign", "intake"]
ROUTERS = [m.router for room in ROOMS for f in sorted(p.stem for p in (Path(__file__).parent / room).glob("routes*.py"))
           if (m := _maybe(f"app.{room}.{f}")) is not None and hasattr(m, "router")]
citizen_actions = _maybe("app.citizen.actions")
partner_actions = _maybe("app.partner.actions")
official_actions = _maybe("app.official.actions")
campaign_actions = _maybe("app.campaign.actions")
redemption_actions = _maybe("app.redemption.actions")
event_actions = _maybe("app.event.actions")
CATALOGUES = tuple(getattr(m, n) for m, n in ((partner_actions, "directory"), (campaign_actions, "catalogue")) if hasattr(m, n))
BODY_BYTES_MAX = 64 * 1024
AnyRequest = Request[Any, Any, State]


async def provide_citizen(request: AnyRequest) -> CitizenCaller:
    """Authenticate a citizen by the access token."""
    return await citizen_actions.authenticate(request.headers.get("authorization"))


async def provide_partner(request: AnyRequest) -> PartnerCaller:
    """Authenticate an institution by its key, which must have the route's scope."""
    caller = await partner_actions.authenticate(request.headers.get("authorization"))
    if request.route_handler.opt["scope"] not in caller.scopes:
        raise Forbidden
    return caller


async def provide_official(request: AnyRequest) -> OfficialCaller:
    """Authenticate an official, who must have one of the route's roles."""
    caller = await official_actions.authenticate(request.headers.get("authorization"))
    if not caller.roles & frozenset(request.route_handler.opt["roles"]):
        raise Forbidden
    return caller


@asynccontextmanager
async def lifespan(_: Litestar) -> AsyncIterator[None]:
    """Open everything a request needs, in order; close it in reverse after the lanes are drained."""
    ensure_keys()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(database_lifespan())
        await stack.enter_async_context(valkey_lifespan())
        await stack.enter_async_context(outside_lifespan())
        await make_partitions(shanghai_day(now()))
        if hasattr(event_actions, "ensure_epoch"):
            await event_actions.ensure_epoch()
        await stack.enter_async_context(cache_lifespan(CATALOGUES))
        if hasattr(partner_actions, "key_use_lifespan"):
            await stack.enter_async_context(partner_actions.key_use_lifespan())
        if hasattr(redemption_actions, "lanes_lifespan"):
            await stack.enter_async_context(redemption_actions.lanes_lifespan())
        yield


def create_app() -> Litestar:
    """Build the application."""
    app = Litestar(
        route_handlers=[*STATUS_ROUTES, share_paths(ROUTERS)],
        dependencies={
            "citizen": Provide(provide_citizen),
            "partner": Provide(provide_partner),
            "official": Provide(provide_official),
        },
        exception_handlers={
            Refusal: answer_refusal,
            HTTPException: answer_http_error,
            Exception: answer_bug,
        },
        lifespan=[lifespan],
        openapi_config=make_openapi_config(states={"campaign": CAMPAIGN_MOVES}),
        request_class=JSONRequest,
        request_max_body_size=BODY_BYTES_MAX,
        logging_config=None,
    )
    return observe(app)

"""What officials do with stores and terminals."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from app.kit.errors import Forbidden, InvalidRequest, NotFound, StaleCursor, Unauthenticated
from app.kit.request.etag import ETAG, IfMatch, answer_with_etag
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page
from app.kit.web.routing import move
from app.kit.web.show import show
from app.partner.actions import places as places_actions
from app.partner.queries import places as places_queries
from app.partner.queries.places import Store, Terminal
from app.partner.refusals import NameTaken, StateUnsuitable, SuspendedByCentre
from app.partner.schemas import StoreRequest, StoreView, TerminalRequest, TerminalView

ADMINISTRATOR = {"roles": ["administrator"]}
CREATING = refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound, NameTaken)
SHOWING = refusals(Unauthenticated, Forbidden, NotFound)
LISTING = refusals(InvalidRequest, StaleCursor, Unauthenticated, Forbidden, NotFound)
REFUSED = (StateUnsuitable, SuspendedByCentre)
StoreId = Annotated[UUID | None, QueryParameter(name="storeId", description="Only the terminals of this store.")]


@post(
    "/{institution_id:uuid}/stores",
    operation_id="createStore",
    status_code=201,
    opt=ADMINISTRATOR,
    response_headers=ETAG,
    responses=CREATING,
)
async def create_store(
    official: NamedDependency[OfficialCaller], institution_id: FromPath[UUID], data: JSONBody[StoreRequest]
) -> Response[StoreView]:
    """Create a store."""
    row = await places_actions.create_store(official, institution_id, name=data.name)
    return _answer_store(row, official, 201)


@get(
    "/{institution_id:uuid}/stores",
    operation_id="listStores",
    status_code=200,
    opt=ADMINISTRATOR,
    responses=LISTING,
)
async def list_stores(
    official: NamedDependency[OfficialCaller],
    institution_id: FromPath[UUID],
    cursor: Cursor = None,
    limit: Limit = PAGE_SIZE_DEFAULT,
) -> Page[StoreView]:
    """List an institution's stores."""
    await places_actions.find_institution(official, institution_id)
    rows = await places_queries.list_stores(institution_id, decode_cursor(cursor, UUID), limit)
    return make_page(rows, limit, lambda store: _show_store(store, official), lambda store: store.id)


@get(
    "/{institution_id:uuid}/stores/{store_id:uuid}",
    operation_id="getStore",
    status_code=200,
    opt=ADMINISTRATOR,
    response_headers=ETAG,
    responses=SHOWING,
)
async def get_store(
    official: NamedDependency[OfficialCaller], institution_id: FromPath[UUID], store_id: FromPath[UUID]
) -> Response[StoreView]:
    """Show a store with its `ETag`."""
    return _answer_store(await places_actions.find_store(official, institution_id, store_id), official)


@move("/{institution_id:uuid}/stores/{store_id:uuid}/suspend", "suspendStore", ADMINISTRATOR, *REFUSED)
async def suspend_store(
    official: NamedDependency[OfficialCaller],
    institution_id: FromPath[UUID],
    store_id: FromPath[UUID],
    if_match: IfMatch = None,
) -> Response[StoreView]:
    """Suspend a store: its terminals stop within a second."""
    row = await places_actions.move_store(official, institution_id, store_id, "suspend", if_match=if_match)
    return _answer_store(row, official)


@move("/{institution_id:uuid}/stores/{store_id:uuid}/resume", "resumeStore", ADMINISTRATOR, *REFUSED)
async def resume_store(
    official: NamedDependency[OfficialCaller],
    institution_id: FromPath[UUID],
    store_id: FromPath[UUID],
    if_match: IfMatch = None,
) -> Response[StoreView]:
    """Let a suspended store go on."""
    row = await places_actions.move_store(official, institution_id, store_id, "resume", if_match=if_match)
    return _answer_store(row, official)


@post(
    "/{institution_id:uuid}/terminals",
    operation_id="createTerminal",
    status_code=201,
    opt=ADMINISTRATOR,
    response_headers=ETAG,
    responses=CREATING,
)
async def create_terminal(
    official: NamedDependency[OfficialCaller], institution_id: FromPath[UUID], data: JSONBody[TerminalRequest]
) -> Response[TerminalView]:
    """Create a terminal at a store."""
    row = await places_actions.create_terminal(official, institution_id, store_id=data.store_id, name=data.name)
    return _answer_terminal(row, official, 201)


@get(
    "/{institution_id:uuid}/terminals",
    operation_id="listTerminals",
    status_code=200,
    opt=ADMINISTRATOR,
    responses=LISTING,
)
async def list_terminals(
    official: NamedDependency[OfficialCaller],
    institution_id: FromPath[UUID],
    store_id: StoreId = None,
    cursor: Cursor = None,
    limit: Limit = PAGE_SIZE_DEFAULT,
) -> Page[TerminalView]:
    """List an institution's terminals, or those of one store."""
    await places_actions.find_institution(official, institution_id)
    rows = await places_queries.list_terminals(institution_id, store_id, decode_cursor(cursor, UUID), limit)
    return make_page(rows, limit, lambda terminal: _show_terminal(terminal, official), lambda terminal: terminal.id)


@get(
    "/{institution_id:uuid}/terminals/{terminal_id:uuid}",
    operation_id="getTerminal",
    status_code=200,
    opt=ADMINISTRATOR,
    response_headers=ETAG,
    responses=SHOWING,
)
async def get_terminal(
    official: NamedDependency[OfficialCaller], institution_id: FromPath[UUID], terminal_id: FromPath[UUID]
) -> Response[TerminalView]:
    """Show a terminal with its `ETag`."""
    return _answer_terminal(await places_actions.find_terminal(official, institution_id, terminal_id), official)


@move("/{institution_id:uuid}/terminals/{terminal_id:uuid}/suspend", "suspendTerminal", ADMINISTRATOR, *REFUSED)
async def suspend_terminal(
    official: NamedDependency[OfficialCaller],
    institution_id: FromPath[UUID],
    terminal_id: FromPath[UUID],
    if_match: IfMatch = None,
) -> Response[TerminalView]:
    """Suspend a terminal, with effect within a second."""
    row = await places_actions.move_terminal(official, institution_id, terminal_id, "suspend", if_match=if_match)
    return _answer_terminal(row, official)


@move("/{institution_id:uuid}/terminals/{terminal_id:uuid}/resume", "resumeTerminal", ADMINISTRATOR, *REFUSED)
async def resume_terminal(
    official: NamedDependency[OfficialCaller],
    institution_id: FromPath[UUID],
    terminal_id: FromPath[UUID],
    if_match: IfMatch = None,
) -> Response[TerminalView]:
    """Let a suspended terminal go on."""
    row = await places_actions.move_terminal(official, institution_id, terminal_id, "resume", if_match=if_match)
    return _answer_terminal(row, official)


def _answer_store(store: Store, official: OfficialCaller, status_code: int = 200) -> Response[StoreView]:
    return answer_with_etag(_show_store(store, official), store.revision, status_code)


def _show_store(store: Store, official: OfficialCaller) -> StoreView:
    return show(StoreView, store, allowed_actions=places_actions.list_allowed_actions(official, store))


def _answer_terminal(terminal: Terminal, official: OfficialCaller, status_code: int = 200) -> Response[TerminalView]:
    return answer_with_etag(_show_terminal(terminal, official), terminal.revision, status_code)


def _show_terminal(terminal: Terminal, official: OfficialCaller) -> TerminalView:
    return show(TerminalView, terminal, allowed_actions=places_actions.list_allowed_actions(official, terminal))


PLACE_ROUTES = [
    create_store,
    list_stores,
    get_store,
    suspend_store,
    resume_store,
    create_terminal,
    list_terminals,
    get_terminal,
    suspend_terminal,
    resume_terminal,
]

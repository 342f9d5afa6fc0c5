"""What officials do with stores and terminals."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from app.kit.auth import OfficialCaller
from app.kit.errors import Forbidden, InvalidRequest, NotFound, StaleCursor, Unauthenticated
from app.kit.http import refusals
from app.kit.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page
from app.partner import actions_official, queries
from app.partner.queries import StoreRow, TerminalRow
from app.partner.schemas import StoreRequest, StoreView, TerminalRequest, TerminalView

ADMINISTRATOR = {"roles": ["administrator"]}
CREATING = refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound, actions_official.NameTaken)
LISTING = refusals(InvalidRequest, StaleCursor, Unauthenticated, Forbidden, NotFound)
MOVING = refusals(Unauthenticated, Forbidden, NotFound, actions_official.StateUnsuitable)
StoreId = Annotated[UUID | None, QueryParameter(name="storeId", description="Only the terminals of this store.")]


@post(
    "/{institution_id:uuid}/stores",
    operation_id="createStore",
    status_code=201,
    opt=ADMINISTRATOR,
    responses=CREATING,
)
async def create_store(
    official: NamedDependency[OfficialCaller], institution_id: FromPath[UUID], data: JSONBody[StoreRequest]
) -> StoreView:
    """Create a store."""
    return _show_store(await actions_official.create_store(official, institution_id, name=data.name))


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
    await actions_official.find_institution(official, institution_id)
    rows = await queries.list_stores(institution_id, decode_cursor(cursor, UUID), limit)
    return make_page(rows, limit, _show_store, lambda row: row.id)


@post(
    "/{institution_id:uuid}/stores/{store_id:uuid}/suspend",
    operation_id="suspendStore",
    status_code=200,
    opt=ADMINISTRATOR,
    responses=MOVING,
)
async def suspend_store(
    official: NamedDependency[OfficialCaller], institution_id: FromPath[UUID], store_id: FromPath[UUID]
) -> StoreView:
    """Suspend a store: its terminals stop within a second."""
    return _show_store(await actions_official.move_store(official, institution_id, store_id, "suspend"))


@post(
    "/{institution_id:uuid}/stores/{store_id:uuid}/resume",
    operation_id="resumeStore",
    status_code=200,
    opt=ADMINISTRATOR,
    responses=MOVING,
)
async def resume_store(
    official: NamedDependency[OfficialCaller], institution_id: FromPath[UUID], store_id: FromPath[UUID]
) -> StoreView:
    """Let a suspended store go on."""
    return _show_store(await actions_official.move_store(official, institution_id, store_id, "resume"))


@post(
    "/{institution_id:uuid}/terminals",
    operation_id="createTerminal",
    status_code=201,
    opt=ADMINISTRATOR,
    responses=CREATING,
)
async def create_terminal(
    official: NamedDependency[OfficialCaller], institution_id: FromPath[UUID], data: JSONBody[TerminalRequest]
) -> TerminalView:
    """Create a terminal at a store."""
    row = await actions_official.create_terminal(official, institution_id, store_id=data.store_id, name=data.name)
    return _show_terminal(row)


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
    await actions_official.find_institution(official, institution_id)
    rows = await queries.list_terminals(institution_id, store_id, decode_cursor(cursor, UUID), limit)
    return make_page(rows, limit, _show_terminal, lambda row: row.id)


@post(
    "/{institution_id:uuid}/terminals/{terminal_id:uuid}/suspend",
    operation_id="suspendTerminal",
    status_code=200,
    opt=ADMINISTRATOR,
    responses=MOVING,
)
async def suspend_terminal(
    official: NamedDependency[OfficialCaller], institution_id: FromPath[UUID], terminal_id: FromPath[UUID]
) -> TerminalView:
    """Suspend a terminal, with effect within a second."""
    return _show_terminal(await actions_official.move_terminal(official, institution_id, terminal_id, "suspend"))


@post(
    "/{institution_id:uuid}/terminals/{terminal_id:uuid}/resume",
    operation_id="resumeTerminal",
    status_code=200,
    opt=ADMINISTRATOR,
    responses=MOVING,
)
async def resume_terminal(
    official: NamedDependency[OfficialCaller], institution_id: FromPath[UUID], terminal_id: FromPath[UUID]
) -> TerminalView:
    """Let a suspended terminal go on."""
    return _show_terminal(await actions_official.move_terminal(official, institution_id, terminal_id, "resume"))


def _show_store(row: StoreRow) -> StoreView:
    return StoreView(
        id=row.id,
        institution_id=row.institution_id,
        name=row.name,
        state=row.state,
        created_at=row.created_at,
        allowed_actions=row.allowed_actions,
    )


def _show_terminal(row: TerminalRow) -> TerminalView:
    return TerminalView(
        id=row.id,
        institution_id=row.institution_id,
        store_id=row.store_id,
        name=row.name,
        state=row.state,
        created_at=row.created_at,
        allowed_actions=row.allowed_actions,
    )


PLACE_ROUTES = [
    create_store,
    list_stores,
    suspend_store,
    resume_store,
    create_terminal,
    list_terminals,
    suspend_terminal,
    resume_terminal,
]

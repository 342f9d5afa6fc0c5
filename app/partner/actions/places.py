"""What officials change in the directory: institutions, stores and terminals are created, suspended and resumed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from app.event.actions import insert_events
from app.event.feed import NewEvent
from app.kit.clock import now, uuid7
from app.kit.db.audit import write_audit
from app.kit.db.cache import bump
from app.kit.db.database import transaction
from app.kit.errors import ETagStale, InvalidRequest, NotFound
from app.kit.request.etag import need_etag
from app.partner.directory import (
    AUDITED,
    CREATE_INSTITUTION,
    CREATE_STORE,
    CREATE_TERMINAL,
    EVENTS,
    PARTNER_MOVES,
    InstitutionKind,
    Move,
    Suspendable,
    compute_allowed_actions,
    parse_name,
)
from app.partner.queries import places as places_queries
from app.partner.queries.places import Institution, Managed, Store, Terminal
from app.partner.refusals import NameTaken, StateUnsuitable, SuspendedByCentre
from app.values.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from app.kit.security.auth import OfficialCaller
    from app.values.words import AuditAction

AnyManaged = TypeVar("AnyManaged", bound=Managed)


async def create_institution(official: OfficialCaller, *, name: str, kind: InstitutionKind) -> Institution:
    """Create an institution; only the centre does."""
    official.need_centre()
    at = now()
    row = Institution(id=uuid7(at), name=read_name(name), kind=kind, state="active", created_at=at)
    async with transaction():
        if not await places_queries.insert_institution(row):
            raise NameTaken
        await note(
            official,
            CREATE_INSTITUTION,
            row_id=row.id,
            institution_id=row.id,
            detail={"name": row.name, "kind": kind},
        )
    return row


async def create_store(official: OfficialCaller, institution_id: UUID, *, name: str) -> Store:
    """Create a store of an institution of the caller's tenant."""
    at = now()
    row = Store(id=uuid7(at), institution_id=institution_id, name=read_name(name), state="active", created_at=at)
    async with transaction():
        await find_institution(official, institution_id)
        if not await places_queries.insert_store(row):
            raise NameTaken
        await note(official, CREATE_STORE, row_id=row.id, institution_id=institution_id, detail={"name": row.name})
    return row


async def create_terminal(official: OfficialCaller, institution_id: UUID, *, store_id: UUID, name: str) -> Terminal:
    """Create a terminal at a store of an institution of the caller's tenant."""
    at = now()
    row = Terminal(
        id=uuid7(at), institution_id=institution_id, store_id=store_id, name=read_name(name), state="active",
        created_at=at,
    )  # fmt: skip
    async with transaction():
        await find_institution(official, institution_id)
        if await places_queries.find_store(institution_id, store_id) is None:
            raise NotFound
        if not await places_queries.insert_terminal(row):
            raise NameTaken
        detail: dict[str, object] = {"name": row.name, "storeId": store_id}
        await note(official, CREATE_TERMINAL, row_id=row.id, institution_id=institution_id, detail=detail)
    return row


async def move_institution(
    official: OfficialCaller, institution_id: UUID, move: Move, *, if_match: str | None
) -> Institution:
    """Suspend or resume an institution with everything it has; only the centre does."""
    find = partial(find_institution, official, institution_id)
    await find()
    official.need_centre()
    return await move_managed(official, "institution", institution_id, institution_id, move, find, if_match=if_match)


async def move_store(
    official: OfficialCaller, institution_id: UUID, store_id: UUID, move: Move, *, if_match: str | None
) -> Store:
    """Suspend or resume a store with its terminals."""
    find = partial(find_store, official, institution_id, store_id)
    return await move_managed(official, "store", institution_id, store_id, move, find, if_match=if_match)


async def move_terminal(
    official: OfficialCaller, institution_id: UUID, terminal_id: UUID, move: Move, *, if_match: str | None
) -> Terminal:
    """Suspend or resume a terminal."""
    find = partial(find_terminal, official, institution_id, terminal_id)
    return await move_managed(official, "terminal", institution_id, terminal_id, move, find, if_match=if_match)


async def move_managed(
    official: OfficialCaller, table: Suspendable, institution_id: UUID, row_id: UUID, move: Move,
    find: Callable[[], Awaitable[AnyManaged]], *, if_match: str | None,
) -> AnyManaged:  # fmt: skip
    """Suspend or resume what ``find`` finds and return it as it then is; refuses one that changed since it was read."""
    async with transaction():
        await lock_row(official, table, institution_id, row_id)
        await _move_row(official, table, institution_id, await find(), move, if_match=if_match)
        return await find()


async def lock_row(official: OfficialCaller, table: Suspendable, institution_id: UUID, row_id: UUID) -> None:
    """Keep others from moving something of the caller's tenant until the transaction ends."""
    if not official.may_act_for(institution_id) or not await places_queries.lock_row(table, institution_id, row_id):
        raise NotFound


async def _move_row(
    official: OfficialCaller, table: Suspendable, institution_id: UUID, row: Managed, move: Move,
    *, if_match: str | None,
) -> None:  # fmt: skip
    need_etag(if_match, row.revision)
    if move not in list_allowed_actions(official, row):
        raise SuspendedByCentre if move == "resume" and row.state == "suspended" else StateUnsuitable(row.state)
    state, by_centre = PARTNER_MOVES.to(row.state, move), official.for_centre
    if not await places_queries.mark_moved(table, row.id, state, revision=row.revision, by_centre=by_centre):
        raise ETagStale
    await note(official, AUDITED[table][move], row_id=row.id, institution_id=institution_id, detail={})


def list_allowed_actions(official: OfficialCaller, row: Managed) -> list[Move]:
    """Return what the caller may do with it as it is now."""
    for_centre = official.for_centre
    return compute_allowed_actions(row.state, is_centres=row.suspended_by_centre, for_centre=for_centre)


async def find_institution(official: OfficialCaller, institution_id: UUID) -> Institution:
    """Find an institution of the caller's tenant."""
    need_tenant(official, institution_id)
    return need_found(await places_queries.find_institution(institution_id))


async def find_store(official: OfficialCaller, institution_id: UUID, store_id: UUID) -> Store:
    """Find a store of the caller's tenant."""
    need_tenant(official, institution_id)
    return need_found(await places_queries.find_store(institution_id, store_id))


async def find_terminal(official: OfficialCaller, institution_id: UUID, terminal_id: UUID) -> Terminal:
    """Find a terminal of the caller's tenant."""
    need_tenant(official, institution_id)
    return need_found(await places_queries.find_terminal(institution_id, terminal_id))


def need_tenant(official: OfficialCaller, institution_id: UUID) -> None:
    """Refuse an institution that is not the caller's as one that is not there."""
    if not official.may_act_for(institution_id):
        raise NotFound


def need_found(found: AnyManaged | None) -> AnyManaged:
    """Return what was found, or refuse because nothing was."""
    if found is None:
        raise NotFound
    return found


def read_name(text: str) -> str:
    """Return a usable name, or refuse with a pointer."""
    name = parse_name(text)
    if name is None:
        zh = "1 至 60 个文字、数字、标点或空格，不含控制字符、符号或表情"
        en = "1 to 60 letters, digits, punctuation or spaces; no control characters, symbols or emoji"
        raise InvalidRequest(errors=[Fault.at("/name", "name_invalid", zh, en)])
    return name


async def note(
    official: OfficialCaller, action: AuditAction, *, row_id: UUID, institution_id: UUID, detail: dict[str, object]
) -> None:
    """Inside the caller's transaction: the event, the audit entry, and word to every process's directory."""
    noun = action.partition(".")[0]
    event = NewEvent(type=EVENTS[action], subject_id=row_id, at=now(), institution_id=institution_id)
    await insert_events([event])
    facts: dict[str, object] = {"institutionId": institution_id, **detail}
    await write_audit(official, action=action, subject=f"{noun}:{row_id}", detail=facts)
    await bump("directory")

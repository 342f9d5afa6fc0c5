"""What officials change in the directory: institutions, stores and terminals are created, suspended and resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from app.event.actions import insert_events
from app.event.feed import NewEvent
from app.kit.clock import now, uuid7
from app.kit.db.audit import write_audit
from app.kit.db.cache import bump
from app.kit.db.database import transaction
from app.kit.errors import ETagStale, Forbidden, InvalidRequest, MoveNotAllowed, NotFound, Refusal
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
    State,
    Suspendable,
    compute_allowed_actions,
    parse_name,
)
from app.partner.queries import places as places_queries
from app.partner.queries.places import InstitutionRow, StoreRow, TerminalRow
from app.values.fault import Fault

if TYPE_CHECKING:
    from uuid import UUID

    from app.kit.security.auth import OfficialCaller
    from app.values.words import AuditAction


class NameTaken(Refusal):
    """This name is taken."""

    code: ClassVar[str] = "name_taken"
    zh: ClassVar[str] = "名称已被占用"


class StateUnsuitable(MoveNotAllowed):
    """It is in that state already."""

    code: ClassVar[str] = "state_unsuitable"
    zh: ClassVar[str] = "已处于该状态"
    moves = PARTNER_MOVES


class SuspendedByCentre(Forbidden):
    """The credit centre suspended this; only the centre resumes it."""

    code: ClassVar[str] = "suspended_by_centre"
    zh: ClassVar[str] = "由信用中心停用，只能由信用中心恢复"


class Movable(Protocol):
    """What is suspended and resumed."""

    @property
    def id(self) -> UUID:
        """Its id."""

    @property
    def state(self) -> State:
        """Its state."""

    @property
    def revision(self) -> int:
        """How often it was changed, counted from 1."""

    @property
    def suspended_by_centre(self) -> bool:
        """Whether the centre suspended it."""


async def create_institution(official: OfficialCaller, *, name: str, kind: InstitutionKind) -> InstitutionRow:
    """Create an institution; only the centre does."""
    official.need_centre()
    at = now()
    row = InstitutionRow(uuid7(at), read_name(name), kind, "active", at)
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


async def create_store(official: OfficialCaller, institution_id: UUID, *, name: str) -> StoreRow:
    """Create a store of an institution of the caller's tenant."""
    at = now()
    row = StoreRow(uuid7(at), institution_id, read_name(name), "active", at)
    async with transaction():
        await find_institution(official, institution_id)
        if not await places_queries.insert_store(row):
            raise NameTaken
        await note(official, CREATE_STORE, row_id=row.id, institution_id=institution_id, detail={"name": row.name})
    return row


async def create_terminal(official: OfficialCaller, institution_id: UUID, *, store_id: UUID, name: str) -> TerminalRow:
    """Create a terminal at a store of an institution of the caller's tenant."""
    at = now()
    row = TerminalRow(uuid7(at), institution_id, store_id, read_name(name), "active", at)
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
) -> InstitutionRow:
    """Suspend or resume an institution with everything it has; only the centre does."""
    await find_institution(official, institution_id)
    official.need_centre()
    async with transaction():
        await lock_row(official, "institution", institution_id, institution_id)
        row = await find_institution(official, institution_id)
        await move_row(official, "institution", institution_id, row, move, if_match=if_match)
        return await find_institution(official, institution_id)


async def move_store(
    official: OfficialCaller, institution_id: UUID, store_id: UUID, move: Move, *, if_match: str | None
) -> StoreRow:
    """Suspend or resume a store with its terminals."""
    async with transaction():
        await lock_row(official, "store", institution_id, store_id)
        row = await find_store(official, institution_id, store_id)
        await move_row(official, "store", institution_id, row, move, if_match=if_match)
        return await find_store(official, institution_id, store_id)


async def move_terminal(
    official: OfficialCaller, institution_id: UUID, terminal_id: UUID, move: Move, *, if_match: str | None
) -> TerminalRow:
    """Suspend or resume a terminal."""
    async with transaction():
        await lock_row(official, "terminal", institution_id, terminal_id)
        row = await find_terminal(official, institution_id, terminal_id)
        await move_row(official, "terminal", institution_id, row, move, if_match=if_match)
        return await find_terminal(official, institution_id, terminal_id)


async def lock_row(official: OfficialCaller, table: Suspendable, institution_id: UUID, row_id: UUID) -> None:
    """Keep others from moving something of the caller's tenant until the transaction ends."""
    if not official.may_act_for(institution_id) or not await places_queries.lock_row(table, institution_id, row_id):
        raise NotFound


async def move_row(
    official: OfficialCaller, table: Suspendable, institution_id: UUID, row: Movable, move: Move,
    *, if_match: str | None,
) -> None:  # fmt: skip
    """Change the state of a locked row that stands as the caller read it."""
    need_etag(if_match, row.revision)
    if move not in list_allowed_actions(official, row):
        raise SuspendedByCentre if move == "resume" and row.state == "suspended" else StateUnsuitable(row.state)
    state, by_centre = PARTNER_MOVES.to(row.state, move), official.for_centre
    if not await places_queries.mark_moved(table, row.id, state, revision=row.revision, by_centre=by_centre):
        raise ETagStale
    await note(official, AUDITED[table][move], row_id=row.id, institution_id=institution_id, detail={})


def list_allowed_actions(official: OfficialCaller, row: Movable) -> list[Move]:
    """Return what the caller may do with it as it stands."""
    for_centre = official.for_centre
    return compute_allowed_actions(row.state, is_centres=row.suspended_by_centre, for_centre=for_centre)


async def find_institution(official: OfficialCaller, institution_id: UUID) -> InstitutionRow:
    """Find an institution of the caller's tenant."""
    row = await places_queries.find_institution(institution_id) if official.may_act_for(institution_id) else None
    if row is None:
        raise NotFound
    return row


async def find_store(official: OfficialCaller, institution_id: UUID, store_id: UUID) -> StoreRow:
    """Find a store of the caller's tenant."""
    row = await places_queries.find_store(institution_id, store_id) if official.may_act_for(institution_id) else None
    if row is None:
        raise NotFound
    return row


async def find_terminal(official: OfficialCaller, institution_id: UUID, terminal_id: UUID) -> TerminalRow:
    """Find a terminal of the caller's tenant."""
    row = (
        await places_queries.find_terminal(institution_id, terminal_id)
        if official.may_act_for(institution_id)
        else None
    )
    if row is None:
        raise NotFound
    return row


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

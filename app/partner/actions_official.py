"""What officials change in the directory: institutions, stores and terminals are created, suspended and resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from app.event.actions import NewEvent, insert_events
from app.kit.audit import write_audit
from app.kit.cache import bump
from app.kit.clock import now, uuid7
from app.kit.database import transaction
from app.kit.errors import FieldError, Forbidden, InvalidRequest, NotFound, Reason, Refusal
from app.partner import queries
from app.partner.queries import InstitutionRow, StoreRow, Suspendable, TerminalRow
from app.partner.rules import MOVED, STATES_ZH, InstitutionKind, Move, State, parse_name

if TYPE_CHECKING:
    from uuid import UUID

    from app.kit.auth import OfficialCaller

NOUNS: dict[Suspendable, str] = {
    "institution": "institution",
    "store": "store",
    "terminal": "terminal",
    "api_key": "key",
}
MOVE_EVENTS: dict[Move, str] = {"suspend": "suspended", "resume": "resumed"}


class NameTaken(Refusal):
    """This name is taken."""

    code: ClassVar[str] = "name_taken"
    zh: ClassVar[str] = "名称已被占用"


class StateUnsuitable(Refusal):
    """It is in that state already."""

    code: ClassVar[str] = "state_unsuitable"
    zh: ClassVar[str] = "已处于该状态"

    def __init__(self, state: State) -> None:
        super().__init__(reasons=[show_state(state)])


async def create_institution(official: OfficialCaller, *, name: str, kind: InstitutionKind) -> InstitutionRow:
    """Create an institution; only the centre does."""
    need_centre(official)
    at = now()
    row = InstitutionRow(uuid7(at), read_name(name), kind, "active", at)
    async with transaction():
        if not await queries.insert_institution(row):
            raise NameTaken
        await note(
            official,
            "institution.create",
            "created",
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
        if not await queries.insert_store(row):
            raise NameTaken
        await note(
            official, "store.create", "created", row_id=row.id, institution_id=institution_id, detail={"name": row.name}
        )
    return row


async def create_terminal(official: OfficialCaller, institution_id: UUID, *, store_id: UUID, name: str) -> TerminalRow:
    """Create a terminal at a store of an institution of the caller's tenant."""
    at = now()
    row = TerminalRow(uuid7(at), institution_id, store_id, read_name(name), "active", at)
    async with transaction():
        await find_institution(official, institution_id)
        if await queries.find_store(institution_id, store_id) is None:
            raise NotFound
        if not await queries.insert_terminal(row):
            raise NameTaken
        detail: dict[str, object] = {"name": row.name, "storeId": store_id}
        await note(official, "terminal.create", "created", row_id=row.id, institution_id=institution_id, detail=detail)
    return row


async def move_institution(official: OfficialCaller, institution_id: UUID, move: Move) -> InstitutionRow:
    """Suspend or resume an institution with everything it has; only the centre does."""
    await find_institution(official, institution_id)
    need_centre(official)
    await move_row(official, "institution", institution_id, institution_id, move)
    return await find_institution(official, institution_id)


async def move_store(official: OfficialCaller, institution_id: UUID, store_id: UUID, move: Move) -> StoreRow:
    """Suspend or resume a store with its terminals."""
    await find_institution(official, institution_id)
    if await queries.find_store(institution_id, store_id) is None:
        raise NotFound
    await move_row(official, "store", institution_id, store_id, move)
    row = await queries.find_store(institution_id, store_id)
    assert row is not None
    return row


async def move_terminal(official: OfficialCaller, institution_id: UUID, terminal_id: UUID, move: Move) -> TerminalRow:
    """Suspend or resume a terminal."""
    await find_institution(official, institution_id)
    if await queries.find_terminal(institution_id, terminal_id) is None:
        raise NotFound
    await move_row(official, "terminal", institution_id, terminal_id, move)
    row = await queries.find_terminal(institution_id, terminal_id)
    assert row is not None
    return row


async def move_row(
    official: OfficialCaller, table: Suspendable, institution_id: UUID, row_id: UUID, move: Move
) -> None:
    """Change a state once: of two who try, one is told that it is so already."""
    async with transaction():
        if not await queries.mark_state(table, institution_id, row_id, MOVED[move]):
            raise StateUnsuitable(MOVED[move])
        await note(
            official,
            f"{NOUNS[table]}.{move}",
            MOVE_EVENTS[move],
            row_id=row_id,
            institution_id=institution_id,
            detail={},
        )


async def find_institution(official: OfficialCaller, institution_id: UUID) -> InstitutionRow:
    """Find an institution of the caller's tenant."""
    row = await queries.find_institution(institution_id) if official.may_act_for(institution_id) else None
    if row is None:
        raise NotFound
    return row


def show_state(state: State) -> Reason:
    """Say in which state something is, to who asked for a move that its state does not allow."""
    return Reason(code=f"state_{state}", zh=f"当前状态：{STATES_ZH[state]}", en=f"the state is {state}")


def need_centre(official: OfficialCaller) -> None:
    """Refuse an institution's own official."""
    if official.institution_id is not None:
        raise Forbidden


def read_name(text: str) -> str:
    """Return a usable name, or refuse with a pointer."""
    name = parse_name(text)
    if name is None:
        zh = "1 至 60 个文字、数字、标点或空格，不含控制字符、符号或表情"
        en = "1 to 60 letters, digits, punctuation or spaces; no control characters, symbols or emoji"
        raise InvalidRequest(errors=[FieldError(pointer="/name", code="name_invalid", zh=zh, en=en)])
    return name


async def note(
    official: OfficialCaller, action: str, done: str, *, row_id: UUID, institution_id: UUID, detail: dict[str, object]
) -> None:
    """Inside the caller's transaction: the event, the audit entry, and word to every process's directory."""
    noun = action.partition(".")[0]
    event = NewEvent(type=f"{noun}.{done}.v1", subject_id=row_id, at=now(), institution_id=institution_id)
    await insert_events([event])
    facts: dict[str, object] = {"institutionId": institution_id, **detail}
    await write_audit(official, action=action, subject=f"{noun}:{row_id}", detail=facts)
    await bump("directory")

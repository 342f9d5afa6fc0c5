"""The life of a staff account as a table, and who must be a second administrator. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal
from uuid import UUID

from app.event.feed import EVENT_TYPES, EventType
from app.values.moves import Moves
from app.values.words import AUDIT_ACTIONS, AuditAction

State = Literal["invited", "enrolled", "active", "suspended"]
Move = Literal["enrol", "confirm", "reset", "suspend", "resume"]
AdministratorsMove = Literal["confirm", "reset", "suspend", "resume"]

# "enrol" is the person's own move; an account that needs no second administrator is confirmed in the same moment. Only
# an account that was active is ever suspended, so what is resumed has been confirmed. Who suspends what is suspended
# already makes the suspension the centre's.
OFFICIAL_MOVES: Moves[State, Move] = Moves(
    {
        "invited": {"enrol": "enrolled", "reset": "invited"},
        "enrolled": {"confirm": "active", "reset": "invited"},
        "active": {"suspend": "suspended", "reset": "invited"},
        "suspended": {"suspend": "suspended", "resume": "active"},
    },
    begins={"invited"},
    states_zh={"invited": "待本人登记", "enrolled": "待第二名管理员确认", "active": "启用", "suspended": "停用"},
    actions_zh={"enrol": "登记", "confirm": "确认", "reset": "重新登记", "suspend": "停用", "resume": "恢复"},
)
CREATED, ENROLLED = EVENT_TYPES.declare("official.created.v1"), EVENT_TYPES.declare("official.enrolled.v1")
EVENTS: dict[AdministratorsMove, EventType] = {
    "confirm": EVENT_TYPES.declare("official.confirmed.v1"),
    "reset": EVENT_TYPES.declare("official.reset.v1"),
    "suspend": EVENT_TYPES.declare("official.suspended.v1"),
    "resume": EVENT_TYPES.declare("official.resumed.v1"),
}
AUDIT_CREATE, AUDIT_ENROL = AUDIT_ACTIONS.declare("official.create"), AUDIT_ACTIONS.declare("official.enrol")
AUDIT_LOGIN, AUDIT_LOGOUT = AUDIT_ACTIONS.declare("official.login"), AUDIT_ACTIONS.declare("official.logout")
AUDITED: dict[AdministratorsMove, AuditAction] = {
    "confirm": AUDIT_ACTIONS.declare("official.confirm"),
    "reset": AUDIT_ACTIONS.declare("official.reset"),
    "suspend": AUDIT_ACTIONS.declare("official.suspend"),
    "resume": AUDIT_ACTIONS.declare("official.resume"),
}


def needs_second(
    roles: Collection[str], institution_id: UUID | None, *, for_centre: bool, is_reset: bool
) -> bool:  # fmt: skip
    """Whether an enrolment counts only when a second administrator has confirmed it.

    An administrator who asks for an enrolment holds its code and could enrol in the person's place. So alone they may
    make nobody who could check on them: no staff of the centre; as the centre (``for_centre``) no staff of an
    institution, who would draft what the centre reviews; no administrator, who would be the second of the next
    enrolment; and by a reset nobody who has an account already. What is left is an institution's own editor.
    """
    return is_reset or institution_id is None or for_centre or "administrator" in roles


def may_confirm(caller_id: UUID, *, official_id: UUID, asked_by: UUID | None) -> bool:
    """Whether an administrator is a second one: neither the person nor who asked for the enrolment."""
    return caller_id not in (official_id, asked_by)


def compute_allowed_actions(
    state: State, *, is_own: bool, is_second: bool, is_centres: bool, for_centre: bool
) -> list[AdministratorsMove]:
    """Return what an administrator may do with an account; nothing with their own.

    ``is_second`` they may confirm it, ``is_centres`` the centre suspended it, ``for_centre`` they are the centre's.
    What the centre suspended only the centre resumes, and what an institution suspended it may make its own.
    """
    if is_own:
        return []
    if state == "suspended":
        if for_centre:
            return ["resume"] if is_centres else ["suspend", "resume"]
        return [] if is_centres else ["resume"]
    if state == "enrolled":
        return ["confirm", "reset"] if is_second else ["reset"]
    return ["suspend", "reset"] if state == "active" else ["reset"]

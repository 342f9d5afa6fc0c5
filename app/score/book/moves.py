"""The life of a rule book as a table: what may be done in which state, and what becomes of it. Pure."""

from __future__ import annotations

from typing import Literal

from app.event.feed import EVENT_TYPES, EventType
from app.values.moves import Moves
from app.values.words import AUDIT_ACTIONS, AuditAction

BookState = Literal["draft", "submitted", "scheduled", "active", "retired"]
BookAction = Literal["edit", "submit", "reject", "approve", "withdraw", "delete", "test", "preview"]

# What is rejected is a draft again. What is withdrawn was public already: its number is used up, it never comes back.
# A scheduled book comes into force by itself on its day, and the one before it goes.
RULE_BOOK_MOVES: Moves[BookState, BookAction] = Moves(
    {
        "draft": {"edit": "draft", "submit": "submitted"},
        "submitted": {"reject": "draft", "approve": "scheduled"},
        "scheduled": {"withdraw": "retired"},
        "active": {},
        "retired": {},
    },
    begins={"draft"},
    by_itself={"scheduled": {"activate": "active"}, "active": {"retire": "retired"}},
    beside={
        "draft": ("delete", "test", "preview"), "submitted": ("test", "preview"), "scheduled": ("test", "preview"),
        "active": ("test",), "retired": ("test",),
    },
    states_zh={
        "draft": "草稿", "submitted": "待审核", "scheduled": "待生效", "active": "已生效", "retired": "已停用",
    },
    actions_zh={
        "edit": "编辑", "submit": "提交审核", "reject": "退回", "approve": "通过", "withdraw": "撤回", "delete": "删除",
        "test": "测试", "preview": "预览",
    },
)  # fmt: skip
DRAFTED, ACTIVATED = EVENT_TYPES.declare("rule_book.drafted.v1"), EVENT_TYPES.declare("rule_book.activated.v1")
EVENTS: dict[BookAction, EventType] = {
    "edit": EVENT_TYPES.declare("rule_book.edited.v1"),
    "submit": EVENT_TYPES.declare("rule_book.submitted.v1"),
    "reject": EVENT_TYPES.declare("rule_book.rejected.v1"),
    "approve": EVENT_TYPES.declare("rule_book.approved.v1"),
    "withdraw": EVENT_TYPES.declare("rule_book.withdrawn.v1"),
    "delete": EVENT_TYPES.declare("rule_book.deleted.v1"),
    "preview": EVENT_TYPES.declare("rule_book.previewed.v1"),
}
AUDIT_DRAFT, AUDIT_ACTIVATE = AUDIT_ACTIONS.declare("rule_book.draft"), AUDIT_ACTIONS.declare("rule_book.activate")
AUDITED: dict[BookAction, AuditAction] = {
    "edit": AUDIT_ACTIONS.declare("rule_book.edit"),
    "submit": AUDIT_ACTIONS.declare("rule_book.submit"),
    "reject": AUDIT_ACTIONS.declare("rule_book.reject"),
    "approve": AUDIT_ACTIONS.declare("rule_book.approve"),
    "withdraw": AUDIT_ACTIONS.declare("rule_book.withdraw"),
    "delete": AUDIT_ACTIONS.declare("rule_book.delete"),
    "preview": AUDIT_ACTIONS.declare("rule_book.preview"),
}

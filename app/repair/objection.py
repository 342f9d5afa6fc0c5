"""What an objection is and how it moves. Pure."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Literal

from app.event.feed import EVENT_TYPES, EventType
from app.values.moves import Moves
from app.values.text import clean_text, is_han
from app.values.words import AUDIT_ACTIONS, AuditAction

ObjectionKind = Literal["wrong", "missing"]
ObjectionState = Literal["received", "asked", "answered", "withdrawn"]
ObjectionAction = Literal["ask-source", "answer", "withdraw"]
Finding = Literal["confirmed", "wrong", "missing_found", "unknown"]

# An answered ticket stays open until it is decided; its citizen may still take it back.
OBJECTION_MOVES: Moves[ObjectionState, ObjectionAction] = Moves(
    {
        "received": {"ask-source": "asked", "withdraw": "withdrawn"},
        "asked": {"answer": "answered", "withdraw": "withdrawn"},
        "answered": {"withdraw": "withdrawn"},
        "withdrawn": {},
    },
    begins={"received"},
    states_zh={"received": "已受理", "asked": "来源核查中", "answered": "来源已答复", "withdrawn": "已撤回"},
    actions_zh={"ask-source": "转来源核查", "answer": "答复", "withdraw": "撤回"},
)
RECEIVED = EVENT_TYPES.declare("objection.received.v1")
EVENTS: dict[ObjectionAction, EventType] = {
    "ask-source": EVENT_TYPES.declare("objection.asked.v1"),
    "answer": EVENT_TYPES.declare("objection.answered.v1"),
    "withdraw": EVENT_TYPES.declare("objection.withdrawn.v1"),
}
AUDIT_READ = AUDIT_ACTIONS.declare("objection.read")
AUDITED: dict[ObjectionAction, AuditAction] = {  # of officials: withdrawing is the citizen's own
    "ask-source": AUDIT_ACTIONS.declare("objection.ask-source"),
    "answer": AUDIT_ACTIONS.declare("objection.answer"),
}
UNANSWERED_STATES: frozenset[ObjectionState] = frozenset({"received", "asked"})
CITIZENS_ACTIONS: frozenset[ObjectionAction] = frozenset({"withdraw"})
SOURCES_ACTIONS: frozenset[ObjectionAction] = frozenset({"answer"})
CENTRES_ACTIONS: frozenset[ObjectionAction] = frozenset({"ask-source", "answer"})

ANSWER_WORKING_DAYS = 7
OPEN_OBJECTIONS_MAX = 5
TEXT_CHARACTERS_MAX = 1000

FINDINGS: dict[ObjectionKind, frozenset[Finding]] = {
    "wrong": frozenset({"confirmed", "wrong", "unknown"}),
    "missing": frozenset({"confirmed", "missing_found", "unknown"}),
}
FINDINGS_ZH: dict[Finding, str] = {
    "confirmed": "经核对与来源登记一致",
    "wrong": "来源确认该记录有误",
    "missing_found": "来源确认存在遗漏的记录",
    "unknown": "来源无法核实",
}
FINDINGS_EN: dict[Finding, str] = {
    "confirmed": "it agrees with the source's register",
    "wrong": "the source says that the record is wrong",
    "missing_found": "the source has found the missing record",
    "unknown": "the source cannot tell",
}

NUMBER_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: nothing that is misread or misheard
NUMBER_CHARACTERS = 10
NUMBER_RANDOM_BYTES = 7


def compute_number(random: int) -> str:
    """Write a random number as people read it out, like ``7K2MX-9QD4T``: it says nothing of how many there are."""
    letters = "".join(NUMBER_ALPHABET[random >> 5 * place & 31] for place in range(NUMBER_CHARACTERS))
    return f"{letters[:5]}-{letters[5:]}"


def parse_text(text: str) -> str | None:
    """Return what somebody wrote, in NFC and cleaned of marks nobody sees; None when it is empty or not plain text.

    Lines may be broken; control characters and unassigned ones are not plain.
    """
    plain = unicodedata.normalize("NFC", clean_text(text.replace("\r\n", "\n")))
    if not 1 <= len(plain) <= TEXT_CHARACTERS_MAX:
        return None
    is_plain = all(letter == "\n" or is_han(letter) or unicodedata.category(letter)[0] != "C" for letter in plain)
    return plain if is_plain else None


def is_overdue(answer_due_on: date, today: date) -> bool:
    """Whether the last day in time is over."""
    return today > answer_due_on

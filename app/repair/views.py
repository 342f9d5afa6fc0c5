"""What a ticket looks like: to its citizen, and to officials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.kit.web.show import show
from app.record.catalogue import CATALOGUE
from app.repair.objection import (
    CENTRES_ACTIONS,
    CITIZENS_ACTIONS,
    OBJECTION_MOVES,
    SOURCES_ACTIONS,
    UNANSWERED_STATES,
    is_overdue,
)
from app.repair.schemas import Objection, ObjectionLine, SourceAnswer

if TYPE_CHECKING:
    from datetime import date

    from app.kit.web.http import Language
    from app.repair.ticket import Ticket


def show_own(ticket: Ticket, text: str, answer_text: str | None, language: Language) -> Objection:
    """Show a citizen their ticket, with what they wrote and what the source answered."""
    return show(
        Objection,
        ticket,
        allowed_actions=OBJECTION_MOVES.allowed(ticket.state, CITIZENS_ACTIONS),
        title=_find_title(ticket, language),
        text=text,
        contact_ok=ticket.is_contact_ok,
        answer=None if answer_text is None else show(SourceAnswer, ticket, text=answer_text),
    )


def show_line(ticket: Ticket, today: date, *, is_of_centre: bool) -> ObjectionLine:
    """Show an official a ticket: nothing of who wrote it and what; ``today`` is a Shanghai day."""
    return show(
        ObjectionLine,
        ticket,
        allowed_actions=OBJECTION_MOVES.allowed(ticket.state, CENTRES_ACTIONS if is_of_centre else SOURCES_ACTIONS),
        is_overdue=ticket.state in UNANSWERED_STATES and is_overdue(ticket.answer_due_on, today),
    )


def _find_title(ticket: Ticket, language: Language) -> str | None:
    listed = CATALOGUE.indicators.get(ticket.indicator or "") or CATALOGUE.honours.get(ticket.honour or "")
    if listed is None:
        return None
    return listed.title_en if language == "en" else listed.title_zh

"""How a published rule book is shown to anybody."""

from __future__ import annotations

from app.kit.web.http import Language
from app.kit.web.show import show
from app.score.book.document import Dimension, Level, RuleBook, RuleIndicator
from app.score.book.schemas import IndicatorView, NextRuleBook, RuleBookView, Sentence
from app.score.book.status import UNPUBLISHED, BookStatus, NextBook
from app.score.book.text import describe_clause, describe_reading

Titled = Dimension | Level | RuleIndicator


def show_book(book: RuleBook, status: BookStatus = UNPUBLISHED, following: NextBook | None = None) -> RuleBookView:
    """Show all rules: how to read them, every indicator also as a sentence, and which rules come next."""
    return show(
        RuleBookView,
        book,
        **{name: getattr(status, name) for name in BookStatus.__struct_fields__},
        next=None if following is None else show(NextRuleBook, following),
        reading=[Sentence(zh=zh, en=en) for zh, en in describe_reading(book)],
        indicators=tuple(
            show(
                IndicatorView,
                indicator,
                text_zh=describe_clause(indicator, "zh"),
                text_en=describe_clause(indicator, "en"),
            )
            for indicator in book.indicators
        ),
    )


def title_of(part: Titled, language: Language) -> str:
    """Return the title of a part of a rule book in the reader's language."""
    return part.title_zh if language == "zh" else part.title_en

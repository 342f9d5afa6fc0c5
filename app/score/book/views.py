"""From a rule book to what is said of it on the wire."""

from __future__ import annotations

import msgspec

from app.kit.web.http import Language
from app.score.book.document import Dimension, Level, RuleBook, RuleIndicator
from app.score.book.schemas import IndicatorView, NextRuleBook, RuleBookView, Sentence
from app.score.book.standing import UNPUBLISHED, BookStatus, NextBook
from app.score.book.text import tell_clause, tell_reading

Titled = Dimension | Level | RuleIndicator


def show_book(book: RuleBook, status: BookStatus = UNPUBLISHED, following: NextBook | None = None) -> RuleBookView:
    """Tell all rules: how to read them, every indicator also as a sentence, and which rules come next."""
    parts = {name: getattr(book, name) for name in RuleBook.__struct_fields__ if name != "indicators"}
    return RuleBookView(
        **parts,
        state=status.state,
        effective_on=status.effective_on,
        activated_at=status.activated_at,
        retired_at=status.retired_at,
        next=None if following is None else NextRuleBook(**msgspec.structs.asdict(following)),
        reading=[Sentence(zh=zh, en=en) for zh, en in tell_reading(book)],
        indicators=tuple(
            IndicatorView(
                **msgspec.structs.asdict(indicator),
                text_zh=tell_clause(indicator, "zh"),
                text_en=tell_clause(indicator, "en"),
            )
            for indicator in book.indicators
        ),
    )


def title_of(part: Titled, language: Language) -> str:
    """Return the title of a part of a rule book in the reader's language."""
    return part.title_zh if language == "zh" else part.title_en

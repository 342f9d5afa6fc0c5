"""How a rule book is shown to officials, with what came of its examples."""

from __future__ import annotations

from typing import Any

from app.kit.web.http import Language
from app.score.book.document import RuleBook
from app.score.book.moves import RULE_BOOK_MOVES
from app.score.current.views import show_adjustments, show_contributions
from app.score.draft.examples import ExampleOutcome
from app.score.draft.queries import BookRow, BookSummary
from app.score.draft.schemas import BookSummaryView, BookView, ExampleView, TestView


def show_summary(row: BookSummary) -> BookSummaryView:
    """Show a rule book without what it says."""
    return BookSummaryView(**_standing_of(row))


def show_draft(row: BookRow) -> BookView:
    """Show a rule book with what it says and its examples."""
    return BookView(document=row.read_document(), examples=row.read_examples(), **_standing_of(row))


def show_test(book: RuleBook, outcomes: list[ExampleOutcome], language: Language) -> TestView:
    """Show what came of a rule book's examples."""
    return TestView(
        passed=bool(outcomes) and all(outcome.has_passed for outcome in outcomes),
        examples=[_show_example(book, outcome, language) for outcome in outcomes],
    )


def _show_example(book: RuleBook, outcome: ExampleOutcome, language: Language) -> ExampleView:
    example = outcome.example
    return ExampleView(
        title_zh=example.title_zh,
        title_en=example.title_en,
        passed=outcome.has_passed,
        value=outcome.value,
        level=outcome.level,
        expected_value=example.expected.value,
        expected_level=example.expected.level,
        working=example.working,
        base=book.scale.base,
        contributions=show_contributions(outcome.contributions, book, language),
        adjustments=show_adjustments(outcome.adjustments, book, language),
    )


def _standing_of(row: BookSummary) -> dict[str, Any]:
    hidden = ("public_id", "revision")
    told = {name: getattr(row, name) for name in BookSummary.__struct_fields__ if name not in hidden}
    return {"id": row.public_id, "allowed_actions": RULE_BOOK_MOVES.allowed(row.state), **told}

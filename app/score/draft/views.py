"""How a rule book is shown to officials, with what came of its examples."""

from __future__ import annotations

from app.kit.web.http import Language
from app.kit.web.show import show
from app.score.book.document import RuleBook
from app.score.book.moves import RULE_BOOK_MOVES
from app.score.current.views import show_adjustments, show_contributions
from app.score.draft.examples import ExampleOutcome
from app.score.draft.queries import BookSummary, StoredBook
from app.score.draft.schemas import BookSummaryView, BookView, ExampleView, TestView


def show_summary(row: BookSummary) -> BookSummaryView:
    """Show a rule book without what it says."""
    return show(BookSummaryView, row, id=row.public_id, allowed_actions=RULE_BOOK_MOVES.allowed(row.state))


def show_draft(row: StoredBook) -> BookView:
    """Show a rule book with what it says and its examples."""
    return show(
        BookView,
        row,
        id=row.public_id,
        allowed_actions=RULE_BOOK_MOVES.allowed(row.state),
        document=row.read_document(),
        examples=row.read_examples(),
    )


def show_test(book: RuleBook, outcomes: list[ExampleOutcome], language: Language) -> TestView:
    """Show what came of a rule book's examples."""
    return TestView(
        passed=bool(outcomes) and all(outcome.has_passed for outcome in outcomes),
        examples=[_show_example(book, outcome, language) for outcome in outcomes],
    )


def _show_example(book: RuleBook, outcome: ExampleOutcome, language: Language) -> ExampleView:
    example, score = outcome.example, outcome.score
    return show(
        ExampleView,
        example,
        passed=outcome.has_passed,
        value=outcome.found.value,
        level=outcome.found.level,
        expected_value=example.expected.value,
        expected_level=example.expected.level,
        base=book.scale.base,
        contributions=show_contributions(score.contributions if score else (), book, language),
        adjustments=show_adjustments(score.adjustments if score else (), book, language),
    )

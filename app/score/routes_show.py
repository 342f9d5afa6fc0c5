"""What the routes of rule books share: who may do what, and how a rule book is shown to officials."""

from __future__ import annotations

from typing import Any

from litestar import Response

from app.kit.errors import Forbidden, InvalidRequest, NotFound, Unauthenticated
from app.kit.etag import compute_etag
from app.kit.http import Language
from app.score.queries_draft import BookRow, BookSummary
from app.score.rules_book import RuleBook
from app.score.rules_example import ExampleOutcome
from app.score.rules_moves import compute_allowed_actions
from app.score.schemas_draft import BookSummaryView, BookView, ExampleView, TestView
from app.score.schemas_make import show_adjustments, show_contributions

# All of them the centre's (an institution's editors are refused): editors and reviewers write, reviewers decide on what
# others wrote, auditors read.
READERS = {"roles": ["editor", "reviewer", "auditor"]}
WRITERS = {"roles": ["editor", "reviewer"]}
REVIEWER = {"roles": ["reviewer"]}
BODY_BYTES_MAX = 512 * 1024
READING = (InvalidRequest, Unauthenticated, Forbidden, NotFound)


def show_summary(row: BookSummary) -> BookSummaryView:
    """Show a rule book without what it says."""
    return BookSummaryView(**_standing_of(row))


def answer_book(row: BookRow, status_code: int = 200) -> Response[BookView]:
    """Answer a rule book with its ETag."""
    view = BookView(document=row.read_document(), examples=row.read_examples(), **_standing_of(row))
    return Response(view, status_code=status_code, headers={"ETag": compute_etag(row.revision)})


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
    return {"id": row.public_id, "allowed_actions": compute_allowed_actions(row.state), **told}

"""How scores, explanations and histories are shown, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable

from app.kit.web.http import Language
from app.kit.web.show import show
from app.score.book.document import RuleBook
from app.score.book.schemas import RuleBookRef
from app.score.book.text import describe_clause
from app.score.book.views import title_of
from app.score.current.schemas import (
    AdjustmentView,
    ChangeView,
    ContributionView,
    DimensionView,
    ExplanationView,
    LevelView,
    NextLevel,
    ReasonView,
    ScoreView,
)
from app.score.current.score import CurrentScore, PastChange
from app.score.engine.given import Explanation
from app.score.engine.parts import Adjustment, Contribution, compute_next_level, describe_limit


def show_score(score: CurrentScore, language: Language) -> ScoreView:
    """Show a score, its level and how far the next level is.

    Field by field, not by ``show``: every phone opens with it.
    """
    book = score.book
    points = {given.code: given.points for given in score.dimensions}
    return ScoreView(
        value=score.value,
        level=LevelView(code=score.level, title=title_of(book.level(score.level), language)),
        as_of=score.as_of,
        rule_book=RuleBookRef(code=book.code, version=book.version),
        dimensions=[
            DimensionView(
                code=d.code, title=title_of(d, language), points=points.get(d.code, 0), floor=d.floor, cap=d.cap
            )
            for d in book.dimensions
        ],
        next=_show_next(score, language),
    )


def _show_next(score: CurrentScore, language: Language) -> NextLevel | None:
    level = compute_next_level(score.value, score.book.levels)
    if level is None:
        return None
    return NextLevel(level=level.code, title=title_of(level, language), points_needed=level.at_least - score.value)


def show_explanation(explanation: Explanation, book: RuleBook, language: Language) -> ExplanationView:
    """Show where a score comes from, with the clause of every contribution."""
    return show(
        ExplanationView,
        explanation,
        rule_book=show(RuleBookRef, book),
        contributions=show_contributions(explanation.contributions, book, language),
        adjustments=show_adjustments(explanation.adjustments, book, language),
        total=explanation.value,
    )


def show_contributions(given: Iterable[Contribution], book: RuleBook, language: Language) -> list[ContributionView]:
    """Show what records give, each with its clause.

    Field by field, not by ``show``: a long life has hundreds, and each would take 3 µs more.
    """
    indicators = {indicator.code: indicator for indicator in book.indicators}
    return [
        ContributionView(
            record_ids=list(one.record_ids),
            indicator=one.indicator,
            title=title_of(indicators[one.indicator], language),
            dimension=one.dimension,
            points=one.points,
            clause=describe_clause(indicators[one.indicator], language),
            valid_until=one.until,
            is_repeat=one.is_repeat,
        )
        for one in given
    ]


def show_adjustments(taken: Iterable[Adjustment], book: RuleBook, language: Language) -> list[AdjustmentView]:
    """Show what limits take or give back."""
    return [show(AdjustmentView, one, title=_name_limit(one, book, language)) for one in taken]


def _name_limit(taken: Adjustment, book: RuleBook, language: Language) -> str:
    zh, en = describe_limit(taken.code, taken.subject, book)
    title = zh if language == "zh" else en
    return title if taken.year is None else f"{title} ({taken.year})"


def show_change(change: PastChange, language: Language) -> ChangeView:
    """Show one step of a score's history."""
    reasons = [show(ReasonView, reason, text=reason.zh if language == "zh" else reason.en) for reason in change.reasons]
    return show(ChangeView, change, reasons=reasons)

"""From the nouns to what is said on the wire, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable

from app.kit.web.http import Language
from app.score.book.document import RuleBook
from app.score.book.schemas import RuleBookRef
from app.score.book.text import tell_clause
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
from app.score.current.score import CurrentScore, Explanation, PastChange
from app.score.engine.parts import Adjustment, Contribution, compute_next_level, tell_limit


def show_score(score: CurrentScore, language: Language) -> ScoreView:
    """Tell a score, its level and how far the next level is."""
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


def show_explanation(explanation: Explanation, language: Language) -> ExplanationView:
    """Tell where a score comes from, with the clause of every contribution."""
    book = explanation.book
    return ExplanationView(
        as_of=explanation.as_of,
        rule_book=RuleBookRef(code=book.code, version=book.version),
        base=explanation.base,
        contributions=show_contributions(explanation.contributions, book, language),
        adjustments=show_adjustments(explanation.adjustments, book, language),
        total=explanation.value,
    )


def show_contributions(given: Iterable[Contribution], book: RuleBook, language: Language) -> list[ContributionView]:
    """Tell what records give, each with its clause."""
    indicators = {indicator.code: indicator for indicator in book.indicators}
    return [
        ContributionView(
            record_ids=list(one.record_ids),
            indicator=one.indicator,
            title=title_of(indicators[one.indicator], language),
            dimension=one.dimension,
            points=one.points,
            clause=tell_clause(indicators[one.indicator], language),
            valid_until=one.until,
            is_repeat=one.is_repeat,
        )
        for one in given
    ]


def show_adjustments(taken: Iterable[Adjustment], book: RuleBook, language: Language) -> list[AdjustmentView]:
    """Tell what limits take or give back."""
    return [
        AdjustmentView(
            code=one.code,
            subject=one.subject,
            title=_name_limit(one.code, one.subject, one.year, book, language),
            points=one.points,
        )
        for one in taken
    ]


def _name_limit(code: str, subject: str, year: int | None, book: RuleBook, language: Language) -> str:
    zh, en = tell_limit(code, subject, book)
    title = zh if language == "zh" else en
    return title if year is None else f"{title} ({year})"


def show_change(change: PastChange, language: Language) -> ChangeView:
    """Tell one step of a score's history."""
    return ChangeView(
        id=change.id,
        at=change.at,
        from_value=change.from_value,
        to_value=change.to_value,
        from_level=change.from_level,
        to_level=change.to_level,
        reasons=[
            ReasonView(
                code=reason.code,
                subject=reason.subject,
                points=reason.points,
                text=reason.zh if language == "zh" else reason.en,
            )
            for reason in change.reasons
        ],
    )

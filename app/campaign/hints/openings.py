"""What would help a citizen: which benefits a higher score would open, and what they could do themselves. Pure.

The list in ``data/actionable.csv`` holds only what a person can decide to do: nothing that is bought (donations),
awarded or adjudged, and nothing dangerous. How many points each thing would add is never computed here. The engine
computes it, so that nothing is suggested whose limit is reached or which counts for nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import msgspec

from app.campaign.catalogue.live import LiveBenefit
from app.campaign.terms.eligibility import AllOf, AnyOf, Eligibility, Facts, LevelAtLeast, ScoreAtLeast
from app.campaign.terms.judge import judge_eligibility
from app.record.stored import StoredRecord
from app.score.book.document import RuleBook, RuleIndicator
from app.score.engine.given import Explanation, GivenRecord
from app.score.engine.parts import Contribution, compute_level
from app.values.reason import Reason

ACTIONABLE_FILE = Path(__file__).parent / "data" / "actionable.csv"
BENEFITS_HINTED_MAX = 10
RUNGS_TRIED_MAX = 3
TRIAL_ID = UUID(int=2**128 - 1)  # of a record that does not exist; nobody else's


class Actionable(msgspec.Struct, frozen=True, kw_only=True):
    """An indicator that people can do something about, and how.

    ``grade`` is its lowest one, empty where it has none; the units are empty where amounts do not count.
    """

    indicator: str
    grade: str
    unit_zh: str
    unit_en: str
    how_zh: str
    how_en: str


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is scored to see what it would add; None where only the citizen's consent is missing."""

    actionable: Actionable
    indicator: RuleIndicator
    record: GivenRecord | None


class ActionHint(msgspec.Struct, frozen=True, kw_only=True):
    """Something a citizen could do, and the points it would add now; None: it counts only after their consent."""

    actionable: Actionable
    indicator: RuleIndicator
    quantity: int | None
    points: int | None


class BenefitHint(msgspec.Struct, frozen=True, kw_only=True):
    """A benefit that a higher score would open, the score that opens it, and what is missing now."""

    benefit: LiveBenefit
    opens_at: int
    reasons: tuple[Reason, ...]


class Burden(msgspec.Struct, frozen=True, kw_only=True):
    """What takes points now; from ``ends_on`` it no longer does. None: its cause goes on, so the day is open."""

    indicator: RuleIndicator
    points: int
    ends_on: date | None


def parse_actionable(text: str) -> dict[str, Actionable]:
    """Read the list of what people can act on, by indicator."""
    rows = msgspec.convert(list(csv.DictReader(text.splitlines())), list[Actionable])
    return {row.indicator: row for row in rows}


ACTIONABLE = parse_actionable(ACTIONABLE_FILE.read_text(encoding="utf-8"))


def list_trials(
    actionable: Mapping[str, Actionable],
    book: RuleBook,
    records: Sequence[StoredRecord],
    consents: Sequence[str],
    day: date,
) -> list[Trial]:
    """Return what to try on a day: the amounts missing to the next rungs of a ladder, elsewhere one more record."""
    trials: list[Trial] = []
    for indicator in book.indicators:
        entry = actionable.get(indicator.code)
        if entry is None:
            continue
        if indicator.consent == "separate" and indicator.code.lower() not in consents:
            trials.append(Trial(actionable=entry, indicator=indicator, record=None))
        elif indicator.kind == "ladder":
            trials += [
                Trial(actionable=entry, indicator=indicator, record=_make_record(entry, day, quantity))
                for quantity in _list_missing(indicator, records, day)
            ]
        else:
            trials.append(Trial(actionable=entry, indicator=indicator, record=_make_record(entry, day, None)))
    return trials


def _list_missing(indicator: RuleIndicator, records: Sequence[StoredRecord], day: date) -> list[int]:
    """Return what is missing this calendar year to the next rungs of a ladder."""
    done = sum(
        record.quantity or 0
        for record in records
        if record.indicator == indicator.code and record.state == "active" and record.event_on.year == day.year
    )
    edges = sorted(value.at_least for value in indicator.values if value.at_least is not None)
    return [edge - done for edge in edges if edge > done][:RUNGS_TRIED_MAX]


def _make_record(entry: Actionable, day: date, quantity: int | None) -> GivenRecord:
    return GivenRecord(
        id=TRIAL_ID, indicator=entry.indicator, event_on=day, grade=entry.grade or None, quantity=quantity
    )


def drop_full(trials: Sequence[Trial], score: Explanation, day: date) -> list[Trial]:
    """Leave out the trials whose limit is reached: the explained score shows a cut by the year's or dimension's cap."""
    full = {
        taken.subject
        for taken in score.adjustments
        if taken.points < 0
        and (taken.code == "dimension_cap" or (taken.code == "annual_cap" and taken.year == day.year))
    }
    return [trial for trial in trials if not {trial.indicator.code, trial.indicator.dimension} & full]


def pick_counting(records: Sequence[StoredRecord], score: Explanation) -> list[StoredRecord]:
    """Return the records that count now, and those with amounts, which may count once another is added to them."""
    counting = {record_id for given in score.contributions for record_id in given.record_ids}
    return [record for record in records if record.id in counting or record.quantity is not None]


def compute_action_hints(trials: Sequence[Trial], gains: Sequence[int]) -> list[ActionHint]:
    """Return the trials that would add points, the largest gain first; those that need a consent come last.

    Of a ladder it is the nearest rung that adds anything. ``gains`` are the points each trial with a record adds, in
    order.
    """
    gained = iter(gains)
    hints: dict[str, ActionHint] = {}
    for trial in trials:
        points = None if trial.record is None else next(gained)
        if (points is None or points > 0) and trial.indicator.code not in hints:
            hints[trial.indicator.code] = ActionHint(
                actionable=trial.actionable,
                indicator=trial.indicator,
                quantity=trial.record.quantity if trial.record else None,
                points=points,
            )
    return sorted(hints.values(), key=lambda hint: (hint.points is None, -(hint.points or 0)))


def compute_benefit_hints(
    benefits: Sequence[LiveBenefit], facts: Facts, book: RuleBook, day: date
) -> list[BenefitHint]:
    """Return the benefits for which nothing but a higher score is missing, the nearest first."""
    hints = []
    for benefit in benefits:
        verdict = judge_eligibility(benefit.eligibility, facts, day)
        opens_at = None if verdict.is_eligible else _find_opening(benefit.eligibility, facts, book, day)
        if opens_at is not None:
            hints.append(BenefitHint(benefit=benefit, opens_at=opens_at, reasons=verdict.reasons))
    return sorted(hints, key=lambda hint: (hint.opens_at, hint.benefit.id))[:BENEFITS_HINTED_MAX]


def _find_opening(eligibility: Eligibility, facts: Facts, book: RuleBook, day: date) -> int | None:
    """Return the lowest score at which a citizen has the benefit; None where no score alone would do."""
    top = book.scale.max
    edges = {edge for edge in _iter_edges(eligibility, book) if edge > facts.score and (top is None or edge <= top)}
    for score in sorted(edges):
        then = msgspec.structs.replace(facts, score=score, level=compute_level(score, book.levels).code)
        if judge_eligibility(eligibility, then, day).is_eligible:
            return score
    return None


def _iter_edges(clause: Eligibility, book: RuleBook) -> Iterator[int]:
    """Yield the scores at which the answer of a clause may change."""
    if isinstance(clause, AllOf | AnyOf):
        for part in clause.of:
            yield from _iter_edges(part, book)
    elif isinstance(clause, ScoreAtLeast):
        yield clause.value
    elif isinstance(clause, LevelAtLeast):
        yield from (level.at_least for level in book.levels if level.code == clause.level)


def list_burdens(contributions: Sequence[Contribution], book: RuleBook) -> list[Burden]:
    """Return what takes points now, the heaviest first."""
    burdens = [
        Burden(
            indicator=book.indicator(taken.indicator),
            points=taken.points,
            ends_on=None if taken.until is None else taken.until + timedelta(days=1),
        )
        for taken in contributions
        if taken.points < 0
    ]
    return sorted(burdens, key=lambda burden: burden.points)

"""What an institution can find out about a person at its tills, by all its benefits over a year together. Pure.

Every answer to a scan says on which side of a threshold, an age or an honour a person is. The observer is the
institution, not a benefit or a store, since its keys and its people read all of its stores. It may compare an answer of
last winter with one of today; so what a campaign asked for counts until ``OBSERVED_DAYS`` after its last day in force,
however it ended, and a new document is judged together with everything that counts by then.

Bounds: at most twelve scores, at least 20 apart; ages at least five years apart; at most six honours or grades; and at
most a hundred kinds of people, because a threshold and an honour asked for at the same till multiply. Only what a
document adds is judged: asking again for what counts already shows nothing new (decision 48).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import reduce
from itertools import pairwise
from typing import Any, TypeVar

import msgspec

from app.campaign.terms.document import Benefit, CampaignDocument
from app.campaign.terms.eligibility import AGE_MAX, AgeBetween, Eligibility, Everyone, HasHonour
from app.campaign.terms.grant import Steps
from app.campaign.terms.ladder import THRESHOLD_DISTANCE_MIN, Levels, iter_leaves, iter_thresholds
from app.citizen.paper import ADULT_AGE
from app.record.catalogue import CATALOGUE
from app.values.fault import Fault

OBSERVED_DAYS = 365
INSTITUTION_THRESHOLDS_MAX = 12
AGE_DISTANCE_MIN = 5
INSTITUTION_HONOURS_MAX = 6
KINDS_OF_PEOPLE_MAX = 100

Honour = tuple[str, str | None]
Value = TypeVar("Value", int, tuple[str, str | None])


class Asked(msgspec.Struct, frozen=True):
    """What benefits ask of a person.

    ``ages`` are first ages on the other side ("up to 59" and "from 60" are both 60), ``honours`` are codes with the
    lowest grade that counts, ``answers`` the different benefits, each with how many answers it can give.
    """

    thresholds: frozenset[int] = frozenset()
    ages: frozenset[int] = frozenset()
    honours: frozenset[Honour] = frozenset()
    answers: frozenset[tuple[Eligibility, tuple[int, ...], int]] = frozenset()


class Observed(msgspec.Struct, frozen=True):
    """A document that was, is or will be in force, and its last day in force as far as can be said today."""

    document: CampaignDocument
    last_on: date


class InUse(msgspec.Struct, frozen=True, kw_only=True):
    """What an observer distinguishes people by, each with the last day on which it is asked for."""

    thresholds: tuple[tuple[int, date], ...]
    ages: tuple[tuple[int, date], ...]
    honours: tuple[tuple[Honour, date], ...]
    kinds_of_people: int


def is_observed(last_on: date, today: date) -> bool:
    """Whether what was last in force on a day still counts on another one."""
    return today - last_on <= timedelta(days=OBSERVED_DAYS)


def compute_asked(documents: Iterable[CampaignDocument], levels: Levels) -> Asked:
    """Return what documents ask together."""
    each = (_ask(benefit, levels) for document in documents for benefit in document.benefits)
    return reduce(_join, each, Asked())


def compute_kinds(asked: Asked) -> int:
    """Return how many kinds of people can be distinguished at most.

    There are no more than places between all edges, and no more than combinations of the benefits' answers.
    """
    kinds = (len(asked.thresholds) + 1) * (len(asked.ages) + 1)
    for code in {code for code, _ in asked.honours}:
        kinds *= sum(1 for other, _ in asked.honours if other == code) + 1
    answers = 1
    for _, _, count in asked.answers:
        answers *= count
    return min(kinds, answers)


def judge_observer(document: CampaignDocument, others: Sequence[Observed], levels: Levels) -> list[Fault]:
    """Return what a document would let an institution distinguish too finely, beside all it has observed."""
    before = compute_asked((other.document for other in others), levels)
    whole = _join(before, compute_asked([document], levels))
    faults = list(_judge_distances(document, before, levels))
    faults += _judge_number(
        "too_many_thresholds", whole.thresholds, before.thresholds, INSTITUTION_THRESHOLDS_MAX,
        zh="个不同的分数门槛", en="different thresholds",
    )  # fmt: skip
    faults += _judge_number(
        "too_many_honours", whole.honours, before.honours, INSTITUTION_HONOURS_MAX,
        zh="个不同的荣誉或等级", en="different honours or grades",
    )  # fmt: skip
    kinds = compute_kinds(whole)
    if kinds > max(KINDS_OF_PEOPLE_MAX, compute_kinds(before)):
        zh = f"与本机构一年内各措施合看，可将市民区分为{kinds}类，最多{KINDS_OF_PEOPLE_MAX}类"
        en = (
            f"with all benefits of the institution over a year {kinds} kinds of people could be told apart,"
            f" {KINDS_OF_PEOPLE_MAX} at most"
        )
        faults.append(Fault.at("/benefits", "too_many_kinds_of_people", zh, en))
    return faults


def compute_in_use(documents: Sequence[Observed], levels: Levels) -> InUse:
    """Return what documents ask for together, and until when."""
    each = [(compute_asked([one.document], levels), one.last_on) for one in documents]
    return InUse(
        thresholds=_last_days((asked.thresholds, last_on) for asked, last_on in each),
        ages=_last_days((asked.ages, last_on) for asked, last_on in each),
        honours=_last_days((asked.honours, last_on) for asked, last_on in each),
        kinds_of_people=compute_kinds(reduce(_join, (asked for asked, _ in each), Asked())),
    )


def _last_days(found: Iterable[tuple[frozenset[Value], date]]) -> tuple[tuple[Value, date], ...]:
    last: dict[Value, date] = {}
    for values, last_on in found:
        for value in values:
            last[value] = max(last_on, last.get(value, last_on))
    return tuple(sorted(last.items(), key=lambda item: str(item[0]).zfill(4)))


def _ask(benefit: Benefit, levels: Levels) -> Asked:
    edges = tuple(step.at_least for step in benefit.grant.steps) if isinstance(benefit.grant, Steps) else ()
    clauses = [clause for clause, _ in iter_leaves(benefit.eligibility, "")]
    ages = {age for clause in clauses if isinstance(clause, AgeBetween) for age in _edges_of(clause)}
    return Asked(
        thresholds=frozenset(iter_thresholds(benefit, levels)) - {0},
        ages=frozenset(age for age in ages if ADULT_AGE < age <= AGE_MAX),  # of the others nobody is on the other side
        honours=frozenset(_name_honour(clause) for clause in clauses if isinstance(clause, HasHonour)),
        answers=frozenset({(benefit.eligibility, edges, _count_answers(benefit.eligibility, edges))}),
    )


def _edges_of(clause: AgeBetween) -> Iterator[int]:
    if clause.min is not None:
        yield clause.min
    if clause.max is not None:
        yield clause.max + 1


def _name_honour(clause: HasHonour) -> Honour:
    """Name an honour with the lowest grade that counts: asked for without a grade, it is the weakest."""
    honour = CATALOGUE.honours.get(clause.honour)
    weakest = honour.grades[0] if honour is not None and honour.grades else None
    return (clause.honour, clause.grade_at_least or weakest)


def _count_answers(eligibility: Eligibility, edges: tuple[int, ...]) -> int:
    """Return how many different answers a till can get: each step, and "no benefit" where somebody may not have it."""
    is_for_all = isinstance(eligibility, Everyone) and (not edges or edges[0] == 0)
    return max(len(edges), 1) + (0 if is_for_all else 1)


def _join(one: Asked, other: Asked) -> Asked:
    return Asked(
        thresholds=one.thresholds | other.thresholds,
        ages=one.ages | other.ages,
        honours=one.honours | other.honours,
        answers=one.answers | other.answers,
    )


def _judge_distances(document: CampaignDocument, before: Asked, levels: Levels) -> Iterator[Fault]:
    """Yield a fault for each score and age that a document adds too near to another, at the benefit that adds it."""
    seen = before
    for index, benefit in enumerate(document.benefits):
        asked = _ask(benefit, levels)
        for near, new in _find_near(seen.thresholds, asked.thresholds, THRESHOLD_DISTANCE_MIN):
            zh = f"分数门槛{new}与本机构一年内使用的门槛{near}相差不足{THRESHOLD_DISTANCE_MIN}分"
            en = (
                f"threshold {new} is less than {THRESHOLD_DISTANCE_MIN} from {near}, which the institution uses or"
                f" used within a year"
            )
            yield Fault.at(f"/benefits/{index}", "thresholds_too_close", zh, en)
        for near, new in _find_near(seen.ages, asked.ages, AGE_DISTANCE_MIN):
            zh = f"年龄界限{new}岁与本机构一年内使用的{near}岁相差不足{AGE_DISTANCE_MIN}岁"
            en = (
                f"the age limit {new} is less than {AGE_DISTANCE_MIN} years from {near}, which the institution uses"
                f" or used within a year"
            )
            yield Fault.at(f"/benefits/{index}", "ages_too_close", zh, en)
        seen = _join(seen, asked)


def _find_near(before: frozenset[int], asked: frozenset[int], distance: int) -> list[tuple[int, int]]:
    """Return the pairs (other, new) that are nearer than a distance; the second of each was not asked for before."""
    whole = sorted(before | asked)
    near = [pair for pair in pairwise(whole) if pair[1] - pair[0] < distance]
    return [
        (lower, upper) if upper in asked - before else (upper, lower)
        for lower, upper in near
        if {lower, upper} & (asked - before)
    ]


def _judge_number(
    code: str, whole: frozenset[Any], before: frozenset[Any], most: int, *, zh: str, en: str
) -> list[Fault]:
    """Return a fault when there are too many and at least one of them is new."""
    if len(whole) <= most or whole == before:
        return []
    shown = ", ".join(sorted(map(_show, whole)))
    return [
        Fault(
            pointer="/benefits",
            code=code,
            zh=f"本机构一年内各措施最多使用{most}{zh}，现为：{shown}",
            en=f"an institution may use at most {most} {en} over a year, these are: {shown}",
        )
    ]


def _show(value: int | Honour) -> str:
    return str(value) if isinstance(value, int) else " ".join(filter(None, value))

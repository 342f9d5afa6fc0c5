"""The thresholds of one benefit, few and coarse, so that its answers do not read out a score. Pure.

At most five steps, rising; thresholds are multiples of 10 and at least 20 apart. A level counts as its lower edge in
the rule book in force, which need not be a multiple of 10: the rule book publishes it. Zero, which everyone reaches,
says nothing of anybody, so it may be a step and is not counted. There is no exception for published credit-line bands
(501, 601): they belong to pay-later grants, which are not in this room. What all benefits of an institution may ask for
together is judged in ``terms.observer``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from app.campaign.terms.document import Benefit
from app.campaign.terms.eligibility import AllOf, AnyOf, Eligibility, LevelAtLeast, ScoreAtLeast
from app.campaign.terms.grant import Grant, Steps
from app.score.book.document import Level
from app.values.fault import Fault

STEPS_MAX = 5
THRESHOLD_MULTIPLE = 10
THRESHOLD_DISTANCE_MIN = 20

Levels = Mapping[str, Level]  # of the rule book in force, by their codes


def judge_ladder(eligibility: Eligibility, grant: Grant, levels: Levels, pointer: str) -> list[Fault]:
    """Return what is wrong with the thresholds of one benefit."""
    faults = list(_judge_steps(grant, f"{pointer}/grant/steps"))
    typed = [
        (clause.value, f"{where}/value")
        for clause, where in iter_leaves(eligibility, f"{pointer}/eligibility")
        if isinstance(clause, ScoreAtLeast)
    ]
    if isinstance(grant, Steps):
        typed += [(step.at_least, f"{pointer}/grant/steps/{n}/atLeast") for n, step in enumerate(grant.steps)]
    for value, where in typed:
        if value % THRESHOLD_MULTIPLE:
            zh, en = f"分数门槛须为{THRESHOLD_MULTIPLE}的倍数", f"thresholds are multiples of {THRESHOLD_MULTIPLE}"
            faults.append(Fault.at(where, "threshold_not_multiple", zh, en))
    thresholds = sorted({*_eligibility_thresholds(eligibility, levels), *_step_thresholds(grant)})
    for lower, upper in pairwise(thresholds):
        if upper - lower < THRESHOLD_DISTANCE_MIN:
            zh = f"分数门槛{lower}与{upper}相差不足{THRESHOLD_DISTANCE_MIN}分"
            en = f"thresholds {lower} and {upper} are less than {THRESHOLD_DISTANCE_MIN} apart"
            faults.append(Fault.at(pointer, "thresholds_too_close", zh, en))
    return faults


def _judge_steps(grant: Grant, where: str) -> Iterator[Fault]:
    if not isinstance(grant, Steps):
        return
    if len(grant.steps) > STEPS_MAX:
        yield Fault.at(where, "too_many_steps", f"最多{STEPS_MAX}档", f"at most {STEPS_MAX} steps")
    for number, (lower, upper) in enumerate(pairwise(grant.steps), 1):
        if upper.at_least <= lower.at_least:
            zh, en = "各档分数须逐档升高", "each step must ask for more than the one before"
            yield Fault.at(f"{where}/{number}/atLeast", "steps_not_rising", zh, en)


def compute_effective_eligibility(eligibility: Eligibility, grant: Grant, levels: Levels) -> Eligibility:
    """Return the eligibility, and the first step of the grant with it unless the eligibility asks for as much.

    Without it a citizen below every step would be let in and get nothing; so they read a reason like any other.
    """
    first = min(_step_thresholds(grant), default=0)
    if first <= _compute_floor(eligibility, levels):
        return eligibility
    return AllOf(of=(eligibility, ScoreAtLeast(value=first)))


def _compute_floor(clause: Eligibility, levels: Levels) -> int:
    """Return a score that everyone who meets a clause has at least."""
    match clause:
        case AllOf():
            return max((_compute_floor(part, levels) for part in clause.of), default=0)
        case AnyOf():
            return min((_compute_floor(part, levels) for part in clause.of), default=0)
        case ScoreAtLeast() | LevelAtLeast():
            return next(_eligibility_thresholds(clause, levels), 0)
        case _:
            return 0


def iter_thresholds(benefit: Benefit, levels: Levels) -> Iterator[int]:
    """Yield the scores a benefit asks for, each as often as it does; zero may be among them."""
    yield from _eligibility_thresholds(benefit.eligibility, levels)
    yield from _step_thresholds(benefit.grant)


def _step_thresholds(grant: Grant) -> list[int]:
    return [step.at_least for step in grant.steps] if isinstance(grant, Steps) else []


def _eligibility_thresholds(eligibility: Eligibility, levels: Levels) -> Iterator[int]:
    for clause, _ in iter_leaves(eligibility, ""):
        if isinstance(clause, ScoreAtLeast):
            yield clause.value
        elif isinstance(clause, LevelAtLeast) and (level := levels.get(clause.level)) is not None:
            yield level.at_least


def iter_leaves(clause: Eligibility, where: str) -> Iterator[tuple[Eligibility, str]]:
    """Yield the clauses of a tree that hold no others, each with its JSON pointer."""
    if isinstance(clause, AllOf | AnyOf):
        for index, part in enumerate(clause.of):
            yield from iter_leaves(part, f"{where}/of/{index}")
    else:
        yield clause, where

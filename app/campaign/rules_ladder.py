"""A ladder of thresholds must not read a score: the steps of a benefit and the thresholds of an institution.

Of one benefit, eligibility and steps together: at most five steps, rising; numbers are multiples of 10; different
thresholds lie at least 20 apart. Of one institution, all campaigns that are drafted, under review or in force: at most
twelve different thresholds. A level counts as its lower edge in the rule book in force, and needs be no multiple of 10,
because the rule book publishes it. Zero, which everyone reaches, tells nothing: it may be a step and is not counted.
Published credit-line bands (501, 601) belong to pay-later grants, which are not part of this room, so nothing here is
exempt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from uuid import UUID

from app.campaign.rules_document import Benefit, CampaignDocument, parse_document
from app.campaign.rules_eligibility import AllOf, AnyOf, Eligibility, LevelAtLeast, ScoreAtLeast
from app.campaign.rules_grant import Grant, Steps
from app.campaign.rules_texts import Fault
from app.score.rules_book import Level

STEPS_MAX = 5
THRESHOLD_MULTIPLE = 10
THRESHOLD_DISTANCE_MIN = 20
INSTITUTION_THRESHOLDS_MAX = 12


def judge_ladder(eligibility: Eligibility, grant: Grant, levels: Mapping[str, Level], pointer: str) -> list[Fault]:
    """Return what is wrong with the thresholds of one benefit."""
    faults = list(_judge_steps(grant, f"{pointer}/grant/steps"))
    typed = [
        (clause.value, f"{where}/value")
        for clause, where in _leaves(eligibility, f"{pointer}/eligibility")
        if isinstance(clause, ScoreAtLeast)
    ]
    if isinstance(grant, Steps):
        typed += [(step.at_least, f"{pointer}/grant/steps/{n}/atLeast") for n, step in enumerate(grant.steps)]
    for value, where in typed:
        if value % THRESHOLD_MULTIPLE:
            zh, en = f"分数门槛须为{THRESHOLD_MULTIPLE}的倍数", f"thresholds are multiples of {THRESHOLD_MULTIPLE}"
            faults.append(Fault(pointer=where, code="threshold_not_multiple", zh=zh, en=en))
    thresholds = sorted({*_eligibility_thresholds(eligibility, levels), *_step_thresholds(grant)})
    for lower, upper in pairwise(thresholds):
        if upper - lower < THRESHOLD_DISTANCE_MIN:
            zh = f"分数门槛{lower}与{upper}相差不足{THRESHOLD_DISTANCE_MIN}分"
            en = f"thresholds {lower} and {upper} are less than {THRESHOLD_DISTANCE_MIN} apart"
            faults.append(Fault(pointer=pointer, code="thresholds_too_close", zh=zh, en=en))
    return faults


def _judge_steps(grant: Grant, where: str) -> Iterator[Fault]:
    if not isinstance(grant, Steps):
        return
    if len(grant.steps) > STEPS_MAX:
        yield Fault(pointer=where, code="too_many_steps", zh=f"最多{STEPS_MAX}档", en=f"at most {STEPS_MAX} steps")
    for number, (lower, upper) in enumerate(pairwise(grant.steps), 1):
        if upper.at_least <= lower.at_least:
            zh, en = "各档分数须逐档升高", "each step must ask for more than the one before"
            yield Fault(pointer=f"{where}/{number}/atLeast", code="steps_not_rising", zh=zh, en=en)


def judge_institution_thresholds(documents: Iterable[CampaignDocument], levels: Mapping[str, Level]) -> list[Fault]:
    """Return what is wrong with the thresholds of all campaigns of one institution together."""
    thresholds = compute_thresholds(documents, levels)
    if len(thresholds) <= INSTITUTION_THRESHOLDS_MAX:
        return []
    shown = ", ".join(map(str, thresholds))
    return [
        Fault(
            pointer="/benefits",
            code="too_many_thresholds",
            zh=f"本机构各活动最多{INSTITUTION_THRESHOLDS_MAX}个不同的分数门槛，现为：{shown}",
            en=f"an institution may use at most {INSTITUTION_THRESHOLDS_MAX} different thresholds, these are: {shown}",
        )
    ]


def compute_thresholds(documents: Iterable[CampaignDocument], levels: Mapping[str, Level]) -> list[int]:
    """Return the different thresholds of documents, rising; zero tells nothing and is left out."""
    found = {value for document in documents for benefit in document.benefits for value in _thresholds(benefit, levels)}
    return sorted(found - {0})


def compute_institution_thresholds(
    documents: Iterable[tuple[UUID, str]], levels: Mapping[str, Level]
) -> dict[UUID, list[int]]:
    """Return the different thresholds of each institution, from (institution, stored document) pairs."""
    by_institution: dict[UUID, list[CampaignDocument]] = {}
    for institution_id, text in documents:
        by_institution.setdefault(institution_id, []).append(parse_document(text))
    return {institution_id: compute_thresholds(found, levels) for institution_id, found in by_institution.items()}


def compute_effective_eligibility(eligibility: Eligibility, grant: Grant, levels: Mapping[str, Level]) -> Eligibility:
    """Return the eligibility with the first step of the grant asked for too, where it is not implied.

    So nobody is let in who stands below every step, and the reason is told like any other.
    """
    first = min(_step_thresholds(grant), default=0)
    if first <= _compute_floor(eligibility, levels):
        return eligibility
    return AllOf(of=(eligibility, ScoreAtLeast(value=first)))


def _compute_floor(clause: Eligibility, levels: Mapping[str, Level]) -> int:
    """Return a score nobody stays below who meets a clause."""
    match clause:
        case AllOf():
            return max((_compute_floor(part, levels) for part in clause.of), default=0)
        case AnyOf():
            return min((_compute_floor(part, levels) for part in clause.of), default=0)
        case ScoreAtLeast() | LevelAtLeast():
            return next(_eligibility_thresholds(clause, levels), 0)
        case _:
            return 0


def _thresholds(benefit: Benefit, levels: Mapping[str, Level]) -> Iterator[int]:
    yield from _eligibility_thresholds(benefit.eligibility, levels)
    yield from _step_thresholds(benefit.grant)


def _step_thresholds(grant: Grant) -> list[int]:
    return [step.at_least for step in grant.steps] if isinstance(grant, Steps) else []


def _eligibility_thresholds(eligibility: Eligibility, levels: Mapping[str, Level]) -> Iterator[int]:
    for clause, _ in _leaves(eligibility, ""):
        if isinstance(clause, ScoreAtLeast):
            yield clause.value
        elif isinstance(clause, LevelAtLeast) and (level := levels.get(clause.level)) is not None:
            yield level.at_least


def _leaves(clause: Eligibility, where: str) -> Iterator[tuple[Eligibility, str]]:
    if isinstance(clause, AllOf | AnyOf):
        for index, part in enumerate(clause.of):
            yield from _leaves(part, f"{where}/of/{index}")
    else:
        yield clause, where

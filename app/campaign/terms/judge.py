"""Judging eligibility: every clause that fails is named with its distance, for the citizen alone to read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec

from app.campaign.terms.eligibility import (
    AgeBetween,
    AllOf,
    AnyOf,
    Eligibility,
    Everyone,
    Facts,
    HasHonour,
    Leaf,
    LevelAtLeast,
    ScoreAtLeast,
)
from app.citizen.paper import compute_age
from app.record.catalogue import CATALOGUE
from app.values.reason import Reason


class Verdict(msgspec.Struct, frozen=True):
    """Whether a citizen may have a benefit, and every clause that fails."""

    is_eligible: bool
    reasons: tuple[Reason, ...]


ELIGIBLE = Verdict(is_eligible=True, reasons=())


def judge_eligibility(eligibility: Eligibility, facts: Facts, on: date) -> Verdict:
    """Judge one citizen on one Shanghai day; the reasons are never shown to the partner."""
    reasons = tuple(_find_failing(eligibility, facts, on))
    return Verdict(is_eligible=False, reasons=reasons) if reasons else ELIGIBLE


def _find_failing(clause: Eligibility, facts: Facts, on: date) -> Iterator[Reason]:
    if isinstance(clause, AllOf):
        for part in clause.of:
            yield from _find_failing(part, facts, on)
    elif isinstance(clause, AnyOf):
        alternatives = [tuple(_find_failing(part, facts, on)) for part in clause.of]
        if all(alternatives):
            yield _name_alternatives(alternatives)
    elif (reason := _judge_leaf(clause, facts, on)) is not None:
        yield reason


def _judge_leaf(clause: Leaf, facts: Facts, on: date) -> Reason | None:
    match clause:
        case ScoreAtLeast():
            return _judge_score(clause.value, facts)
        case LevelAtLeast():
            return _judge_level(clause.level, facts)
        case HasHonour():
            return _judge_honour(clause, facts, on)
        case AgeBetween():
            return _judge_age(clause, compute_age(facts.birth_on, on))
        case Everyone():
            return None


def _judge_score(value: int, facts: Facts) -> Reason | None:
    gap = value - facts.score
    if gap <= 0:
        return None
    return Reason(
        code="score_below",
        zh=f"需要{value}分，您是{facts.score}分，还差{gap}分",
        en=f"needs {value} points, you have {facts.score}, {_count(gap, 'point')} away",
    )


def _judge_level(code: str, facts: Facts) -> Reason | None:
    """Compare the level held with the one asked for; nobody has a level that the rule book in force does not define.

    What counts is the level stored with the score, not the score. When a new rule book comes into force, scores and
    levels in the database change at once, the levels in memory up to a second later. In between, a score is not held
    against an edge of the old book, and a level of which this process has not read yet lets nobody in.
    """
    wanted, held = facts.levels.get(code), facts.levels.get(facts.level)
    if wanted is None:
        return Reason(
            code="level_unknown",
            zh=f"需要等级{code}，现行计分规则中没有这个等级",
            en=f"needs level {code}, which the rules in force do not have",
        )
    if held is not None and held.at_least >= wanted.at_least:
        return None
    gap = wanted.at_least - facts.score
    if held is None or gap <= 0:
        return Reason(code="level_below", zh=f"需要{wanted.title_zh}", en=f"needs {wanted.title_en}")
    return Reason(
        code="level_below",
        zh=f"需要{wanted.title_zh}，您是{held.title_zh}，还差{gap}分",
        en=f"needs {wanted.title_en}, you are {held.title_en}, {_count(gap, 'point')} away",
    )


def _judge_honour(clause: HasHonour, facts: Facts, on: date) -> Reason | None:
    """Look for the honour on the day; an honour that the catalogue no longer has cannot be held."""
    honour, grade = CATALOGUE.honours.get(clause.honour), clause.grade_at_least
    if honour is None or (grade is not None and grade not in honour.grades):
        return Reason(code="honour_missing", zh=f"需要荣誉{clause.honour}", en=f"needs the honour {clause.honour}")
    rank = honour.grades.index(grade) + 1 if grade is not None else 1
    mine = [held for held in facts.honours if held.code == clause.honour and held.until >= on]
    best = max(mine, key=lambda held: held.rank, default=None)
    if best is not None and best.rank >= rank:
        return None
    zh = f"需要荣誉“{honour.title_zh}”" + (f"（等级{grade}及以上）" if grade else "")
    en = f"needs the honour “{honour.title_en}”" + (f" of grade {grade} or better" if grade else "")
    if best is None:
        return Reason(code="honour_missing", zh=f"{zh}，您目前没有", en=f"{en}, you do not hold it")
    gap = rank - best.rank
    return Reason(
        code="honour_grade_below",
        zh=f"{zh}，您是等级{best.grade}，还差{gap}级",
        en=f"{en}, yours is of grade {best.grade}, {_count(gap, 'grade')} away",
    )


def _judge_age(clause: AgeBetween, age: int) -> Reason | None:
    if clause.min is not None and age < clause.min:
        gap = clause.min - age
        return Reason(
            code="age_below",
            zh=f"需要年满{clause.min}周岁，您是{age}周岁，还差{gap}岁",
            en=f"needs the age of {clause.min}, you are {age}, {_count(gap, 'year')} away",
        )
    if clause.max is not None and age > clause.max:
        gap = age - clause.max
        return Reason(
            code="age_above",
            zh=f"需要不超过{clause.max}周岁，您是{age}周岁，超出{gap}岁",
            en=f"needs the age of {clause.max} or less, you are {age}, {_count(gap, 'year')} over",
        )
    return None


def _name_alternatives(alternatives: list[tuple[Reason, ...]]) -> Reason:
    """Name every alternative of a failed ``any``; what one alternative asks for together is joined by 且."""
    if len(alternatives) == 1 and len(alternatives[0]) == 1:
        return alternatives[0][0]
    zh = "；或".join("，且".join(reason.zh for reason in each) for each in alternatives)
    en = "; or ".join(" and ".join(reason.en for reason in each) for each in alternatives)
    return Reason(code="no_alternative_met", zh=f"满足以下任一条件即可：{zh}", en=f"any one of these will do: {en}")


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"

"""What a rule says, in one sentence a person can read, in both languages. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from app.score.book.document import Dimension, Kind, RuleBook, RuleIndicator, Value

Language = Literal["zh", "en"]
Describe = Callable[[RuleIndicator], str]


def describe_clause(indicator: RuleIndicator, language: Language) -> str:
    """Cite an indicator: its number and title, what it gives, and every limit that applies to it."""
    if language == "zh":
        parts = (POINTS_ZH[indicator.kind](indicator), *_limits_zh(indicator))
        return f"{indicator.clause} {indicator.title_zh}：{'；'.join(parts)}"
    parts = (POINTS_EN[indicator.kind](indicator), *_limits_en(indicator))
    return f"{indicator.clause} {indicator.title_en}: {'; '.join(parts)}"


def _first(indicator: RuleIndicator) -> Value:
    return indicator.values[0]


def _grade_zh(value: Value) -> str:
    ceiling = "" if value.ceiling is None else f"且总分不高于{value.ceiling}分"
    return f"{value.grade}级{value.points:+d}分{ceiling}"


def _grade_en(value: Value) -> str:
    ceiling = "" if value.ceiling is None else f" and at most {value.ceiling} in all"
    return f"grade {value.grade} {value.points:+d}{ceiling}"


POINTS_ZH: Mapping[Kind, Describe] = {
    "flat": lambda i: f"每次{_first(i).points:+d}分",
    "graded": lambda i: "、".join(_grade_zh(value) for value in i.values),
    "ladder": lambda i: "同一自然年累计" + "、".join(f"满{v.at_least}计{v.points:+d}分" for v in i.values),
    "state": lambda i: f"存续期间{_first(i).points:+d}分",
    "clean": lambda i: "、".join(f"满{v.at_least}个月{v.points:+d}分" for v in i.values),
    "ceiling": lambda i: f"存续期间{_first(i).points:+d}分且总分不高于{_first(i).ceiling}分",
}
POINTS_EN: Mapping[Kind, Describe] = {
    "flat": lambda i: f"{_first(i).points:+d} each time",
    "graded": lambda i: ", ".join(_grade_en(value) for value in i.values),
    "ladder": lambda i: "in a calendar year " + ", ".join(f"from {v.at_least} {v.points:+d}" for v in i.values),
    "state": lambda i: f"{_first(i).points:+d} while it lasts",
    "clean": lambda i: ", ".join(f"after {v.at_least} months {v.points:+d}" for v in i.values),
    "ceiling": lambda i: f"{_first(i).points:+d} and at most {_first(i).ceiling} in all while it lasts",
}


def _validities(indicator: RuleIndicator) -> dict[int, list[str]]:
    """Return the grades by their validity in months; nothing for what lasts as long as it lasts."""
    found: dict[int, list[str]] = {}
    if indicator.kind in ("flat", "graded", "ladder"):
        for value in indicator.values if indicator.kind == "graded" else indicator.values[:1]:
            months = value.validity_months or indicator.validity_months
            if months is not None:
                found.setdefault(months, []).append(value.grade or "")
    return found


def _minor(indicator: RuleIndicator) -> list[str]:
    """Return which grades are minor (轻微); of an indicator without grades, one empty text when it is minor."""
    minor = [value for value in indicator.values if (value.severity or indicator.severity) == "minor"]
    return [value.grade or "" for value in (minor if indicator.kind == "graded" else minor[:1])]


def _limits_zh(indicator: RuleIndicator) -> list[str]:
    validities = _validities(indicator)
    is_state = indicator.kind in ("state", "ceiling")
    limits = [
        f"{'、'.join(grades) + '级' if len(validities) > 1 else ''}自发生之日起{months}个月内有效"
        for months, grades in validities.items()
    ]
    if indicator.annual_cap is not None:
        limits.append(f"{'' if is_state else '同一自然年'}合计不超过{indicator.annual_cap:+d}分")
    if indicator.doubles:
        limits.append("有效期内再次发生的加倍")
    if indicator.exclusive_group is not None:
        limits.append(f"同组（{indicator.exclusive_group}）只计最强的一项")
    if indicator.supersedes:
        limits.append(f"取代{'、'.join(indicator.supersedes)}")
    if indicator.consent == "separate":
        limits.append("须本人单独同意")
    if minor := _minor(indicator):
        limits.append(f"{'、'.join(minor) + '级' if any(minor) else ''}轻微，不计分")
    return limits


def _limits_en(indicator: RuleIndicator) -> list[str]:
    validities = _validities(indicator)
    is_state = indicator.kind in ("state", "ceiling")
    limits = [
        f"{'grade ' + ', '.join(grades) + ' ' if len(validities) > 1 else ''}valid for {months} months from the event"
        for months, grades in validities.items()
    ]
    if indicator.annual_cap is not None:
        limits.append(f"at most {indicator.annual_cap:+d} in {'all' if is_state else 'one calendar year'}")
    if indicator.doubles:
        limits.append("a repeat within validity counts twice")
    if indicator.exclusive_group is not None:
        limits.append(f"of the group {indicator.exclusive_group} only the strongest counts")
    if indicator.supersedes:
        limits.append(f"replaces {', '.join(indicator.supersedes)}")
    if indicator.consent == "separate":
        limits.append("only with the citizen's separate consent")
    if minor := _minor(indicator):
        limits.append(f"{'grade ' + ', '.join(minor) + ' is ' if any(minor) else ''}minor: scores nothing")
    return limits


def describe_reading(book: RuleBook) -> list[tuple[str, str]]:
    """Say step by step how a score is computed by a rule book, in Chinese and English."""
    base = book.scale.base
    steps = [
        (
            f"从基础分{base}分起。只看本人在计分之日有效的记录；每条记录按其指标的条款计分（见指标各条），并适用计分规则各条。",
            f"Begin with {base}. Only your own records in force on the day count, each by its indicator's clause.",
        ),
        (
            "每个指标的分值之和先受其年度上限约束，再按维度合计。",
            "The points of an indicator are held to its annual cap first, then added up by dimension.",
        ),
        *(_describe_dimension(dimension) for dimension in book.dimensions),
        (
            f"基础分与各维度分相加，{_between_zh(book.scale.min, book.scale.max)}。",
            f"Base and dimensions are added up, {_between_en(book.scale.min, book.scale.max)}.",
        ),
        (
            "有最高限分的记录存续期间，总分不高于其中最低的限分。",
            "While a record with a ceiling lasts, the lowest ceiling is the most the whole score can be.",
        ),
    ]
    levels_zh = "；".join(f"{level.code} {level.title_zh}：{level.at_least}分以上" for level in book.levels)
    levels_en = "; ".join(f"{level.code} {level.title_en}: from {level.at_least}" for level in book.levels)
    return [*steps, (f"等级（含下限）：{levels_zh}。", f"Levels, edges included: {levels_en}.")]


def _describe_dimension(dimension: Dimension) -> tuple[str, str]:
    return (
        f"“{dimension.title_zh}”（{dimension.code}）合计{_between_zh(dimension.floor, dimension.cap)}。",
        f"“{dimension.title_en}” ({dimension.code}) adds up {_between_en(dimension.floor, dimension.cap)}.",
    )


def _between_zh(floor: int | None, cap: int | None) -> str:
    if floor is None and cap is None:
        return "不设上下限"
    if floor is None:
        return f"最高{cap}分"
    return f"最低{floor}分" if cap is None else f"最低{floor}分、最高{cap}分"


def _between_en(floor: int | None, cap: int | None) -> str:
    if floor is None and cap is None:
        return "without limits"
    if floor is None:
        return f"to {cap} at most"
    return f"to {floor} at least" if cap is None else f"to between {floor} and {cap}"

"""Whether a rule book pulls the right way: one more record against somebody never raises a score. Pure.

Points have the sign of their indicator in the catalogue and fit their dimension. What displaces another record
(exclusive groups, superseding) must weigh at least as much, in the same dimension and without a cap of its own that may
be full already: otherwise one more record against somebody would take a heavier one away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.record.catalogue import Catalogue
from app.score.book.document import Dimension, RuleBook, RuleIndicator, Value
from app.values.fault import Fault

REPEAT_FACTOR = 2  # an indicator that doubles counts twice from its second record on


def iter_direction_faults(book: RuleBook, catalogue: Catalogue) -> Iterator[Fault]:
    """Yield where indicators pull the wrong way, or displace what they must not."""
    dimensions = {dimension.code: dimension for dimension in book.dimensions}
    for index, dimension in enumerate(book.dimensions):
        yield from _iter_cap_faults(dimension, f"/dimensions/{index}")
    for index, indicator in enumerate(book.indicators):
        yield from _iter_sign_faults(indicator, catalogue, dimensions, f"/indicators/{index}")
    yield from _iter_group_faults(book)
    yield from _iter_superseding_faults(book)


def takes(indicator: RuleIndicator) -> bool:
    """Whether an indicator is against somebody: it takes points, or bounds the whole score."""
    return any(value.points < 0 or value.ceiling is not None for value in indicator.values)


def _iter_cap_faults(dimension: Dimension, at: str) -> Iterator[Fault]:
    """Yield where a dimension without any records would be worth something."""
    if dimension.cap is not None and dimension.cap < 0:
        yield Fault.at(f"{at}/cap", "dimension_cap_sign_wrong", "维度上限不得为负", "the cap must not be negative")
    if dimension.floor is not None and dimension.floor > 0:
        yield Fault.at(
            f"{at}/floor", "dimension_floor_sign_wrong", "维度下限不得为正", "the floor must not be positive"
        )


def _iter_sign_faults(
    indicator: RuleIndicator, catalogue: Catalogue, dimensions: Mapping[str, Dimension], at: str
) -> Iterator[Fault]:
    listed, dimension = catalogue.indicators.get(indicator.code), dimensions.get(indicator.dimension)
    has_plus, is_against = any(value.points > 0 for value in indicator.values), takes(indicator)
    place = f"{at}/values"
    if listed is not None and listed.effect == "takes" and has_plus:
        yield Fault.at(place, "effect_contradicted", "失信类指标不得加分", "what is against somebody gives no points")
    if listed is not None and listed.effect == "gives" and is_against:
        yield Fault.at(place, "effect_contradicted", "守信类指标不得减分或限分", "what is good takes no points")
    if dimension is None:
        return
    if has_plus and (dimension.breaks_good_faith or dimension.cap == 0):
        zh, en = f"维度{dimension.code}只减分，不得加分", f"dimension {dimension.code} only takes points"
        yield Fault.at(place, "points_sign_wrong", zh, en)
    if is_against and dimension.floor == 0:
        zh, en = f"维度{dimension.code}只加分，不得减分", f"dimension {dimension.code} only gives points"
        yield Fault.at(place, "points_sign_wrong", zh, en)


def _iter_group_faults(book: RuleBook) -> Iterator[Fault]:
    groups: dict[str, list[tuple[int, RuleIndicator]]] = {}
    for index, indicator in enumerate(book.indicators):
        if indicator.exclusive_group is not None:
            groups.setdefault(indicator.exclusive_group, []).append((index, indicator))
    for members in groups.values():
        first = next((one for _, one in members if not _is_neutral(one)), members[0][1])
        for index, indicator in members:
            at = f"/indicators/{index}"
            if takes(indicator) != takes(first) and not _is_neutral(indicator):
                zh, en = "同一互斥组不得既加分又减分", "an exclusive group both gives and takes"
                yield Fault.at(f"{at}/exclusiveGroup", "group_signs_mixed", zh, en)
            if indicator.dimension != first.dimension:
                zh, en = "同一互斥组的指标须属同一维度", "an exclusive group stands in one dimension"
                yield Fault.at(f"{at}/exclusiveGroup", "group_dimensions_mixed", zh, en)
            if takes(indicator) and indicator.annual_cap is not None:
                zh, en = "互斥组中的减分指标不设年度上限", "what takes points in an exclusive group has no annual cap"
                yield Fault.at(f"{at}/annualCap", "group_member_capped", zh, en)
        yield from _iter_ceiling_faults(members)


def _iter_ceiling_faults(members: list[tuple[int, RuleIndicator]]) -> Iterator[Fault]:
    """Yield where a ceiling would be displaced: of a group the strongest counts alone, so it must have the ceiling."""
    values = [(index, indicator, value) for index, indicator in members for value in indicator.values]
    for index, _, value in values:
        if value.ceiling is None:
            continue
        for _, other, rival in values:
            milder = rival.ceiling is None or rival.ceiling > value.ceiling
            if rival is not value and milder and _weight(other, rival) >= abs(value.points):
                zh = f"带最高限分的指标须是同一互斥组中最重的，{other.code}不比它轻"
                en = f"what has a ceiling must be the strongest of its group, and {other.code} is not weaker"
                yield Fault.at(f"/indicators/{index}/values", "ceiling_displaced", zh, en)
                break


def _iter_superseding_faults(book: RuleBook) -> Iterator[Fault]:
    by_code = {indicator.code: indicator for indicator in book.indicators}
    for index, indicator in enumerate(book.indicators):
        at = f"/indicators/{index}/supersedes"
        if len(set(indicator.supersedes)) != len(indicator.supersedes):
            yield Fault.at(at, "supersedes_twice", "取代的指标重复", "it supersedes the same twice")
        for code in dict.fromkeys(indicator.supersedes):
            weaker = by_code.get(code)
            if weaker is None or weaker is indicator:
                continue  # an unknown reference is a fault of its own, found elsewhere
            if indicator.code in weaker.supersedes:
                zh, en = f"与{code}互相取代", f"it and {code} supersede each other"
                yield Fault.at(at, "supersedes_cycle", zh, en)
            elif missing := [further for further in weaker.supersedes if further not in indicator.supersedes]:
                zh = f"取代{code}，须一并写明{code}所取代的{'、'.join(missing)}"
                en = f"it supersedes {code}, so it must name what that supersedes: {', '.join(missing)}"
                yield Fault.at(at, "supersedes_chain_open", zh, en)
            yield from _iter_weaker_faults(indicator, weaker, at)


def _iter_weaker_faults(indicator: RuleIndicator, weaker: RuleIndicator, at: str) -> Iterator[Fault]:
    """Yield why one indicator may not take the place of another one."""
    if takes(indicator) != takes(weaker) or indicator.dimension != weaker.dimension:
        zh, en = f"与{weaker.code}不同维度或加减不同", f"{weaker.code} is of another dimension or sign"
        yield Fault.at(at, "supersedes_another_kind", zh, en)
        return
    if weaker.kind in ("flat", "graded", "clean") or weaker.adds_up:
        zh = f"{weaker.code}的多条记录分别计分，不能被取代"
        en = f"several records of {weaker.code} count, so it cannot be superseded"
        yield Fault.at(at, "superseded_counts_often", zh, en)
    if indicator.annual_cap is not None and takes(indicator):
        zh, en = "设年度上限的减分指标不能取代其他指标", "what takes points up to an annual cap supersedes nothing"
        yield Fault.at(at, "superseder_capped", zh, en)
    mildest = min(abs(value.points) for value in indicator.values)
    if mildest < max(_weight(weaker, value) for value in weaker.values) or _loosens(indicator, weaker):
        zh, en = f"取代须更重，{weaker.code}比它重", f"{weaker.code} weighs more than what supersedes it"
        yield Fault.at(at, "superseder_weaker", zh, en)


def _is_neutral(indicator: RuleIndicator) -> bool:
    """Whether an indicator counts for nothing either way: it displaces nothing."""
    return not any(value.points or value.ceiling is not None for value in indicator.values)


def _loosens(indicator: RuleIndicator, weaker: RuleIndicator) -> bool:
    """Whether a ceiling would be lifted or raised when one indicator takes the place of another one."""
    lowest = min((value.ceiling for value in weaker.values if value.ceiling is not None), default=None)
    return lowest is not None and any(value.ceiling is None or value.ceiling > lowest for value in indicator.values)


def _weight(indicator: RuleIndicator, value: Value) -> int:
    return abs(value.points) * (REPEAT_FACTOR if indicator.doubles else 1)

"""Whether a rule book may be stored: the closed lists hold, and it says one thing about every record. Pure.

What is stored was judged by the rules of its day and is only read from then on (``read_stored_book``): a rule that was
made stricter since must not stop a city whose book is in force.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from app.record.catalogue import Catalogue, CatalogueWrong, check_topic
from app.score.book.direction import iter_direction_faults
from app.score.book.document import MONTHS_MAX, RuleBook, RuleIndicator, Value
from app.values.fault import Fault

MEASURES = {
    "flat": "act", "graded": "grade", "ladder": "quantity", "state": "state", "clean": "computed", "ceiling": "state",
}  # fmt: skip


class RuleBookWrong(Exception):  # noqa: N818 - it says what is true, like every refusal
    """The document cannot be a rule book; ``faults`` say where and why."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.pointer}: {fault.en}" for fault in faults))
        self.faults = faults


def parse_rule_book(document: bytes | str, catalogue: Catalogue) -> RuleBook:
    """Read a rule book; refuse one that names a denied or unlisted topic, or contradicts itself or the catalogue."""
    return _parse(document, catalogue, iter_faults)


def parse_book_in_force(document: bytes, catalogue: Catalogue) -> RuleBook:
    """Read a rule book that was published, maybe years ago; whether it pulls the right way was judged then."""
    return _parse(document, catalogue, iter_term_faults)


def _parse(
    document: bytes | str, catalogue: Catalogue, judge: Callable[[RuleBook, Catalogue], Iterator[Fault]]
) -> RuleBook:
    try:
        book = msgspec.json.decode(document, type=RuleBook)
    except msgspec.DecodeError as error:
        raise RuleBookWrong([Fault.at("", "invalid", "不是计分规则文档", str(error))]) from error
    if faults := list(judge(book, catalogue)):
        raise RuleBookWrong(faults)
    return book


def read_stored_book(document: str) -> RuleBook:
    """Read a rule book of the database without judging it: it was judged when it was stored."""
    return msgspec.json.decode(document, type=RuleBook)


def iter_faults(book: RuleBook, catalogue: Catalogue) -> Iterator[Fault]:
    """Yield what is wrong with a rule book that is about to be stored."""
    yield from iter_term_faults(book, catalogue)
    yield from iter_direction_faults(book, catalogue)


def iter_term_faults(book: RuleBook, catalogue: Catalogue) -> Iterator[Fault]:
    """Yield where a rule book leaves the closed lists or contradicts itself; no book ever in force may do that."""
    yield from _iter_frame_faults(book)
    codes = {indicator.code for indicator in book.indicators}
    dimensions = {dimension.code for dimension in book.dimensions}
    clauses: set[str] = set()
    for index, indicator in enumerate(book.indicators):
        at = f"/indicators/{index}"
        yield from _iter_list_faults(indicator, catalogue, at)
        yield from _iter_shape_faults(indicator, at)
        if indicator.dimension not in dimensions:
            zh, en = f"没有维度{indicator.dimension}", f"dimension {indicator.dimension} is unknown"
            yield Fault.at(f"{at}/dimension", "dimension_unknown", zh, en)
        if not codes - {indicator.code} >= set(indicator.supersedes):
            zh, en = "取代的指标不在规则中，或是其本身", "it supersedes what is not in the book, or itself"
            yield Fault.at(f"{at}/supersedes", "supersedes_unknown", zh, en)
        if indicator.clause in clauses:
            yield Fault.at(f"{at}/clause", "clause_twice", "条款号重复", "a clause stands twice")
        clauses.add(indicator.clause)


def _iter_frame_faults(book: RuleBook) -> Iterator[Fault]:
    scale, edges = book.scale, [level.at_least for level in book.levels]
    for name in ("dimensions", "levels", "indicators"):
        codes = [part.code for part in getattr(book, name)]
        if len(codes) != len(set(codes)):
            yield Fault.at(f"/{name}", "code_twice", "代码重复", "a code stands twice")
    if edges != sorted(set(edges)):
        yield Fault.at("/levels", "levels_fall", "等级下限须逐级升高", "their edges do not rise")
    if scale.min is not None and (scale.min > scale.base or scale.min != edges[0]):
        zh, en = (
            "基础分低于下限，或首个等级不从下限开始",
            "the base lies below it, or the first level does not begin with it",
        )
        yield Fault.at("/scale/min", "scale_min_wrong", zh, en)
    if scale.max is not None and (scale.max < scale.base or scale.max < edges[-1]):
        zh, en = "基础分或某个等级高于上限", "the base or a level lies above it"
        yield Fault.at("/scale/max", "scale_max_wrong", zh, en)
    for index, dimension in enumerate(book.dimensions):
        if dimension.floor is not None and dimension.cap is not None and dimension.floor > dimension.cap:
            zh, en = "维度下限高于上限", "the floor lies above the cap"
            yield Fault.at(f"/dimensions/{index}/floor", "floor_above_cap", zh, en)
    for index, indicator in enumerate(book.indicators):
        if any(v.ceiling is not None and scale.min is not None and v.ceiling < scale.min for v in indicator.values):
            zh, en = "最高限分低于分值下限", "the ceiling lies below the scale"
            yield Fault.at(f"/indicators/{index}/values", "ceiling_below_scale", zh, en)


def _iter_list_faults(indicator: RuleIndicator, catalogue: Catalogue, at: str) -> Iterator[Fault]:
    """Yield where an indicator leaves the closed lists."""
    try:
        check_topic(indicator.code, indicator.topic, catalogue.topics)
    except CatalogueWrong as error:
        yield _fault_of_topic(indicator.topic, catalogue, at, str(error))
    listed = catalogue.indicators.get(indicator.code)
    if listed is None:
        yield Fault.at(f"{at}/code", "indicator_unknown", "指标不在目录中", "it is not in the catalogue")
        return
    if listed.topic != indicator.topic:
        zh, en = f"目录中该指标的主题是{listed.topic}", f"its topic is {listed.topic}, not {indicator.topic}"
        yield Fault.at(f"{at}/topic", "topic_differs", zh, en)
    if listed.measure != MEASURES[indicator.kind]:
        en = f"a record of it is a {listed.measure}, which cannot count as {indicator.kind}"
        zh = f"该指标的记录类别是{listed.measure}，不能按{indicator.kind}计分"
        yield Fault.at(f"{at}/kind", "kind_impossible", zh, en)
    if not set(listed.grades) >= {value.grade for value in indicator.values if value.grade is not None}:
        zh, en = "有目录中没有的等级", "it has grades that are not in the catalogue"
        yield Fault.at(f"{at}/values", "grade_unknown", zh, en)


def _fault_of_topic(code: str, catalogue: Catalogue, at: str, en: str) -> Fault:
    topic = catalogue.topics.get(code)
    if topic is None:
        return Fault.at(f"{at}/topic", "topic_unknown", "主题不在目录内", en)
    return Fault.at(f"{at}/topic", "topic_denied", f"“{topic.title_zh}”属于禁止纳入的事项", en)


def _iter_shape_faults(indicator: RuleIndicator, at: str) -> Iterator[Fault]:
    """Yield where an indicator's values do not fit its kind."""
    values, kind, place = indicator.values, indicator.kind, f"{at}/values"
    grades = [value.grade for value in values if value.grade is not None]
    if len(grades) != (len(values) if kind == "graded" else 0) or len(set(grades)) != len(grades):
        yield Fault.at(place, "grades_wrong", "等级与指标类别不符，或重复", "its grades do not fit")
    if kind in ("ladder", "clean"):
        yield from _iter_rung_faults(indicator, place)
    elif any(value.at_least is not None for value in values):
        yield Fault.at(place, "rungs_needless", "只有阶梯类指标分档", "only a ladder has rungs")
    if kind in ("flat", "state", "ceiling") and len(values) > 1:
        yield Fault.at(place, "values_too_many", "该类指标只有一个分值", "it has more than one value")
    if kind == "ceiling" and values[0].ceiling is None:
        yield Fault.at(place, "ceiling_missing", "缺少最高限分", "the ceiling is missing")
    if len({value.points > 0 for value in values if value.points}) > 1:
        yield Fault.at(place, "signs_mixed", "同一指标不得既加分又减分", "it both gives and takes")
    yield from _iter_modifier_faults(indicator, at)


def _iter_rung_faults(indicator: RuleIndicator, place: str) -> Iterator[Fault]:
    rungs: tuple[Value, ...] = indicator.values
    edges = [-1 if rung.at_least is None else rung.at_least for rung in rungs]
    strengths = [abs(rung.points) for rung in rungs]
    if edges != sorted(set(edges)) or edges[0] < 0 or strengths != sorted(strengths):
        yield Fault.at(place, "rungs_fall", "各档的下限和分值须逐档升高", "its rungs do not rise")
    if indicator.kind == "clean" and edges[-1] > MONTHS_MAX:
        zh, en = f"月数最多{MONTHS_MAX}", f"at most {MONTHS_MAX} months"
        yield Fault.at(place, "months_too_many", zh, en)
    if any(rung.ceiling is not None or rung.validity_months or rung.severity for rung in rungs):
        yield Fault.at(place, "rung_says_more", "一档只有分值", "a rung has nothing but points")


def _iter_modifier_faults(indicator: RuleIndicator, at: str) -> Iterator[Fault]:
    if indicator.annual_cap is not None and any(v.points * indicator.annual_cap <= 0 for v in indicator.values):
        yield Fault.at(f"{at}/annualCap", "cap_sign_wrong", "年度上限的正负号不对", "the annual cap has the wrong sign")
    if indicator.annual_cap is not None and indicator.kind == "clean":
        zh, en = "守信年限不设年度上限", "months of good faith have no annual cap"
        yield Fault.at(f"{at}/annualCap", "annual_cap_needless", zh, en)
    if indicator.doubles and indicator.kind not in ("flat", "graded"):
        yield Fault.at(f"{at}/doubles", "doubles_wrong", "只有行为类指标加倍", "only acts double")
    if indicator.adds_up and indicator.kind != "state":
        yield Fault.at(f"{at}/addsUp", "adds_up_wrong", "只有状态类指标累加", "only states add up")

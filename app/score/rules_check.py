"""Whether a rule book may be loaded: the closed lists hold, and it says one thing about every record. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from app.record.rules import Catalogue, CatalogueWrong, check_topic
from app.score.rules_book import RuleBook, RuleIndicator, Value

MEASURES = {
    "flat": "act", "graded": "grade", "ladder": "quantity", "state": "state", "clean": "computed", "ceiling": "state",
}  # fmt: skip


class RuleBookWrong(Exception):  # noqa: N818 - it says what is true, like every refusal
    """The document cannot be a rule book; ``faults`` says why, one sentence each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def parse_rule_book(document: bytes | str, catalogue: Catalogue) -> RuleBook:
    """Read a rule book; refuse one that names a denied or unlisted topic, or contradicts itself or the catalogue."""
    try:
        book = msgspec.json.decode(document, type=RuleBook)
    except msgspec.DecodeError as error:
        raise RuleBookWrong([str(error)]) from error
    if faults := list(iter_faults(book, catalogue)):
        raise RuleBookWrong(faults)
    return book


def iter_faults(book: RuleBook, catalogue: Catalogue) -> Iterator[str]:
    """Yield what is wrong with a rule book."""
    yield from _iter_frame_faults(book)
    codes = {indicator.code for indicator in book.indicators}
    for indicator in book.indicators:
        for fault in (*_iter_list_faults(indicator, catalogue), *_iter_shape_faults(indicator)):
            yield f"{indicator.code}: {fault}"
        if indicator.dimension not in {dimension.code for dimension in book.dimensions}:
            yield f"{indicator.code}: dimension {indicator.dimension} is unknown"
        if not codes - {indicator.code} >= set(indicator.supersedes):
            yield f"{indicator.code}: it supersedes what is not in the book, or itself"


def _iter_frame_faults(book: RuleBook) -> Iterator[str]:
    scale, edges = book.scale, [level.at_least for level in book.levels]
    for name in ("dimensions", "levels", "indicators"):
        codes = [part.code for part in getattr(book, name)]
        if len(codes) != len(set(codes)):
            yield f"{name}: a code stands twice"
    if edges != sorted(set(edges)):
        yield "levels: their edges do not rise"
    if scale.min is not None and (scale.min > scale.base or scale.min != edges[0]):
        yield "scale: the base lies below it, or the first level does not begin with it"
    if scale.max is not None and (scale.max < scale.base or scale.max < edges[-1]):
        yield "scale: the base or a level lies above it"
    for dimension in book.dimensions:
        if dimension.floor is not None and dimension.cap is not None and dimension.floor > dimension.cap:
            yield f"{dimension.code}: the floor lies above the cap"
    for indicator in book.indicators:
        if any(v.ceiling is not None and scale.min is not None and v.ceiling < scale.min for v in indicator.values):
            yield f"{indicator.code}: the ceiling lies below the scale"


def _iter_list_faults(indicator: RuleIndicator, catalogue: Catalogue) -> Iterator[str]:
    """Yield where an indicator leaves the closed lists."""
    try:
        check_topic(indicator.code, indicator.topic, catalogue.topics)
    except CatalogueWrong as error:
        yield str(error)
    listed = catalogue.indicators.get(indicator.code)
    if listed is None:
        yield "it is not in the catalogue"
        return
    if listed.topic != indicator.topic:
        yield f"its topic is {listed.topic}, not {indicator.topic}"
    if listed.measure != MEASURES[indicator.kind]:
        yield f"a record of it is a {listed.measure}, which cannot count as {indicator.kind}"
    if not set(listed.grades) >= {value.grade for value in indicator.values if value.grade is not None}:
        yield "it has grades that are not in the catalogue"


def _iter_shape_faults(indicator: RuleIndicator) -> Iterator[str]:
    """Yield where an indicator's values do not fit its kind."""
    values, kind = indicator.values, indicator.kind
    grades = [value.grade for value in values if value.grade is not None]
    if len(grades) != (len(values) if kind == "graded" else 0) or len(set(grades)) != len(grades):
        yield "its grades do not fit"
    if kind in ("ladder", "clean"):
        yield from _iter_rung_faults(values)
    elif any(value.at_least is not None for value in values):
        yield "only a ladder has rungs"
    if kind in ("flat", "state", "ceiling") and len(values) > 1:
        yield "it has more than one value"
    if kind == "ceiling" and values[0].ceiling is None:
        yield "the ceiling is missing"
    if len({value.points > 0 for value in values if value.points}) > 1:
        yield "it both gives and takes"
    yield from _iter_modifier_faults(indicator)


def _iter_rung_faults(rungs: tuple[Value, ...]) -> Iterator[str]:
    edges = [-1 if rung.at_least is None else rung.at_least for rung in rungs]
    strengths = [abs(rung.points) for rung in rungs]
    if edges != sorted(set(edges)) or edges[0] < 0 or strengths != sorted(strengths):
        yield "its rungs do not rise"
    if any(rung.ceiling is not None or rung.validity_months or rung.severity for rung in rungs):
        yield "a rung has nothing but points"


def _iter_modifier_faults(indicator: RuleIndicator) -> Iterator[str]:
    if indicator.annual_cap is not None and any(v.points * indicator.annual_cap <= 0 for v in indicator.values):
        yield "the annual cap has the wrong sign"
    if indicator.doubles and indicator.kind not in ("flat", "graded"):
        yield "only acts double"
    if indicator.adds_up and indicator.kind != "state":
        yield "only states add up"

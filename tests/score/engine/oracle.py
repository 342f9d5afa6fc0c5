"""The engine once more, in plain Python and another shape: loops over lists, one rule after the other.

Only tests use it; the application has one engine, in SQL. Written from the published engine rules, not from the SQL.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from uuid import UUID

import msgspec

from app.score.book.document import RuleBook, RuleIndicator, Value

COMES_OF_AGE = 18
DAY = timedelta(days=1)


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A record as the engine meets it."""

    id: UUID
    indicator: str
    event_on: date
    ends_on: date | None = None
    grade: str | None = None
    quantity: int | None = None
    act_id: str | None = None
    state: str = "active"


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A contribution."""

    indicator: str
    records: tuple[UUID, ...]
    points: int
    until: date | None
    is_repeat: bool = False


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """An adjustment."""

    code: str
    subject: str
    year: int | None
    points: int


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer."""

    value: int
    given: frozenset[Given]
    taken: tuple[Taken, ...]


class _Item(msgspec.Struct, kw_only=True):
    """A record, or a bundle of records, on its way through the rules."""

    indicator: RuleIndicator
    records: list[Fact]
    points: int
    until: date | None
    ceiling: int | None
    is_repeat: bool = False

    @property
    def year(self) -> int | None:
        return None if self.indicator.kind in ("state", "ceiling") else self.records[0].event_on.year


def add_months(day: date, months: int) -> date:
    """Return the day of the same number, or the last of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def compute_adult_on(birth_on: date) -> date:
    """Return the eighteenth birthday; 1 March for those born on 29 February."""
    if (birth_on.month, birth_on.day) == (2, 29):
        return date(birth_on.year + COMES_OF_AGE, 3, 1)
    return birth_on.replace(year=birth_on.year + COMES_OF_AGE)


def judge(book: RuleBook, records: Iterable[Fact], *, birth_on: date, day: date, consents: Iterable[str]) -> Judged:
    """Score one history."""
    adult_on = compute_adult_on(birth_on)
    usable = _usable(book, records, adult_on, set(consents))
    items = [item for item in usable if _is_in_force(item, day)]
    items = _one_per_act(items)
    _double(items)
    items = _only_strongest(_bundle(items))
    items = _without_superseded(items)
    given = [
        Given(
            indicator=item.indicator.code,
            records=tuple(record.id for record in item.records),
            points=item.points,
            until=item.until,
            is_repeat=item.is_repeat,
        )
        for item in items
    ]
    faith = _good_faith(book, usable, adult_on, day)
    taken: list[Taken] = []
    by_dimension: defaultdict[str, int] = defaultdict(int)
    for one in [*given, *faith]:
        by_dimension[book.indicator(one.indicator).dimension] += one.points
    for cap in _annual_caps(items):
        taken.append(cap)
        by_dimension[book.indicator(cap.subject).dimension] += cap.points
    value = _total(book, by_dimension, taken)
    ceilings = [item.ceiling for item in items if item.ceiling is not None]
    if ceilings and min(ceilings) < value:
        taken.append(Taken(code="ceiling", subject=str(min(ceilings)), year=None, points=min(ceilings) - value))
        value = min(ceilings)
    return Judged(value=value, given=frozenset((*given, *faith)), taken=tuple(taken))


def _usable(book: RuleBook, records: Iterable[Fact], adult_on: date, consents: set[str]) -> list[_Item]:
    """Rules 3, 4, 5 and 8: whatever can count on some day."""
    indicators = {indicator.code: indicator for indicator in book.indicators}
    found: list[_Item] = []
    for record in records:
        indicator = indicators.get(record.indicator)
        if indicator is None or indicator.kind == "clean" or record.state != "active" or record.event_on < adult_on:
            continue
        if indicator.consent == "separate" and indicator.code.lower() not in consents:
            continue
        value = _value(indicator, record)
        if value is None or (value.severity or indicator.severity) == "minor":
            continue
        until = _until(indicator, value, record)
        if until is not None and until < record.event_on:
            continue
        points = _rung(indicator, record.quantity or 0) if indicator.kind == "ladder" else value.points
        found.append(_Item(indicator=indicator, records=[record], points=points, until=until, ceiling=value.ceiling))
    return found


def _value(indicator: RuleIndicator, record: Fact) -> Value | None:
    if indicator.kind != "graded":
        return indicator.values[0]
    return next((value for value in indicator.values if value.grade == record.grade), None)


def _until(indicator: RuleIndicator, value: Value, record: Fact) -> date | None:
    if indicator.kind in ("state", "ceiling"):
        return record.ends_on - DAY if record.ends_on else None
    months = value.validity_months or indicator.validity_months
    return None if months is None else add_months(record.ends_on or record.event_on, months)


def _rung(indicator: RuleIndicator, quantity: int) -> int:
    reached = [value.points for value in indicator.values if (value.at_least or 0) <= quantity]
    return reached[-1] if reached else 0


def _is_in_force(item: _Item, day: date) -> bool:
    return item.records[0].event_on <= day and (item.until is None or day <= item.until)


def _one_per_act(items: list[_Item]) -> list[_Item]:
    """Rule 1."""
    acts: defaultdict[str, list[_Item]] = defaultdict(list)
    for item in items:
        acts[item.records[0].act_id or f"alone {item.records[0].id}"].append(item)

    def strength(item: _Item) -> tuple[object, ...]:
        record = item.records[0]
        quantity = -1 if record.quantity is None else record.quantity
        return (-abs(item.points), -item.points, -quantity, record.event_on, record.indicator, record.id.int)

    return [min(act, key=strength) for act in acts.values()]


def _double(items: list[_Item]) -> None:
    """Rule 2."""
    seen: set[str] = set()
    for item in sorted(items, key=lambda i: (i.records[0].event_on, -abs(i.points), i.records[0].id.int)):
        if item.indicator.doubles and item.indicator.code in seen:
            item.points *= 2
            item.is_repeat = True
        seen.add(item.indicator.code)


def _bundle(items: list[_Item]) -> list[_Item]:
    """Ladders by year, states that do not add up as one."""
    bundles: defaultdict[tuple[str, object], list[_Item]] = defaultdict(list)
    for item in items:
        indicator = item.indicator
        key: object = item.records[0].id
        if indicator.kind == "ladder":
            key = item.year
        elif indicator.kind in ("state", "ceiling") and not indicator.adds_up:
            key = None
        bundles[indicator.code, key].append(item)
    return [_merge(bundle) for bundle in bundles.values()]


def _merge(bundle: list[_Item]) -> _Item:
    bundle.sort(key=lambda item: item.records[0].id.int)
    first = bundle[0]
    if len(bundle) == 1:
        return first
    records = [item.records[0] for item in bundle]
    ends = [item.until for item in bundle]
    if first.indicator.kind == "ladder":
        points = _rung(first.indicator, sum(record.quantity or 0 for record in records))
        until = min((end for end in ends if end is not None), default=None)
    else:
        points = first.points
        until = None if None in ends else max(end for end in ends if end is not None)
    return _Item(indicator=first.indicator, records=records, points=points, until=until, ceiling=first.ceiling)


def _only_strongest(items: list[_Item]) -> list[_Item]:
    """Rule 4, first half: of an exclusive group one, of a ladder's years one."""
    rivals: defaultdict[object, list[_Item]] = defaultdict(list)
    for item in items:
        if item.points == 0 and item.ceiling is None:
            continue
        indicator = item.indicator
        if indicator.exclusive_group:
            rivals["group", indicator.exclusive_group].append(item)
        elif indicator.kind == "ladder":
            rivals["ladder", indicator.code].append(item)
        else:
            rivals["single", item.records[0].id].append(item)

    def strength(item: _Item) -> tuple[object, ...]:
        ceiling = float("-inf") if item.ceiling is None else -item.ceiling
        until = date.max if item.until is None else item.until
        return (
            -abs(item.points), -item.points, ceiling, -until.toordinal(),
            min(record.event_on for record in item.records), item.indicator.code, item.records[0].id.int,
        )  # fmt: skip

    return [min(group, key=strength) for group in rivals.values()]


def _without_superseded(items: list[_Item]) -> list[_Item]:
    """Rule 4, second half."""
    gone = {code for item in items for code in item.indicator.supersedes}
    return [item for item in items if item.indicator.code not in gone]


def _good_faith(book: RuleBook, usable: list[_Item], adult_on: date, day: date) -> list[Given]:
    breaking = [item for item in usable if book.dimension(item.indicator.dimension).breaks_good_faith]
    if any(_is_in_force(item, day) for item in breaking):
        return []
    ended = [item.until + DAY for item in breaking if item.until is not None and item.until < day]
    since = max(ended, default=adult_on)
    found = []
    for indicator in book.indicators:
        if indicator.kind == "clean":
            reached = [v.points for v in indicator.values if add_months(since, v.at_least or 0) <= day]
            if reached and reached[-1]:
                found.append(Given(indicator=indicator.code, records=(), points=reached[-1], until=None))
    return found


def _annual_caps(items: list[_Item]) -> list[Taken]:
    sums: defaultdict[tuple[str, int | None], int] = defaultdict(int)
    caps = {item.indicator.code: item.indicator.annual_cap for item in items}
    for item in items:
        sums[item.indicator.code, item.year] += item.points
    taken = []
    for (code, year), points in sorted(sums.items(), key=lambda each: (each[0][0], each[0][1] or 0)):
        cap = caps[code]
        if cap is not None and abs(points) > abs(cap):
            taken.append(Taken(code="annual_cap", subject=code, year=year, points=cap - points))
    return taken


def _total(book: RuleBook, by_dimension: dict[str, int], taken: list[Taken]) -> int:
    """Rule 7, from dimensions to the scale."""
    value = book.scale.base
    for dimension in sorted(book.dimensions, key=lambda each: each.code):
        points = by_dimension.get(dimension.code, 0)
        limited = points if dimension.cap is None else min(points, dimension.cap)
        limited = limited if dimension.floor is None else max(limited, dimension.floor)
        if limited != points:
            taken.append(Taken(code="dimension_cap", subject=dimension.code, year=None, points=limited - points))
        value += limited
    scaled = value if book.scale.max is None else min(value, book.scale.max)
    scaled = scaled if book.scale.min is None else max(scaled, book.scale.min)
    if scaled != value:
        taken.append(Taken(code="scale", subject="", year=None, points=scaled - value))
    return scaled

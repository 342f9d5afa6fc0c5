"""What a rule book would change: counted citizen by citizen, released only of groups that are large enough. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal
from uuid import UUID

import msgspec

from app.citizen.paper import compute_age
from app.score.preview.cells import CELL_MIN, Group, Table, compute_table, merge_small
from app.score.preview.rounding import MODULUS, add_to_buckets, compute_person_key, round_count, round_table
from app.values.moves import Moves

Sample = Literal["hundredth", "tenth", "all"]
PreviewState = Literal["waiting", "running", "done"]
Direction = Literal["fell", "same", "rose"]
# The worker's moves all: an official asks for a preview and then reads it.
PREVIEW_MOVES: Moves[PreviewState, str] = Moves(
    {"waiting": {}, "running": {}, "done": {}},
    begins={"waiting"},
    by_itself={"waiting": {"start": "running"}, "running": {"finish": "done"}, "done": {"repeat": "waiting"}},
    states_zh={"waiting": "等待计算", "running": "计算中", "done": "已完成"},
    actions_zh={},
)
# A closed list: the difference of two samples that differ by a few people would be about those few.
SAMPLE_PARTS: Mapping[Sample, int] = {"hundredth": 100, "tenth": 10, "all": 1}
DIRECTIONS: tuple[Direction, ...] = ("fell", "same", "rose")
# The upper ends of steps of points, the same up and down.
STEPS = (10, 20, 50, 100)
AGE_BANDS = (18, 30, 40, 50, 60, 70)


class SampledCitizen(msgspec.Struct, frozen=True, kw_only=True):
    """A citizen of the sample, with the current score."""

    id: UUID
    from_value: int
    from_level: str
    district: str
    birth_on: date


class Seen(SampledCitizen, frozen=True, kw_only=True):
    """A citizen's score now and under the previewed book."""

    to_value: int
    to_level: str


class Counts(msgspec.Struct, kw_only=True):
    """Numbers by level before and after, by points, and by district and age whether the value moves."""

    levels: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    points: dict[str, int] = msgspec.field(default_factory=dict)
    districts: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    ages: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)


class Tally(Counts, kw_only=True):
    """How many there are, exact: never released as it is.

    ``keys`` are sums over who is counted instead of how many, ``buckets`` what two previews are compared by; both are
    of ``people`` citizens. A process of an earlier version counts without them, and drops these fields.
    """

    people: int = 0
    keys: Counts = msgspec.field(default_factory=Counts)
    buckets: bytes = b""


class PointsRange(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Differences from lowest to highest, edges included; null: no edge on that side."""

    min_points: int | None
    max_points: int | None


class PointsStep(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How many citizens' scores move by a difference in one of these ranges."""

    ranges: tuple[PointsRange, ...]
    citizens: int


class PreviewReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What may be told: ``levels`` from (rows) to (columns); districts and age bands by whether the value moves.

    All of ``points``, ``districts`` and ``ages`` are about the same division into fallen, same and risen, so that none
    gives away what another one merged. Exact as it is computed; told with each number rounded by itself.
    """

    citizens: int
    levels: Table
    points: tuple[PointsStep, ...]
    districts: Table
    ages: Table


def compute_direction(difference: int) -> Direction:
    """Return whether a value falls, stays or rises."""
    return DIRECTIONS[(difference > 0) - (difference < 0) + 1]


def compute_step(difference: int) -> str:
    """Return the step a difference lies in, by its signed lower end: ``-11`` is 11 to 20 points down."""
    if difference == 0:
        return "0"
    lower = max(low for low in (1, *(step + 1 for step in STEPS)) if low <= abs(difference))
    return str(lower if difference > 0 else -lower)


def compute_age_band(birth_on: date, day: date) -> str:
    """Return the age band a person is in, by its first year."""
    age = compute_age(birth_on, day)
    return str(max((first for first in AGE_BANDS if first <= age), default=AGE_BANDS[0]))


def count_into(tally: Tally, people: Sequence[Seen], day: date, secret: bytes) -> None:
    """Count some citizens more; ``secret`` is the city's own, so that nobody else can find out who is counted."""
    places = []
    for one in people:
        difference = one.to_value - one.from_value
        place = (
            one.from_level, one.to_level, compute_step(difference), one.district,
            compute_age_band(one.birth_on, day), compute_direction(difference),
        )  # fmt: skip
        _count(tally, place, 1)
        _count(tally.keys, place, compute_person_key(one.id, secret))
        places.append((one.id, "/".join(place)))
    tally.people += len(people)
    tally.buckets = add_to_buckets(tally.buckets, places, secret)


def _count(counts: Counts, place: tuple[str, ...], amount: int) -> None:
    from_level, to_level, step, district, age, direction = place
    _add(counts.levels.setdefault(from_level, {}), to_level, amount)
    _add(counts.points, step, amount)
    _add(counts.districts.setdefault(district, {}), direction, amount)
    _add(counts.ages.setdefault(age, {}), direction, amount)


def _add(cells: dict[str, int], key: str, amount: int) -> None:
    cells[key] = (cells.get(key, 0) + amount) % MODULUS


def compute_report(
    tally: Tally, from_levels: Sequence[str], to_levels: Sequence[str], least: int = CELL_MIN
) -> PreviewReport | None:
    """Return what may be released of a tally; None when it is about too few people for any number."""
    citizens = sum(tally.points.values())
    if citizens < least:
        return None
    directions: Counter[str] = Counter()
    for step, count in tally.points.items():
        directions[compute_direction(int(step))] += count
    columns = merge_small({direction: directions[direction] for direction in DIRECTIONS}, least)
    return PreviewReport(
        citizens=citizens,
        levels=_table_of_levels(tally.levels, from_levels, to_levels, least),
        points=_points_of(tally.points, columns, least),
        districts=compute_table({key: tally.districts[key] for key in sorted(tally.districts)}, columns, least),
        ages=compute_table({key: tally.ages[key] for key in sorted(tally.ages, key=int)}, columns, least),
    )


def round_report(report: PreviewReport, keys: Counts, secret: bytes) -> PreviewReport:
    """Return a report as it is released: every number rounded, by who is counted in it."""
    return PreviewReport(
        citizens=round_count(report.citizens, sum(keys.points.values()), secret),
        levels=round_table(report.levels, keys.levels, secret),
        points=tuple(
            PointsStep(ranges=step.ranges, citizens=round_count(step.citizens, _key_of(step, keys), secret))
            for step in report.points
        ),
        districts=round_table(report.districts, keys.districts, secret),
        ages=round_table(report.ages, keys.ages, secret),
    )


def _key_of(step: PointsStep, keys: Counts) -> int:
    ends = [one.min_points if (one.min_points or 0) > 0 else one.max_points for one in step.ranges]
    return sum(keys.points.get(compute_step(end or 0), 0) for end in ends)


def _table_of_levels(
    counts: Mapping[str, Mapping[str, int]], from_levels: Sequence[str], to_levels: Sequence[str], least: int
) -> Table:
    totals = {to: sum(row.get(to, 0) for row in counts.values()) for to in to_levels}
    rows = {key: counts.get(key, {}) for key in from_levels}
    return compute_table(rows, merge_small(totals, least), least)


def _points_of(points: Mapping[str, int], columns: Sequence[Group], least: int) -> tuple[PointsStep, ...]:
    """Return the steps of each division by themselves, the lowest first; in a step that is left out there is nobody."""
    steps = [str(-low) for low in reversed((1, *(step + 1 for step in STEPS)))]
    steps += ["0", *(step.removeprefix("-") for step in reversed(steps))]
    found: list[PointsStep] = []
    for column in columns:
        counts = {step: points.get(step, 0) for step in steps if compute_direction(int(step)) in column}
        found += [
            PointsStep(ranges=tuple(map(_range_of, group)), citizens=sum(counts[step] for step in group))
            for group in _merge_neighbours(counts, least)
        ]
    return tuple(found)


def _merge_neighbours(counts: Mapping[str, int], least: int) -> list[Group]:
    """Join steps that lie side by side until each group is safe; what is left over joins the last one."""
    groups: list[list[str]] = []
    small: list[str] = []
    for step in (step for step, count in counts.items() if count):
        small.append(step)
        if sum(counts[each] for each in small) >= least:
            groups.append(small)
            small = []
    if small:
        groups[-1].extend(small)  # there is one: all of them together are safe
    return [tuple(group) for group in groups]


def _range_of(step: str) -> PointsRange:
    near = int(step)
    far = next((end for end in STEPS if end >= abs(near)), None)
    if near == 0:
        return PointsRange(min_points=0, max_points=0)
    if near > 0:
        return PointsRange(min_points=near, max_points=far)
    return PointsRange(min_points=None if far is None else -far, max_points=near)

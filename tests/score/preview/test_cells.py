"""What a preview publishes: every number is of nobody or of enough people, and nothing hidden can be derived."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.score.preview.cells import CELL_MIN, Table, compute_table, merge_small
from app.score.preview.report import (
    Seen,
    Tally,
    compute_age_band,
    compute_direction,
    compute_report,
    compute_step,
    count_into,
    round_report,
)
from app.score.preview.rounding import ROUNDED_TO, count_different, round_count

DAY = date(2026, 11, 21)
SECRET = b"the city's own"
COLUMNS = ("a", "b", "c")
LEAST = 3  # small enough to try every table that fits what is published
counts = st.dictionaries(st.sampled_from(COLUMNS), st.integers(0, 6), min_size=3)
tables = st.dictionaries(st.sampled_from(("r", "s", "t", "u")), counts, min_size=1, max_size=4)


def publish(table: Mapping[str, Mapping[str, int]], least: int = LEAST) -> Table | None:
    totals = {key: sum(row.get(key, 0) for row in table.values()) for key in COLUMNS}
    return compute_table(table, merge_small(totals, least), least) if sum(totals.values()) >= least else None


@given(tables)
def test_every_published_number_is_of_nobody_or_of_enough(table: Mapping[str, Mapping[str, int]]) -> None:
    published = publish(table)
    if published is None:
        return
    numbers = [*published.totals, *(row.citizens for row in published.rows)]
    numbers += [cell for row in published.rows for cell in row.cells or ()]
    assert all(number == 0 or number >= LEAST for number in numbers)
    assert (
        sum(published.totals)
        == sum(row.citizens for row in published.rows)
        == sum(sum(row.values()) for row in table.values())
    )
    assert sorted(key for row in published.rows for key in row.keys) == sorted(table)
    assert sorted(key for column in published.columns for key in column) == sorted(COLUMNS)


def solutions(totals: list[int], sums: tuple[int, ...]) -> Iterator[list[tuple[int, ...]]]:
    """Yield every way hidden rows could divide, given their totals and the sums of the columns over them."""
    if not totals:
        if not any(sums):
            yield []
        return
    for row in itertools.product(*(range(limit + 1) for limit in sums)):
        if sum(row) == totals[0]:
            rest = tuple(have - took for have, took in zip(sums, row, strict=True))
            for others in solutions(totals[1:], rest):
                yield [row, *others]


@settings(max_examples=150, deadline=None)
@given(tables)
def test_nothing_hidden_can_be_derived_by_subtraction(table: Mapping[str, Mapping[str, int]]) -> None:
    published = publish(table)
    if published is None:
        return
    shown = [row.cells for row in published.rows if row.cells is not None]
    hidden = [row.citizens for row in published.rows if row.cells is None]
    sums = tuple(total - sum(row[place] for row in shown) for place, total in enumerate(published.totals))
    if not hidden:
        assert not any(sums)
        return
    assert all(one == 0 or one >= LEAST for one in sums)
    possible = list(solutions(hidden, sums))
    for row, place in itertools.product(range(len(hidden)), range(len(sums))):
        if sums[place]:
            assert len({each[row][place] for each in possible}) > 1


def test_a_single_hidden_row_takes_another_one_along() -> None:
    table = {"r": {"a": 2, "b": 20}, "s": {"a": 30, "b": 40}, "t": {"a": 500, "b": 500}}
    published = compute_table(table, (("a",), ("b",)))
    assert [(row.keys, row.citizens, row.cells) for row in published.rows] == [
        (("r",), 22, None), (("s",), 70, None), (("t",), 1000, (500, 500)),
    ]  # fmt: skip
    assert published.totals == (532, 560)


def test_an_empty_row_hides_nothing() -> None:
    published = compute_table({"r": {"a": 2, "b": 20}, "s": {}, "t": {"a": 50, "b": 50}}, (("a",), ("b",)))
    assert [row.cells for row in published.rows] == [None, (0, 0), None]


@pytest.mark.parametrize(("few", "groups"), [(CELL_MIN - 1, (("x", "y"),)), (CELL_MIN, (("x",), ("y",)))])
def test_the_smallest_number_that_is_a_group_by_itself(few: int, groups: tuple[tuple[str, ...], ...]) -> None:
    assert merge_small({"x": few, "y": 1000}) == groups


def test_small_groups_take_the_smallest_large_one_along() -> None:
    assert merge_small({"x": 4, "y": 100, "z": 20, "w": 0}) == (("x", "z"), ("y",), ("w",))


@pytest.mark.parametrize(
    ("difference", "step"),
    [(0, "0"), (1, "1"), (10, "1"), (11, "11"), (-10, "-1"), (-11, "-11"), (-20, "-11"), (100, "51"), (101, "101"),
     (-101, "-101"), (-4000, "-101")],
)  # fmt: skip
def test_steps_of_points(difference: int, step: str) -> None:
    assert compute_step(difference) == step
    assert compute_direction(int(step)) == compute_direction(difference)


@pytest.mark.parametrize(
    ("birth_on", "band"),
    [(date(2008, 11, 21), "18"), (date(1996, 11, 22), "18"), (date(1996, 11, 21), "30"), (date(1930, 1, 1), "70")],
)
def test_age_bands(birth_on: date, band: str) -> None:
    assert compute_age_band(birth_on, DAY) == band


def seen(difference: int, *, district: str = "350203", level: str = "L2") -> Seen:
    return Seen(
        id=uuid4(), from_value=500, to_value=500 + difference, from_level="L2", to_level=level, district=district,
        birth_on=date(1990, 1, 1),
    )  # fmt: skip


def report_of(*people: tuple[int, Seen]) -> object:
    tally = Tally()
    for count, one in people:
        count_into(tally, [one] * count, DAY, SECRET)
    return compute_report(tally, ("L1", "L2"), ("L1", "L2"))


def test_of_too_few_people_nothing_is_published() -> None:
    assert report_of((CELL_MIN - 1, seen(0))) is None
    assert report_of((CELL_MIN, seen(0))) is not None


people = st.lists(
    st.tuples(st.integers(1, 15), st.builds(seen, st.integers(-150, 150), district=st.sampled_from(("1", "2", "3")),
                                            level=st.sampled_from(("L1", "L2")))),
    min_size=1, max_size=12,
)  # fmt: skip


@given(people)
def test_points_give_away_nothing_that_districts_and_ages_merged(groups: list[tuple[int, Seen]]) -> None:
    tally = Tally()
    for count, one in groups:
        count_into(tally, [one] * count, DAY, SECRET)
    report = compute_report(tally, ("L1", "L2"), ("L1", "L2"))
    if report is None:
        return
    assert report.districts.columns == report.ages.columns
    assert all(step.citizens >= CELL_MIN for step in report.points)
    by_column = dict.fromkeys(report.districts.columns, 0)
    for step in report.points:
        ends = [r.min_points if r.min_points is not None else r.max_points for r in step.ranges]
        within = {compute_direction(end) for end in ends if end is not None}
        [column] = [column for column in by_column if within <= set(column)]
        by_column[column] += step.citizens
    assert tuple(by_column.values()) == report.districts.totals == report.ages.totals
    assert sum(report.levels.totals) == sum(report.districts.totals) == report.citizens


def test_a_number_is_rounded_up_or_down_by_who_is_counted() -> None:
    same = {round_count(14, 7, SECRET) for _ in range(50)}
    assert len(same) == 1
    drawn = [round_count(14, key, SECRET) for key in range(4000)]
    assert set(drawn) == {10, 20}
    assert 0.36 < drawn.count(20) / len(drawn) < 0.44  # four in ten: the mean is right
    assert {round_count(count, 1, SECRET) for count in (0, 10, 250)} == {0, 10, 250}
    assert round_count(14, 3, SECRET) != round_count(14, 3, b"another city") or any(
        round_count(14, key, SECRET) != round_count(14, key, b"another city") for key in range(50)
    )


def tally_of(ids: Sequence[int], moved: frozenset[int], *, by: int = 20) -> Tally:
    tally = Tally()
    everybody = [
        Seen(id=UUID(int=one), from_value=500, to_value=500 + (by if one in moved else 0), from_level="L2",
             to_level="L2", district=str(one % 3), birth_on=date(1960 + one % 40, 1, 1))
        for one in ids
    ]  # fmt: skip
    for start in range(0, len(everybody), 7):
        count_into(tally, everybody[start : start + 7], DAY, SECRET)
    return tally


def published_of(tally: Tally) -> object:
    report = compute_report(tally, ("L1", "L2"), ("L1", "L2"))
    assert report is not None
    return round_report(report, tally.keys, SECRET)


def test_the_same_people_always_give_the_same_numbers() -> None:
    """In whatever order and pieces they are counted, and by whatever draft moves them within a step."""
    moved = frozenset(range(35))
    one, other = tally_of(range(200), moved), tally_of(range(199, -1, -1), moved, by=15)
    assert published_of(one) == published_of(other)
    assert count_different(one.buckets, other.buckets) == 0


@settings(max_examples=40, deadline=None)
@given(st.frozensets(st.integers(0, 199)), st.frozensets(st.integers(0, 199), max_size=30))
def test_buckets_never_count_more_people_than_lie_otherwise(moved: frozenset[int], others: frozenset[int]) -> None:
    one, other = tally_of(range(200), moved), tally_of(range(200), moved ^ others)
    assert (count_different(one.buckets, other.buckets) > 0) == bool(others)
    assert count_different(one.buckets, other.buckets) <= len(others)


def test_hardly_two_people_share_a_bucket() -> None:
    one, other = tally_of(range(200), frozenset()), tally_of(range(200), frozenset(range(200)))
    assert 150 < count_different(one.buckets, other.buckets) < 200


def test_every_published_number_is_a_multiple_of_ten() -> None:
    text = msgspec.json.encode(published_of(tally_of(range(437), frozenset(range(61))))).decode()
    lists = ",".join(re.findall(r'"(?:cells|totals)":\[([\d,]+)\]', text))
    numbers = [int(found) for found in [*re.findall(r'"citizens":(\d+)', text), *lists.split(",")]]
    assert len(numbers) > 10
    assert all(number % ROUNDED_TO == 0 for number in numbers)

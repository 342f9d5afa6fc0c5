"""Days of the city: where they begin, and the months and years they are of."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.values import days
from app.values.days import (
    Span,
    add_months,
    compute_day_begin,
    compute_seconds_left,
    compute_span_begin,
    compute_span_end,
    shanghai_day,
)

APP = Path(days.__file__).parents[1]
DAYS = st.dates(date(1900, 1, 1), date(9000, 1, 1))


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 1, 1, 15, 59, 59, 999999, UTC), date(2026, 1, 1)),
        (datetime(2026, 1, 1, 16, 0, 0, 0, UTC), date(2026, 1, 2)),
        (datetime(2026, 7, 1, 15, 59, tzinfo=UTC), date(2026, 7, 1)),
        (datetime(2025, 12, 31, 16, tzinfo=UTC), date(2026, 1, 1)),
    ],
)
def test_the_day_begins_at_shanghais_midnight(at: datetime, day: date) -> None:
    assert shanghai_day(at) == day


@given(DAYS)
def test_a_day_begins_where_the_one_before_ends(day: date) -> None:
    begin = compute_day_begin(day)
    assert shanghai_day(begin) == day
    assert shanghai_day(begin - timedelta(microseconds=1)) == day - timedelta(days=1)


@pytest.mark.parametrize(
    ("at", "left"),
    [
        (datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC), 2), (datetime(2026, 12, 31, 16, tzinfo=UTC), 86_401),
        (datetime(2028, 2, 29, 15, 0, tzinfo=UTC), 3601),
    ],
)  # fmt: skip
def test_seconds_until_the_next_day_has_begun(at: datetime, left: int) -> None:
    assert compute_seconds_left(at) == left


@pytest.mark.parametrize(
    ("span", "day", "begin", "end"),
    [
        ("day", date(2028, 2, 28), date(2028, 2, 28), date(2028, 2, 29)),
        ("day", date(2026, 12, 31), date(2026, 12, 31), date(2027, 1, 1)),
        ("month", date(2028, 2, 29), date(2028, 2, 1), date(2028, 3, 1)),
        ("month", date(2026, 1, 31), date(2026, 1, 1), date(2026, 2, 1)),
        ("month", date(2026, 12, 1), date(2026, 12, 1), date(2027, 1, 1)),
        ("year", date(2028, 2, 29), date(2028, 1, 1), date(2029, 1, 1)),
    ],
)
def test_days_months_and_years(span: Span, day: date, begin: date, end: date) -> None:
    assert (compute_span_begin(span, day), compute_span_end(span, day)) == (begin, end)


@given(st.sampled_from(("day", "month", "year")), DAYS)
def test_spans_leave_no_gap(span: Span, day: date) -> None:
    begin, end = compute_span_begin(span, day), compute_span_end(span, day)
    assert begin <= day < end
    assert compute_span_begin(span, end) == end
    assert compute_span_end(span, begin - timedelta(days=1)) == begin


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2024, 12, 31), 2, date(2025, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 1, 15), -13, date(2024, 12, 15)),
        (date(2026, 5, 1), 0, date(2026, 5, 1)),
    ],
)
def test_months_later(day: date, months: int, later: date) -> None:
    assert add_months(day, months) == later


def test_nobody_has_a_clock_of_their_own() -> None:
    zone = re.compile(r"\btimezone\(timedelta|ZoneInfo\(")
    own = [path.name for path in APP.rglob("*.py") if zone.search(path.read_text(encoding="utf-8"))]
    assert own == ["days.py"]

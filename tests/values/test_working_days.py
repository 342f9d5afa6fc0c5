"""Working days: weekends, the arranged holidays, the weekends worked in exchange, and the day something came in."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.values.working_days import (
    SHIPPED_CALENDAR,
    CalendarWrong,
    compute_due_day,
    is_working_day,
    knows_year,
    parse_calendar,
)

CALENDAR = parse_calendar(SHIPPED_CALENDAR.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 11, 20), True),  # a Friday
        (date(2026, 11, 21), False),
        (date(2026, 11, 22), False),
        (date(2026, 2, 14), True),  # a Saturday worked for the long Spring Festival
        (date(2026, 2, 15), False),
        (date(2026, 2, 23), False),
        (date(2026, 2, 24), True),
        (date(2026, 2, 28), True),
        (date(2026, 5, 9), True),
        (date(2026, 9, 20), True),  # a Sunday
        (date(2026, 9, 25), False),  # Mid-Autumn, a Friday
        (date(2026, 10, 7), False),
        (date(2026, 10, 10), True),
        (date(2027, 1, 1), False),
        (date(2027, 2, 8), False),  # a Monday of Spring Festival
        (date(2028, 1, 25), False),  # the eve of Spring Festival, a Tuesday
        (date(2029, 9, 22), False),
        (date(2031, 10, 1), False),  # National Day and Mid-Autumn at once, a Wednesday
        (date(2035, 4, 5), False),
        (date(2036, 10, 1), True),  # not in the calendar: a Wednesday like any other
    ],
)
def test_which_days_are_worked_on(day: date, expected: bool) -> None:
    assert is_working_day(day, CALENDAR) is expected


@pytest.mark.parametrize(
    ("received_on", "working_days", "due_on"),
    [
        (date(2026, 11, 16), 5, date(2026, 11, 23)),  # Monday to Monday
        (date(2026, 11, 20), 1, date(2026, 11, 23)),  # Friday to Monday
        (date(2026, 11, 21), 1, date(2026, 11, 23)),  # Saturday to Monday
        (date(2026, 11, 22), 7, date(2026, 12, 1)),
        (date(2026, 2, 13), 1, date(2026, 2, 14)),
        (date(2026, 2, 13), 2, date(2026, 2, 24)),  # nine days off in between
        (date(2026, 9, 30), 3, date(2026, 10, 10)),
        (date(2026, 11, 22), 0, date(2026, 11, 22)),
    ],
)
def test_the_last_day_in_time(received_on: date, working_days: int, due_on: date) -> None:
    assert compute_due_day(received_on, working_days, CALENDAR) == due_on


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dates(date(2025, 12, 1), date(2028, 1, 31)), st.integers(1, 40))
def test_as_many_working_days_lie_between(received_on: date, working_days: int) -> None:
    due_on = compute_due_day(received_on, working_days, CALENDAR)
    days = [received_on + timedelta(days=n) for n in range(1, (due_on - received_on).days + 1)]
    assert sum(is_working_day(day, CALENDAR) for day in days) == working_days
    assert is_working_day(due_on, CALENDAR)


@pytest.mark.parametrize(("year", "is_known"), [(2025, False), (2026, True), (2035, True), (2036, False)])
def test_which_years_the_calendar_knows(year: int, is_known: bool) -> None:
    assert knows_year(year, CALENDAR) is is_known


def test_a_later_line_wins() -> None:
    text = "day,is_working,name\n2031-10-01,no,a holiday\n2031-10-01,yes,after all\n"
    assert parse_calendar(text) == {date(2031, 10, 1): True}


@pytest.mark.parametrize("line", ["2026-02-30,no,x", "2026-10-01,maybe,x", "2026-10-01", "x,yes,x"])
def test_a_line_that_cannot_be_read_is_named(line: str) -> None:
    with pytest.raises(CalendarWrong, match="line 3"):
        parse_calendar(f"day,is_working,name\n2026-10-01,no,x\n{line}\n")


def test_what_is_shipped_is_whole() -> None:
    assert {day.year for day in CALENDAR} == set(range(2026, 2036))
    for year in range(2027, 2036):  # thirteen by law; Mid-Autumn falls into the National Days of two years
        statutory = [day for day, is_working in CALENDAR.items() if day.year == year and not is_working]
        assert len(statutory) == (12 if year in {2028, 2031} else 13)
    assert sum(CALENDAR.values()) == 6  # weekends worked in 2026
    assert all(day.weekday() >= 5 for day, is_working in CALENDAR.items() if is_working)

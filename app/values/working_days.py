"""Working days: weekends are off, unless the calendar of holidays says otherwise. Pure.

``data/working_days.csv`` holds what the State Council arranged for 2026 (国办发明电〔2025〕7号: days off, and weekends
that are worked in exchange) and the statutory days of 2027 to 2035 (全国年节及纪念日放假办法, as amended for 2025); the
exchanges of a year are announced late in the year before. A centre enters them in a file of its own in the same form:
see the setting ``WORKING_DAYS_FILE``. ``huixin verify`` fails two months before the calendar ends.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

SATURDAY = 5
SHIPPED_CALENDAR = Path(__file__).parent / "data" / "working_days.csv"
WORDS = {"yes": True, "no": False}


class CalendarWrong(Exception):  # noqa: N818 - it says what is true, like every refusal
    """A calendar file has a line that cannot be read."""


def parse_calendar(text: str) -> dict[date, bool]:
    """Read ``day,is_working,name``: whether days are worked on against the rule of weekends; a later line wins."""
    days: dict[date, bool] = {}
    for number, row in enumerate(csv.DictReader(text.splitlines()), start=2):
        try:
            days[date.fromisoformat(row["day"])] = WORDS[row["is_working"]]
        except (KeyError, TypeError, ValueError) as error:
            raise CalendarWrong(f"line {number}: a day as YYYY-MM-DD, and yes or no") from error
    return days


def is_working_day(day: date, calendar: Mapping[date, bool]) -> bool:
    """Whether a day is worked on: as the calendar says, else from Monday to Friday."""
    return calendar.get(day, day.weekday() < SATURDAY)


def knows_year(year: int, calendar: Mapping[date, bool]) -> bool:
    """Whether the calendar says anything of a year; otherwise its holidays would count as working days."""
    return any(day.year == year for day in calendar)


def compute_due_day(received_on: date, working_days: int, calendar: Mapping[date, bool]) -> date:
    """Return the last day in time: the day something came in does not count, and only working days do."""
    day = received_on
    while working_days > 0:
        day += timedelta(days=1)
        working_days -= is_working_day(day, calendar)
    return day

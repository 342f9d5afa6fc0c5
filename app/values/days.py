"""Calendar days of the city, which lives by the clock of Shanghai: their beginnings, months and years. Pure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from typing import Literal

Span = Literal["day", "month", "year"]

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")  # no daylight saving since 1991
MONTHS_A_YEAR = 12


def shanghai_day(at: datetime) -> date:
    """Return the calendar day an instant falls on in the city."""
    return at.astimezone(SHANGHAI).date()


def compute_day_begin(day: date) -> datetime:
    """Return the instant a day begins at."""
    return datetime.combine(day, time(), SHANGHAI)


def compute_seconds_left(at: datetime) -> int:
    """Return in how many seconds the next day has begun."""
    return int((compute_day_begin(shanghai_day(at) + timedelta(days=1)) - at).total_seconds()) + 1


def compute_span_begin(span: Span, day: date) -> date:
    """Return the first day of the calendar day, month or year a day falls in."""
    if span == "day":
        return day
    return day.replace(day=1) if span == "month" else day.replace(month=1, day=1)


def compute_span_end(span: Span, day: date) -> date:
    """Return the first day after the calendar day, month or year a day falls in."""
    if span == "day":
        return day + timedelta(days=1)
    return add_months(compute_span_begin(span, day), 1 if span == "month" else MONTHS_A_YEAR)


def add_months(day: date, months: int) -> date:
    """Return the same day of a later month, or its last day where there is no such day."""
    count = day.year * MONTHS_A_YEAR + day.month - 1 + months
    year, month = count // MONTHS_A_YEAR, count % MONTHS_A_YEAR + 1
    after = date(year + month // MONTHS_A_YEAR, month % MONTHS_A_YEAR + 1, 1)
    return date(year, month, min(day.day, (after - timedelta(days=1)).day))

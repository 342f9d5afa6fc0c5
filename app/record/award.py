"""Whether an honour can be awarded again: some are renewed, others are given once and hold for their time. Pure."""

from __future__ import annotations

from datetime import date, timedelta

from app.record.catalogue import CATALOGUE
from app.values.days import add_months


def is_given_once(honour: str | None) -> bool:
    """Whether an honour cannot be awarded again in the same grade while it is in force."""
    listed = None if honour is None else CATALOGUE.honours.get(honour)
    return listed is not None and not listed.is_renewable


def is_in_force_with(honour: str, one: tuple[date, date | None], other: tuple[date, date | None]) -> bool:
    """Whether two awards of an honour, each as (event_on, ends_on), are in force on a common day, whichever came first.

    The last day of its months an award is still in force; the day it is taken back it is not.
    """
    one_until, other_until = (_compute_until(honour, *award) for award in (one, other))
    return one[0] < other_until and other[0] < one_until


def _compute_until(honour: str, event_on: date, ends_on: date | None) -> date:
    until = add_months(event_on, CATALOGUE.honours[honour].validity_months) + timedelta(days=1)
    return until if ends_on is None else min(until, ends_on)

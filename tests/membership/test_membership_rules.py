"""Who may join, judged from what they typed."""

from __future__ import annotations

import itertools
from datetime import date

import pytest

from app.membership.applicant import Applicant, Obstacle, parse_applicant
from tests.support.citizens import make_id_number

TODAY = date(2026, 11, 21)
ADULT = make_id_number(born_on=date(1990, 5, 1))


@pytest.mark.parametrize(
    ("name", "number", "verdict"),
    [
        ("张三", ADULT, None),
        ("张三", make_id_number(born_on=date(2008, 11, 21)), None),
        ("张三", make_id_number(born_on=date(2008, 11, 22)), Obstacle.UNDER_AGE),
        ("张三", make_id_number(born_on=date(2026, 11, 21)), Obstacle.UNDER_AGE),
        ("张三", make_id_number(born_on=date(2026, 11, 22)), Obstacle.ID_NUMBER),
        ("张三", "1" * 18, Obstacle.ID_NUMBER),
        ("张三", "", Obstacle.ID_NUMBER),
        ("", ADULT, Obstacle.NAME),
        ("😀", ADULT, Obstacle.NAME),
        ("😀", "1", Obstacle.ID_NUMBER),
        ("😀", make_id_number(born_on=date(2020, 1, 1)), Obstacle.NAME),
    ],
    ids=itertools.count(),  # the numbers are random, and parallel runs must collect the same names
)
def test_parse_applicant(name: str, number: str, verdict: Obstacle | None) -> None:
    judged = parse_applicant(name, number, TODAY)
    assert judged == verdict or (verdict is None and isinstance(judged, Applicant))

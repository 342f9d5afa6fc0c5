"""States, numbers and texts of objections."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.repair.objection import (
    CENTRES_ACTIONS,
    CITIZENS_ACTIONS,
    FINDINGS,
    FINDINGS_EN,
    FINDINGS_ZH,
    NUMBER_RANDOM_BYTES,
    OBJECTION_MOVES,
    SOURCES_ACTIONS,
    TEXT_CHARACTERS_MAX,
    ObjectionState,
    compute_number,
    is_overdue,
    parse_text,
)

NUMBER = re.compile(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}")


@pytest.mark.parametrize(
    ("state", "citizen", "centre", "source"),
    [
        ("received", ["withdraw"], ["ask-source"], []),
        ("asked", ["withdraw"], ["answer"], ["answer"]),
        ("answered", ["withdraw"], [], []),
        ("withdrawn", [], [], []),
    ],
)
def test_who_may_do_what_in_which_state(
    state: ObjectionState, citizen: list[str], centre: list[str], source: list[str]
) -> None:
    assert OBJECTION_MOVES.allowed(state, CITIZENS_ACTIONS) == citizen
    assert OBJECTION_MOVES.allowed(state, CENTRES_ACTIONS) == centre
    assert OBJECTION_MOVES.allowed(state, SOURCES_ACTIONS) == source


def test_the_last_day_itself_is_in_time() -> None:
    due_on = date(2026, 12, 1)
    assert not is_overdue(due_on, due_on)
    assert is_overdue(due_on, due_on + timedelta(days=1))


def test_every_finding_has_its_words() -> None:
    assert set(OBJECTION_MOVES.open) == set(OBJECTION_MOVES.states) - {"withdrawn"}
    assert set(FINDINGS_ZH) == set(FINDINGS_EN) == set().union(*FINDINGS.values())


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2 ** (8 * NUMBER_RANDOM_BYTES) - 1))
def test_a_number_can_be_read_out(random: int) -> None:
    assert NUMBER.fullmatch(compute_number(random))


def test_numbers_differ_where_their_bits_do() -> None:
    assert len({compute_number(1 << bit) for bit in range(50)}) == 50


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  记录有误 ", "记录有误"),
        ("第一行\r\n第二行", "第一行\n第二行"),
        ("e\u0301", "é"),
        ("字" * TEXT_CHARACTERS_MAX, "字" * TEXT_CHARACTERS_MAX),
        ("字" * (TEXT_CHARACTERS_MAX + 1), None),
        (" \n ", None),
        ("a\tb", None),
        ("\u202ea\u200bb\ufeff", "ab"),
        ("刘\U000323b0", "刘\U000323b0"),
        ("a\ue000b", None),
        ("a\x1bb", None),
    ],
)
def test_what_is_plain_text(text: str, expected: str | None) -> None:
    assert parse_text(text) == expected

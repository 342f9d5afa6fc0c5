"""What a benefit gives: the step a citizen is on, and the money off."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.campaign.terms.eligibility import (
    AllOf,
    AnyOf,
    Eligibility,
    Everyone,
    Facts,
    HasHonour,
    LevelAtLeast,
    ScoreAtLeast,
)
from app.campaign.terms.grant import (
    AmountOff,
    Combine,
    DepositWaiver,
    FreeMinutes,
    Grant,
    PercentOff,
    PerCitizen,
    Service,
    Step,
    Steps,
    compute_discount_fen,
    resolve_grant,
)
from app.campaign.terms.judge import judge_eligibility
from app.campaign.terms.ladder import compute_effective_eligibility
from app.score.book.standard import STANDARD_BOOK
from app.score.engine.parts import compute_level
from tests.support.switching import LEDGER_LEVELS, LEVELS

AMOUNTS = st.integers(1, 1_000_000_000)
TWICE_A_MONTH = PerCitizen(count=2, period="month")
LADDER = Steps(
    by="score",
    steps=[
        Step(at_least=600, grant=PercentOff(percent=5)),
        Step(at_least=650, grant=PercentOff(percent=10), per_citizen=TWICE_A_MONTH),
        Step(at_least=680, grant=PercentOff(percent=15)),
    ],
)


def person(score: int) -> Facts:
    level = compute_level(score, STANDARD_BOOK.levels).code
    return Facts(score=score, level=level, honours=(), birth_on=date(1990, 1, 1), levels=LEVELS)


@pytest.mark.parametrize(
    ("score", "percent", "step", "per_citizen"),
    [
        (600, 5, 0, None),
        (649, 5, 0, None),
        (650, 10, 2, TWICE_A_MONTH),
        (679, 10, 2, TWICE_A_MONTH),
        (680, 15, 0, None),
        (1000, 15, 0, None),
    ],
)
def test_the_highest_step_reached(score: int, percent: int, step: int, per_citizen: PerCitizen | None) -> None:
    resolved = resolve_grant(LADDER, person(score))
    assert resolved.grant == PercentOff(percent=percent)
    assert (resolved.step, resolved.per_citizen) == (step, per_citizen)


def test_a_grant_without_steps_is_itself() -> None:
    resolved = resolve_grant(Service(text="优先通道"), person(0))
    assert (resolved.grant, resolved.step, resolved.per_citizen) == (Service(text="优先通道"), 0, None)


@pytest.mark.parametrize(
    ("grant", "amount_fen", "discount_fen"),
    [
        (PercentOff(percent=40, max_fen=60000), 100_000, 40_000),
        (PercentOff(percent=40, max_fen=60000), 150_000, 60_000),
        (PercentOff(percent=40, max_fen=60000), 150_003, 60_000),
        (PercentOff(percent=5), 9, 0),  # 0.45 fen
        (PercentOff(percent=5), 10, 1),  # 0.50 fen
        (PercentOff(percent=50), 1, 1),  # half up, and never more than the amount
        (PercentOff(percent=100), 1, 1),
        (AmountOff(amount_fen=500), 499, 499),
        (AmountOff(amount_fen=500), 501, 500),
        (Combine(of=(FreeMinutes(minutes=15), PercentOff(percent=10, max_fen=2000))), 5_000, 500),
        (Combine(of=(FreeMinutes(minutes=15), Service(text="x"))), 5_000, None),
        (DepositWaiver(max_fen=100), 5_000, None),
        (LADDER, 5_000, None),
        (PercentOff(percent=5), None, None),
    ],
)
def test_discount(grant: Grant, amount_fen: int | None, discount_fen: int | None) -> None:
    assert compute_discount_fen(grant, amount_fen) == discount_fen


@given(AMOUNTS, st.integers(1, 100), st.none() | st.integers(1, 10_000_000))
def test_percent_is_rounded_half_up_and_capped(amount_fen: int, percent: int, max_fen: int | None) -> None:
    discount_fen = compute_discount_fen(PercentOff(percent=percent, max_fen=max_fen), amount_fen)
    assert discount_fen is not None
    assert 0 <= discount_fen <= min(amount_fen, max_fen or amount_fen)
    if discount_fen not in (amount_fen, max_fen):
        assert abs(100 * discount_fen - amount_fen * percent) <= 50


@given(AMOUNTS, AMOUNTS, st.integers(1, 100), st.integers(1, 10_000_000))
def test_a_larger_bill_never_earns_less(one: int, other: int, percent: int, max_fen: int) -> None:
    grant = PercentOff(percent=percent, max_fen=max_fen)
    smaller, larger = (compute_discount_fen(grant, amount) for amount in sorted((one, other)))
    assert smaller is not None
    assert larger is not None
    assert smaller <= larger


LADDERS = st.lists(st.integers(0, 100).map(lambda n: n * 10), min_size=1, max_size=5, unique=True).map(
    lambda values: Steps(
        by="score",
        steps=[Step(at_least=value, grant=AmountOff(amount_fen=value + 1)) for value in sorted(values)],
    )
)


@given(LADDERS, st.integers(0, 1000))
def test_the_step_is_the_last_one_reached(ladder: Steps, score: int) -> None:
    reached = [step.grant for step in ladder.steps if step.at_least <= score]
    assert resolve_grant(ladder, person(score)).grant == (reached or [ladder.steps[0].grant])[-1]


ELIGIBILITIES: list[Eligibility] = [
    Everyone(),
    ScoreAtLeast(value=500),
    LevelAtLeast(level="L3"),
    AllOf(of=(HasHonour(honour="VOL_STAR"), ScoreAtLeast(value=700))),
    AnyOf(of=(HasHonour(honour="VOL_STAR"), ScoreAtLeast(value=700))),
]


@given(st.sampled_from(ELIGIBILITIES), LADDERS, st.integers(0, 1000))
def test_nobody_below_every_step_is_let_in(eligibility: Eligibility, ladder: Steps, score: int) -> None:
    effective = compute_effective_eligibility(eligibility, ladder, LEVELS)
    facts, on = person(score), date(2026, 1, 1)
    is_let_in = judge_eligibility(effective, facts, on).is_eligible
    assert is_let_in == (judge_eligibility(eligibility, facts, on).is_eligible and score >= ladder.steps[0].at_least)


def test_an_implied_first_step_changes_nothing() -> None:
    eligibility = AllOf(of=(LevelAtLeast(level="L3"), HasHonour(honour="VOL_STAR")))
    assert compute_effective_eligibility(eligibility, LADDER, LEVELS) is eligibility
    assert compute_effective_eligibility(Everyone(), PercentOff(percent=5), LEVELS) == Everyone()


def test_what_a_level_implies_is_said_by_the_rules_in_force() -> None:
    above, below = LevelAtLeast(level="C"), LevelAtLeast(level="D")
    first = ScoreAtLeast(value=600)
    assert compute_effective_eligibility(above, LADDER, LEDGER_LEVELS) is above
    assert compute_effective_eligibility(below, LADDER, LEDGER_LEVELS) == AllOf(of=(below, first))
    assert compute_effective_eligibility(above, LADDER, LEVELS) == AllOf(of=(above, first))


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"payLater","maxFen":100}',
        '{"type":"percentOff","percent":0}',
        '{"type":"percentOff","percent":101}',
        '{"type":"percentOff","percent":10,"maxFen":0}',
        '{"type":"amountOff","amountFen":10000000001}',
        '{"type":"freeMinutes","minutes":43201}',
        '{"type":"loans","count":1001,"items":"图书"}',
        '{"type":"service","text":" "}',
        '{"type":"service","text":"a\\nb"}',
        '{"type":"service","text":"' + "x" * 201 + '"}',
        '{"type":"combine","of":[{"type":"freeMinutes","minutes":5}]}',
        '{"type":"combine","of":[' + ",".join(['{"type":"freeMinutes","minutes":5}'] * 5) + "]}",
        '{"type":"combine","of":[{"type":"freeMinutes","minutes":5},{"type":"steps","by":"score","steps":[]}]}',
        '{"type":"steps","by":"score","steps":[]}',
        '{"type":"steps","by":"age","steps":[{"atLeast":0,"grant":{"type":"freeMinutes","minutes":5}}]}',
        '{"type":"limit","maxFen":1,"more":1}',
        '{"type":"fine","amountFen":100}',
    ],
)
def test_what_is_no_grant(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Grant)


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"percentOff","percent":1}',
        '{"type":"percentOff","percent":100,"maxFen":10000000000}',
        '{"type":"amountOff","amountFen":1}',
        '{"type":"freeMinutes","minutes":43200}',
        '{"type":"loans","count":1000,"items":"图书"}',
        '{"type":"service","text":"' + "字" * 200 + '"}',
        '{"type":"voucher","text":"门票","valueFen":3000}',
        '{"type":"limit","maxFen":1}',
        '{"type":"combine","of":[' + ",".join(['{"type":"freeMinutes","minutes":5}'] * 4) + "]}",
    ],
)
def test_a_grant_survives_the_wire(text: str) -> None:
    assert msgspec.json.encode(msgspec.json.decode(text, type=Grant)).decode() == text

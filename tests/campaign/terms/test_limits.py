"""Every limit of a campaign at its edge, and every benefit of the default city within them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from app.campaign.terms.document import Benefit, CampaignDocument
from app.campaign.terms.eligibility import Facts, HeldHonour
from app.campaign.terms.grant import resolve_grant
from app.campaign.terms.judge import judge_eligibility
from app.campaign.terms.limits import (
    BENEFITS_MAX,
    CAMPAIGN_DAYS_MAX,
    STORES_MAX,
    TREE_WIDTH_MIN,
    Scenario,
    judge_document,
)
from app.values.patterns import SCENARIO_CHARACTERS_MAX
from tests.support.switching import LEDGER_LEVELS, LEVELS

AT = datetime(2026, 7, 1, tzinfo=UTC)
SHOP = Scenario("shop", "商店", "shops", "leisure", needs_name=False, needs_without_score=False)
BUS = Scenario("bus", "公交", "buses", "travel_comfort", needs_name=False, needs_without_score=True)
SCENARIOS = {scenario.code: scenario for scenario in (SHOP, BUS)}
DEFAULTS = json.loads(Path("app/town/places/data/benefits.json").read_text(encoding="utf-8"))["benefits"]
NOT_SENT = {"institutionKind", "published"}

EVERYONE = {"type": "everyone"}
MINUTES = {"type": "freeMinutes", "minutes": 5}


def benefit(**changes: Any) -> dict[str, Any]:
    plain = {"code": "B1", "title": "九折", "kind": "fee_reduction", "scenario": "shop", "eligibility": EVERYONE}
    return {**plain, "grant": {"type": "percentOff", "percent": 10}, **changes}


def score(value: int) -> dict[str, Any]:
    return {"type": "scoreAtLeast", "value": value}


def steps(*values: int) -> dict[str, Any]:
    return {"type": "steps", "by": "score", "steps": [{"atLeast": value, "grant": MINUTES} for value in values]}


def document(*benefits: dict[str, Any], **changes: Any) -> CampaignDocument:
    plain = {"title": "夏日", "summary": "优惠", "startsAt": AT, "endsAt": AT + timedelta(days=30)}
    return msgspec.convert({**plain, "benefits": list(benefits), **changes}, CampaignDocument)


def faults(*benefits: dict[str, Any], **changes: Any) -> list[tuple[str, str]]:
    found = judge_document(document(*benefits, **changes), SCENARIOS, LEVELS, AT)
    return [(fault.pointer, fault.code) for fault in found]


def nested(depth: int) -> dict[str, Any]:
    return EVERYONE if depth == 1 else {"type": "all", "of": [nested(depth - 1)]}


def wide(*widths: int) -> dict[str, Any]:
    return {"type": "any", "of": [EVERYONE if len(widths) == 1 else wide(*widths[1:])] * widths[0]}


GOOD: dict[str, dict[str, Any]] = {
    "plain": benefit(),
    "four deep": benefit(eligibility=nested(4)),
    "eight wide": benefit(eligibility=wide(8)),
    "one wide": benefit(eligibility=wide(TREE_WIDTH_MIN)),
    "31 clauses": benefit(eligibility=wide(5, 5)),
    "level": benefit(eligibility={"type": "levelAtLeast", "level": "L3"}),
    "grade": benefit(eligibility={"type": "hasHonour", "honour": "BLOOD_AWARD", "gradeAtLeast": "gold"}),
    "one age": benefit(eligibility={"type": "ageBetween", "min": 60, "max": 60}),
    "one discount": benefit(grant={"type": "combine", "of": [{"type": "amountOff", "amountFen": 1}, MINUTES]}),
    "stores": benefit(stores=[str(UUID(int=n)) for n in range(STORES_MAX)]),
    "with what everyone gets": benefit(scenario="bus", withoutScore="照常乘坐"),
    "five steps": benefit(grant=steps(0, 20, 40, 60, 80)),
    "twenty apart": benefit(eligibility=score(620), grant=steps(640, 660)),
    "same threshold": benefit(eligibility=score(600), grant=steps(600, 620)),
}

BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "five deep": (benefit(eligibility=nested(5)), "/eligibility/of/0/of/0/of/0/of/0", "tree_too_deep"),
    "all of nothing": (benefit(eligibility={"type": "all", "of": []}), "/eligibility/of", "tree_empty"),
    "any of nothing": (benefit(eligibility={"type": "any", "of": []}), "/eligibility/of", "tree_empty"),
    "nothing further down": (
        benefit(eligibility={"type": "any", "of": [EVERYONE, {"type": "all", "of": []}]}),
        "/eligibility/of/1/of",
        "tree_empty",
    ),
    "nine wide": (benefit(eligibility=wide(9)), "/eligibility/of", "tree_too_wide"),
    "37 clauses": (benefit(eligibility=wide(6, 5)), "/eligibility", "tree_too_large"),
    "no such level": (
        benefit(eligibility={"type": "levelAtLeast", "level": "L9"}),
        "/eligibility/level",
        "level_unknown",
    ),
    "no such honour": (
        benefit(eligibility={"type": "hasHonour", "honour": "X"}),
        "/eligibility/honour",
        "honour_unknown",
    ),
    "no such grade": (
        benefit(eligibility={"type": "hasHonour", "honour": "VOL_STAR", "gradeAtLeast": "6"}),
        "/eligibility/gradeAtLeast",
        "honour_grade_unknown",
    ),
    "no grades at all": (
        benefit(eligibility={"type": "hasHonour", "honour": "RED_LIST", "gradeAtLeast": "1"}),
        "/eligibility/gradeAtLeast",
        "honour_grade_unknown",
    ),
    "no age": (benefit(eligibility={"type": "ageBetween"}), "/eligibility", "age_range_empty"),
    "ages crossed": (
        benefit(eligibility={"type": "ageBetween", "min": 61, "max": 60}),
        "/eligibility",
        "age_range_empty",
    ),
    "two discounts": (
        benefit(
            grant={
                "type": "combine",
                "of": [{"type": "amountOff", "amountFen": 1}, {"type": "percentOff", "percent": 1}],
            }
        ),
        "/grant/of",
        "discounts_conflict",
    ),
    "no stores": (benefit(stores=[]), "/stores", "stores_count"),
    "too many stores": (
        benefit(stores=[str(UUID(int=n)) for n in range(STORES_MAX + 1)]),
        "/stores",
        "stores_count",
    ),
    "no such scenario": (benefit(scenario="school"), "/scenario", "scenario_unknown"),
    "who has no score": (benefit(scenario="bus"), "/withoutScore", "without_score_missing"),
    "six steps": (benefit(grant=steps(0, 20, 40, 60, 80, 100)), "/grant/steps", "too_many_steps"),
    "not a multiple": (benefit(eligibility=score(655)), "/eligibility/value", "threshold_not_multiple"),
    "step not a multiple": (benefit(grant=steps(600, 655)), "/grant/steps/1/atLeast", "threshold_not_multiple"),
    "published credit-line band": (benefit(grant=steps(0, 501)), "/grant/steps/1/atLeast", "threshold_not_multiple"),
    "ten apart": (benefit(grant=steps(600, 610)), "", "thresholds_too_close"),
    "step close to eligibility": (benefit(eligibility=score(610), grant=steps(620)), "", "thresholds_too_close"),
    "close to a level": (
        benefit(eligibility={"type": "levelAtLeast", "level": "L4"}, grant=steps(660)),
        "",
        "thresholds_too_close",
    ),
    "same step twice": (benefit(grant=steps(600, 600)), "/grant/steps/1/atLeast", "steps_not_rising"),
    "falling steps": (benefit(grant=steps(650, 600)), "/grant/steps/1/atLeast", "steps_not_rising"),
}


@pytest.mark.parametrize("name", GOOD)
def test_within_the_limit(name: str) -> None:
    assert faults(GOOD[name]) == []


@pytest.mark.parametrize("name", BAD)
def test_beyond_the_limit(name: str) -> None:
    body, pointer, code = BAD[name]
    assert faults(body) == [(f"/benefits/0{pointer}", code)]


@pytest.mark.parametrize(("level", "codes"), [("AAA", []), ("L4", ["level_unknown"])])
def test_the_levels_of_another_rule_book(level: str, codes: list[str]) -> None:
    named = document(benefit(eligibility={"type": "levelAtLeast", "level": level}))
    assert [fault.code for fault in judge_document(named, SCENARIOS, LEDGER_LEVELS, AT)] == codes


def test_every_fault_has_a_sentence_in_both_languages() -> None:
    found = judge_document(document(*(body for body, _, _ in list(BAD.values())[:BENEFITS_MAX])), SCENARIOS, LEVELS, AT)
    assert len(found) >= BENEFITS_MAX
    assert all(fault.zh and fault.en and fault.zh != fault.en for fault in found)


def test_number_of_benefits() -> None:
    many = [benefit(code=f"B{n}") for n in range(BENEFITS_MAX + 1)]
    assert faults(*many[:BENEFITS_MAX]) == []
    assert faults(*many) == [("/benefits", "benefits_count")]
    assert faults() == [("/benefits", "benefits_count")]


def test_a_code_is_used_once() -> None:
    assert faults(benefit(), benefit(code="B2"), benefit()) == [("/benefits/2/code", "benefit_code_repeated")]


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "code"),
    [
        (AT, AT + timedelta(seconds=1), None),
        (AT, AT, "period_empty"),
        (AT - timedelta(days=1), AT, "period_over"),
        (AT, AT + timedelta(days=CAMPAIGN_DAYS_MAX), None),
        (AT, AT + timedelta(days=CAMPAIGN_DAYS_MAX, seconds=1), "period_too_long"),
    ],
)
def test_period(starts_at: datetime, ends_at: datetime, code: str | None) -> None:
    found = faults(benefit(), startsAt=starts_at, endsAt=ends_at)
    assert ("/endsAt", code) in found if code else found == []


def test_a_hostile_tree_is_refused_without_being_walked() -> None:
    deep = nested(400)
    assert faults(benefit(eligibility=deep)) == [("/benefits/0/eligibility/of/0/of/0/of/0/of/0", "tree_too_deep")]


FIELDS: list[tuple[dict[str, Any], bool]] = [
    ({"title": "字" * 80}, True),
    ({"title": "字" * 81}, False),
    ({"title": "  "}, False),
    ({"title": "a\x00b"}, False),
    ({"code": "A" * 64}, True),
    ({"code": "A" * 65}, False),
    ({"code": "有"}, False),
    ({"code": "A B"}, False),
    ({"kind": "penalty"}, False),
    ({"scenario": "ab"}, True),
    ({"scenario": "a"}, False),
    ({"scenario": "ski_2026"}, True),
    ({"scenario": "a" * SCENARIO_CHARACTERS_MAX}, True),
    ({"scenario": "a" * (SCENARIO_CHARACTERS_MAX + 1)}, False),
    ({"scenario": "Shop"}, False),
    ({"scenario": "shop.a"}, False),
    ({"scenario": "shop-a"}, False),
    ({"scenario": "2shop"}, False),
    ({"scenario": "_shop"}, False),
    ({"scenario": "商店"}, False),
    ({"scenario": "shop\n"}, False),
    ({"kind": "lower_threshold"}, True),
    ({"stock": 1}, True),
    ({"stock": 0}, False),
    ({"stock": 100_000_000}, True),
    ({"stock": 100_000_001}, False),
    ({"perCitizen": {"count": 1, "period": "campaign"}}, True),
    ({"perCitizen": {"count": 1000, "period": "day"}}, True),
    ({"perCitizen": {"count": 1001, "period": "day"}}, False),
    ({"perCitizen": {"count": 0, "period": "day"}}, False),
    ({"perCitizen": {"count": 1, "period": "week"}}, False),
    ({"reversalWindowSeconds": 0}, True),
    ({"reversalWindowSeconds": -1}, False),
    ({"reversalWindowSeconds": 30 * 86400}, True),
    ({"reversalWindowSeconds": 30 * 86400 + 1}, False),
    ({"withoutScore": "字" * 200}, True),
    ({"withoutScore": "字" * 201}, False),
    ({"eligibility": score(2000)}, True),
    ({"eligibility": score(2001)}, False),
    ({"eligibility": score(-10)}, False),
    ({"eligibility": {"type": "ageBetween", "min": 17}}, False),
    ({"eligibility": {"type": "ageBetween", "min": 18, "max": 120}}, True),
    ({"eligibility": {"type": "ageBetween", "max": 121}}, False),
    ({"eligibility": {"type": "none", "of": []}}, False),
    ({"punish": True}, False),
]


@pytest.mark.parametrize(("change", "is_well_formed"), FIELDS)
def test_one_field(change: dict[str, Any], is_well_formed: bool) -> None:
    try:
        msgspec.convert(benefit(**change), Benefit)
    except msgspec.ValidationError:
        assert not is_well_formed
    else:
        assert is_well_formed


@pytest.mark.parametrize(
    ("change", "is_well_formed"),
    [
        ({"title": "字" * 80}, True),
        ({"title": "字" * 81}, False),
        ({"summary": "字" * 1000}, True),
        ({"summary": "一行\n又一行"}, True),
        ({"summary": "字" * 1001}, False),
        ({"summary": "\n"}, False),
        ({"startsAt": "2026-07-01T00:00:00"}, False),
        ({"startsAt": "2026-07-01T00:00:00+08:00"}, True),
    ],
)
def test_one_field_of_the_campaign(change: dict[str, Any], is_well_formed: bool) -> None:
    try:
        document(benefit(), **change)
    except msgspec.ValidationError:
        assert not is_well_formed
    else:
        assert is_well_formed


def sent(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in NOT_SENT}


@pytest.mark.parametrize("row", DEFAULTS, ids=lambda row: row["code"])
def test_every_default_benefit_can_be_had(row: dict[str, Any]) -> None:
    chosen = msgspec.convert(sent(row), Benefit)
    star = HeldHonour("VOL_STAR", "5", 5, date(2030, 1, 1))
    best = Facts(score=1000, level="L5", honours=(star,), birth_on=date(1990, 1, 1), levels=LEVELS)
    worst = Facts(score=0, level="L1", honours=(), birth_on=date(1990, 1, 1), levels=LEVELS)
    assert judge_eligibility(chosen.eligibility, best, AT.date()).is_eligible
    assert judge_eligibility(chosen.eligibility, worst, AT.date()).is_eligible is (row["eligibility"] == EVERYONE)
    assert resolve_grant(chosen.grant, best).grant is not None

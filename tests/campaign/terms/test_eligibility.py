"""Who may have a benefit: each clause at its edges, every failing one named with its distance."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.campaign.terms.eligibility import (
    AgeBetween,
    AllOf,
    AnyOf,
    Eligibility,
    Everyone,
    Facts,
    HasHonour,
    HeldHonour,
    LevelAtLeast,
    ScoreAtLeast,
)
from app.campaign.terms.judge import judge_eligibility
from app.score.book.document import Level
from tests.support.switching import LEDGER_LEVELS, LEVELS

TODAY = date(2026, 7, 1)
THREE_STARS = HeldHonour("VOL_STAR", "3", 3, TODAY)
RED_LIST = HeldHonour("RED_LIST", None, 1, date(2027, 1, 1))
PERSON = Facts(score=668, level="L4", honours=(THREE_STARS, RED_LIST), birth_on=date(1996, 7, 2), levels=LEVELS)


def parse(text: str) -> Eligibility:
    clause: Eligibility = msgspec.json.decode(text, type=Eligibility)
    return clause


@pytest.mark.parametrize(
    ("text", "is_eligible"),
    [
        ('{"type":"everyone"}', True),
        ('{"type":"scoreAtLeast","value":668}', True),
        ('{"type":"scoreAtLeast","value":669}', False),
        ('{"type":"levelAtLeast","level":"L4"}', True),
        ('{"type":"levelAtLeast","level":"L5"}', False),
        ('{"type":"levelAtLeast","level":"GONE"}', False),
        ('{"type":"hasHonour","honour":"VOL_STAR"}', True),
        ('{"type":"hasHonour","honour":"VOL_STAR","gradeAtLeast":"3"}', True),
        ('{"type":"hasHonour","honour":"VOL_STAR","gradeAtLeast":"4"}', False),
        ('{"type":"hasHonour","honour":"RED_LIST"}', True),
        ('{"type":"hasHonour","honour":"BRAVERY"}', False),
        ('{"type":"hasHonour","honour":"GONE"}', False),
        ('{"type":"ageBetween","min":29}', True),
        ('{"type":"ageBetween","min":30}', False),
        ('{"type":"ageBetween","max":29}', True),
        ('{"type":"ageBetween","max":28}', False),
        ('{"type":"ageBetween","min":29,"max":29}', True),
        ('{"type":"all","of":[{"type":"everyone"},{"type":"scoreAtLeast","value":600}]}', True),
        ('{"type":"all","of":[{"type":"everyone"},{"type":"scoreAtLeast","value":700}]}', False),
        ('{"type":"any","of":[{"type":"scoreAtLeast","value":700},{"type":"hasHonour","honour":"RED_LIST"}]}', True),
        ('{"type":"any","of":[{"type":"scoreAtLeast","value":700},{"type":"levelAtLeast","level":"L5"}]}', False),
    ],
)
def test_clause(text: str, is_eligible: bool) -> None:
    verdict = judge_eligibility(parse(text), PERSON, TODAY)
    assert verdict.is_eligible is is_eligible
    assert bool(verdict.reasons) is not is_eligible


def test_an_honour_holds_on_its_last_day_and_not_after() -> None:
    clause = HasHonour(honour="VOL_STAR")
    assert judge_eligibility(clause, PERSON, TODAY).is_eligible
    assert not judge_eligibility(clause, PERSON, date(2026, 7, 2)).is_eligible


def test_a_birthday_counts_from_the_day_itself() -> None:
    clause = AgeBetween(min=30)
    assert not judge_eligibility(clause, PERSON, date(2026, 7, 1)).is_eligible
    assert judge_eligibility(clause, PERSON, date(2026, 7, 2)).is_eligible


def test_the_strongest_grade_held_counts() -> None:
    one_star = HeldHonour("VOL_STAR", "1", 1, date(2028, 1, 1))
    facts = msgspec.structs.replace(PERSON, honours=(one_star, THREE_STARS))
    assert judge_eligibility(HasHonour(honour="VOL_STAR", grade_at_least="3"), facts, TODAY).is_eligible


SENTENCES = [
    (
        LevelAtLeast(level="L5"),
        "level_below",
        "需要极好，您是优秀，还差12分",
        "needs {L5}, you are {L4}, 12 points away",
    ),
    (
        ScoreAtLeast(value=670),
        "score_below",
        "需要670分，您是668分，还差2分",
        "needs 670 points, you have 668, 2 points away",
    ),
    (
        HasHonour(honour="VOL_STAR", grade_at_least="5"),
        "honour_grade_below",
        "需要荣誉“星级志愿者”（等级5及以上），您是等级3，还差2级",
        "needs the honour “Star volunteer” of grade 5 or better, yours is of grade 3, 2 grades away",
    ),
    (
        HasHonour(honour="BRAVERY"),
        "honour_missing",
        "需要荣誉“见义勇为者”，您目前没有",
        "needs the honour “Person of bravery”, you do not hold it",
    ),
    (
        AgeBetween(min=30),
        "age_below",
        "需要年满30周岁，您是29周岁，还差1岁",
        "needs the age of 30, you are 29, 1 year away",
    ),
    (
        AgeBetween(max=25),
        "age_above",
        "需要不超过25周岁，您是29周岁，超出4岁",
        "needs the age of 25 or less, you are 29, 4 years over",
    ),
]


@pytest.mark.parametrize(("clause", "code", "zh", "en"), SENTENCES)
def test_the_reason_names_the_distance(clause: Eligibility, code: str, zh: str, en: str) -> None:
    (reason,) = judge_eligibility(clause, PERSON, TODAY).reasons
    titles = {level: LEVELS[level].title_en for level in ("L4", "L5")}
    assert (reason.code, reason.zh, reason.en) == (code, zh, en.format(**titles))


@pytest.mark.parametrize(
    ("wanted", "level", "score", "levels", "zh", "en"),
    [
        ("L4", "L4", 668, LEVELS, None, None),
        ("L4", "L3", 649, LEVELS, "需要优秀，您是良好，还差1分", "needs excellent, you are good, 1 point away"),
        ("A", "A", 1000, LEDGER_LEVELS, None, None),
        ("D", "A", 1000, LEDGER_LEVELS, None, None),
        ("AAA", "A", 1000, LEDGER_LEVELS, "需要AAA级，您是A级，还差50分", "needs AAA, you are A, 50 points away"),
        # a level of other rules, however high the score
        ("L1", "A", 1000, LEDGER_LEVELS, "需要等级L1，现行计分规则中没有这个等级",
         "needs level L1, which the rules in force do not have"),
        ("A", "L5", 1000, LEVELS, "需要等级A，现行计分规则中没有这个等级",
         "needs level A, which the rules in force do not have"),
        # the moment before the levels of new rules are in memory
        ("L1", "A", 1000, LEVELS, "需要待提升", "needs to be improved"),
        ("L4", "L3", 660, LEVELS, "需要优秀", "needs excellent"),
    ],
)  # fmt: skip
def test_levels_are_those_of_the_rules_in_force(
    wanted: str, level: str, score: int, levels: dict[str, Level], zh: str | None, en: str | None
) -> None:
    facts = msgspec.structs.replace(PERSON, score=score, level=level, levels=levels)
    verdict = judge_eligibility(LevelAtLeast(level=wanted), facts, TODAY)
    assert [(reason.zh, reason.en) for reason in verdict.reasons] == ([] if zh is None else [(zh, en)])
    assert verdict.is_eligible is (zh is None)


def test_every_failing_clause_is_named_and_any_names_each_alternative() -> None:
    honour_or_level = AnyOf(of=(HasHonour(honour="BRAVERY"), AllOf(of=(LevelAtLeast(level="L5"), AgeBetween(min=60)))))
    clause = AllOf(of=(ScoreAtLeast(value=700), Everyone(), honour_or_level))
    score, either = judge_eligibility(clause, PERSON, TODAY).reasons
    assert score.zh == "需要700分，您是668分，还差32分"
    assert either.code == "no_alternative_met"
    assert either.zh == (
        "满足以下任一条件即可：需要荣誉“见义勇为者”，您目前没有；"
        "或需要极好，您是优秀，还差12分，且需要年满60周岁，您是29周岁，还差31岁"
    )
    assert "; or " in either.en
    assert " and " in either.en


LEAVES = st.one_of(
    st.just(Everyone()),
    st.builds(ScoreAtLeast, value=st.integers(0, 1000)),
    st.builds(LevelAtLeast, level=st.sampled_from(["L1", "L2", "L3", "L4", "L5"])),
    st.builds(HasHonour, honour=st.sampled_from(["VOL_STAR", "BRAVERY"]), grade_at_least=st.sampled_from(["1", "2"])),
    st.builds(AgeBetween, min=st.integers(18, 120)),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(AllOf, of=st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(AnyOf, of=st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)
PEOPLE = st.builds(
    Facts,
    score=st.integers(0, 1000),
    level=st.sampled_from(["L1", "L2", "L3", "L4", "L5"]),
    honours=st.lists(
        st.builds(
            HeldHonour, st.just("VOL_STAR"), st.just("2"), st.just(2), st.dates(date(2026, 1, 1), date(2027, 1, 1))
        ),
        max_size=2,
    ).map(tuple),
    birth_on=st.dates(date(1930, 1, 1), date(2008, 1, 1)),
    levels=st.just(LEVELS),
)


def holds(clause: Eligibility, facts: Facts) -> bool:
    """Say what a tree plainly means, from its leaves' verdicts."""
    if isinstance(clause, AllOf):
        return all(holds(part, facts) for part in clause.of)
    if isinstance(clause, AnyOf):
        return any(holds(part, facts) for part in clause.of)
    return judge_eligibility(clause, facts, TODAY).is_eligible


@given(TREES, PEOPLE)
def test_a_tree_means_what_it_says(clause: Eligibility, facts: Facts) -> None:
    verdict = judge_eligibility(clause, facts, TODAY)
    assert verdict.is_eligible == holds(clause, facts) == (not verdict.reasons)


@given(TREES, PEOPLE)
def test_a_higher_score_never_shuts_anyone_out(clause: Eligibility, facts: Facts) -> None:
    higher = msgspec.structs.replace(facts, score=facts.score + 1)
    if judge_eligibility(clause, facts, TODAY).is_eligible:
        assert judge_eligibility(clause, higher, TODAY).is_eligible


@given(TREES)
def test_a_tree_survives_the_wire(clause: Eligibility) -> None:
    assert parse(msgspec.json.encode(clause).decode()) == clause

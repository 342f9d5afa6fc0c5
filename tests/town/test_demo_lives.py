"""What is on record about the people of the demo city: possible, uneven, in season, and always the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from app.citizen.paper import compute_age
from app.demo.cast import NEIGHBOURS, NEWCOMER
from app.record.award import is_given_once
from app.record.catalogue import CATALOGUE
from app.record.fault import judge_record
from app.town.people import life as people_life
from app.town.people import uses
from app.town.people.copy import compute_day_begin
from app.town.people.facts import Fact
from app.town.people.habits import DAYS_MIN, HABITS, SEASONS, SOURCES, USES, find_source, read_sources
from app.town.people.life import CAST, PLACES_HONOURED, Lives, Plan, compute_cast_honour, compute_lives
from app.town.people.names import AGE_MIN, BLOCK, CAST_SIZE
from app.town.people.residents import Resident, compute_residents
from app.town.people.rows import LIFE_MAX
from app.town.people.uses import USES_MAX, compute_scale

TODAY = date(2026, 11, 20)
BLOCKS = 5
LATE = timedelta(days=31)
Life = tuple[Resident, list[Fact]]


def live(plan: Plan, block: int) -> Lives:
    return compute_lives(plan, block, compute_residents(plan.seed, block, plan.today))


@pytest.fixture(scope="module")
def city() -> list[Life]:
    plan = Plan(seed=1, today=TODAY, records_mean=10.0)
    return [
        (resident, life)
        for block in range(BLOCKS)
        for resident, life in zip(compute_residents(1, block, TODAY), live(plan, block), strict=True)
    ]


def facts_of(city: list[Life]) -> Iterator[Fact]:
    for _, life in city:
        yield from life


def code_of(fact: Fact) -> str:
    return fact.record.indicator or fact.record.honour or ""


def test_every_record_fits_the_catalogue_and_comes_after_the_eighteenth_birthday(city: list[Life]) -> None:
    for resident, life in city:
        for fact in life:
            assert judge_record(fact.record, TODAY) is None, fact.record
            assert compute_age(resident.paper.id_number.birth_on, fact.record.event_on) >= AGE_MIN
            assert fact.record.event_on == date.fromordinal(fact.day)
            assert fact.entered_at < compute_day_begin(TODAY.toordinal()), "nothing depends on the hour"


@pytest.mark.parametrize("today", [date(2028, 2, 29), date(2027, 1, 1), date(2026, 1, 2)])
def test_the_young_have_no_record_from_before_on_any_day(today: date) -> None:
    plan = Plan(seed=4, today=today, records_mean=8.0)
    for resident, life in zip(compute_residents(4, 0, today), live(plan, 0), strict=True):
        assert all(fact.day >= resident.adult for fact in life)
        assert all(judge_record(fact.record, today) is None for fact in life)


def test_the_same_seed_and_day_make_the_same_lives(city: list[Life]) -> None:
    for cached in (uses._compute_uses, people_life.compute_settled_mean):
        cached.cache_clear()
    plan = Plan(seed=1, today=TODAY, records_mean=10.0)
    assert live(plan, 3) == [life for _, life in city[3 * BLOCK : 4 * BLOCK]]
    assert live(Plan(seed=2, today=TODAY, records_mean=10.0), 3) != live(plan, 3)


def test_there_are_as_many_records_as_asked_for_and_few_have_many(city: list[Life]) -> None:
    counts = sorted(len(life) for _, life in city)
    assert 9 < sum(counts) / len(counts) < 11
    assert counts[len(counts) // 2] <= 7
    assert sum(counts[-len(counts) // 10 :]) > 0.35 * sum(counts)
    assert USES_MAX < counts[-1] < LIFE_MAX


@pytest.mark.parametrize("mean", [1.0, 2.0, 6.0, 20.0])
def test_a_city_may_have_few_records_or_many(mean: float) -> None:
    lives = [life for block in (1, 2, 3) for life in live(Plan(seed=1, today=TODAY, records_mean=mean), block)]
    assert abs(sum(map(len, lives)) / len(lives) - mean) < 0.1 * mean
    assert all(
        life for life, resident in zip(lives, compute_residents(1, 1, TODAY), strict=False) if resident.state != "left"
    )


@pytest.mark.parametrize("mean", [0.5, 5.0, 50.0])
def test_the_scale_of_uses_gives_their_mean(mean: float) -> None:
    scale, steps = compute_scale(mean), 200_000
    drawn = (min(scale * (((step + 0.5) / steps) ** (-1 / uses.USES_SHAPE) - 1), USES_MAX) for step in range(steps))
    assert abs(sum(drawn) / steps - mean) < 0.01 * mean


def test_every_indicator_and_honour_is_there_in_a_small_city_too(city: list[Life]) -> None:
    small = city[: CAST_SIZE + len(HABITS) + 100]
    recorded = {code for code, one in CATALOGUE.indicators.items() if one.measure != "computed"}
    assert {code_of(fact) for fact in facts_of(small)} == recorded | set(CATALOGUE.honours)
    graded = {one.code: set(one.grades) for one in CATALOGUE.honours.values()}
    held = {(fact.record.honour, fact.record.grade) for fact in facts_of(city) if fact.record.honour}
    assert {code for code, _ in held} == set(graded)


def test_what_people_do_has_plausible_rates(city: list[Life]) -> None:
    rates = Counter(code_of(fact) for fact in facts_of(city))
    whole = len(city)
    assert rates["BASE_ID_VERIFIED"] == sum(resident.state != "left" for resident, _ in city)
    assert 0.7 < rates["BASE_SI_36M"] / whole < 0.9
    assert rates["USE_PARK_PAID"] > rates["USE_LIB_ONTIME"] > rates["POS_VOL_HOURS"] > rates["POS_BLOOD"]
    assert sum(count for code, count in rates.items() if code.startswith("NEG")) < 0.1 * whole
    assert rates["POS_MARROW"] < rates["POS_BRAVE"] + 20 < rates["POS_VOL_STAR"] + 20


def test_things_have_their_seasons(city: list[Life]) -> None:
    months = Counter(
        fact.record.event_on.month
        for fact in facts_of(city)
        if code_of(fact) == "POS_VOL_HOURS" and fact.day > TODAY.toordinal() - 365
    )
    average = sum(months.values()) / 12
    assert months[3] > 1.5 * average
    assert months[12] > 1.25 * average, "fewer were members then"
    assert {use.season for use in USES} | {habit.season for habit in HABITS} <= set(SEASONS)
    assert all(len(weights) == 12 for weights in SEASONS.values())


def test_there_is_some_dirt(city: list[Life]) -> None:
    facts = list(facts_of(city))
    states = Counter(fact.state for fact in facts)
    assert set(states) == {"active", "suspended", "repaired", "corrected", "superseded"}
    assert states["active"] > 0.98 * len(facts)
    assert all(fact.version > 1 for fact in facts if fact.state != "active")
    repaired = sum(fact.state == "repaired" for fact in facts)
    assert sum(code_of(fact) == "REPAIR_DONE" for fact in facts) >= repaired
    ended = [fact for fact in facts if fact.record.ends_on is not None]
    assert all(fact.version > 1 for fact in ended)
    assert {"BASE_TAX_OK", "USE_LATE_GOODS", "NEG_COURT_LISTED"} <= {code_of(fact) for fact in ended}
    open_ = {code_of(fact) for fact in facts if fact.record.ends_on is None and fact.state == "active"}
    assert {"USE_LATE_GOODS", "NEG_COURT_LISTED"} <= open_


def test_nobody_has_used_what_they_had_not_joined(city: list[Life]) -> None:
    for resident, life in city:
        used = [fact for fact in life if code_of(fact) in {"USE_PARK_PAID", "USE_LIB_ONTIME", "USE_RENT_ONTIME"}]
        assert all(fact.day >= resident.joined for fact in used)


def test_some_records_come_late(city: list[Life]) -> None:
    reported = [fact for fact in facts_of(city) if not code_of(fact).startswith("BASE")]
    late = sum(fact.entered_at > compute_day_begin((fact.record.event_on + LATE).toordinal()) for fact in reported)
    assert 0.01 < late / len(reported) < 0.08


def test_one_act_may_earn_points_and_an_honour(city: list[Life]) -> None:
    shared = 0
    for _, life in city:
        acts: dict[str, list[Fact]] = {}
        for fact in life:
            if fact.record.act_id is not None:
                acts.setdefault(fact.record.act_id, []).append(fact)
        for points, honour in acts.values():
            assert points.record.indicator is not None
            assert honour.record.honour is not None
            assert (points.day, points.record.grade) == (honour.day, honour.record.grade)
            shared += 1
    assert shared > 50


def test_what_is_given_once_is_left_to_files_for_some(city: list[Life]) -> None:
    places = {
        (resident.number - 1) % BLOCK
        for resident, life in city
        for fact in life
        if is_given_once(fact.record.honour) and resident.number > CAST_SIZE + len(HABITS)
    }
    assert places
    assert max(places) < PLACES_HONOURED


def test_who_has_left_has_nothing_on_record(city: list[Life]) -> None:
    assert all((resident.state == "left") == (not life) for resident, life in city)


def test_the_cast_holds_every_level_and_every_honour(city: list[Life]) -> None:
    assert [compute_cast_level(number) for number in range(1, 6)] == ["L5", "L4", "L3", "L5", "L4"]
    met = {(compute_cast_level(number), compute_cast_honour(number)) for number in range(1, CAST_SIZE + 1)}
    assert met == {(level, honour) for level in ("L1", "L2", "L3", "L4", "L5") for honour in CATALOGUE.honours}
    for resident, life in city[:CAST_SIZE]:
        assert [fact.record.honour for fact in life if fact.record.honour] == [compute_cast_honour(resident.number)]


def test_the_last_days_are_empty(city: list[Life]) -> None:
    assert max(fact.day for fact in facts_of(city)) == TODAY.toordinal() - DAYS_MIN


def test_every_department_that_reports_about_the_city_is_on_the_list_of_sources() -> None:
    facts = [fact for role in (NEWCOMER, *NEIGHBOURS) for fact in role.facts]
    sources = {*SOURCES.values(), *(find_source(code) for code in CATALOGUE.honours)}
    codes = [code for code, _, _ in read_sources()]
    assert len(set(codes)) == len(codes)
    assert sources | {fact["source"] for fact in facts} <= set(codes)


def compute_cast_level(number: int) -> str:
    """Return the level the part of a cast member leads to, by the rules as shipped."""
    return CAST[(number - 1) % len(CAST)][0]

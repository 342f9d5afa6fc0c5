"""The people of the demo city: nobody is real, everybody is possible, and the same dice make the same lives."""

from __future__ import annotations

from collections import Counter
from datetime import date
from random import Random
from uuid import UUID

import pytest

from app.citizen.rules import compute_age, normalise_name, parse_id_number
from app.demo.rules_life import compute_cast_honour, compute_cast_level, compute_records
from app.demo.rules_people import (
    AGE_MAX,
    AGE_MIN,
    AREA_PREFIX,
    CAST_SIZE,
    SEQUENCES,
    VISITOR_AREA_PREFIX,
    DemoPerson,
    compute_person,
    compute_visitor_number,
    compute_wechat_code,
)
from app.demo.rules_places import PLACES, POSTS, TOUR_POSTS, read_benefits
from app.demo.rules_tour import EXCELLENT, NEIGHBOURS, NEWCOMER
from app.kit.clock import uuid7
from app.record.rules import CATALOGUE, NewRecord
from app.record.rules_fault import judge_record
from app.sandbox.rules import compute_openid, is_checksum_valid

TODAY = date(2026, 3, 1)  # the day after a February, in a year after a leap year
PROVINCES = {11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54,
             61, 62, 63, 64, 65, 71, 81, 82, 83, 91}  # fmt: skip
PEOPLE = 3 * SEQUENCES
NOBODY = UUID(int=0)


def draw_people(seed: int, count: int, today: date = TODAY) -> list[DemoPerson]:
    dice = Random(seed)
    return [compute_person(dice, seed=seed, number=number, today=today) for number in range(1, count + 1)]


@pytest.fixture(scope="module")
def people() -> list[DemoPerson]:
    return draw_people(1, PEOPLE)


def test_every_id_number_is_valid_and_of_an_area_that_is_not_assigned(people: list[DemoPerson]) -> None:
    assert int(AREA_PREFIX) not in PROVINCES
    assert int(VISITOR_AREA_PREFIX) not in PROVINCES
    for person in people:
        assert is_checksum_valid(person.id_number.number)
        assert parse_id_number(person.id_number.number) == person.id_number
        assert person.id_number.district.startswith(AREA_PREFIX)


def test_nobody_shares_a_number_an_openid_or_a_phone(people: list[DemoPerson]) -> None:
    others = draw_people(2, 200)
    for name in ("openid", "wechat_code", "phone", "key"):
        values = [getattr(person, name) for person in [*people, *others]]
        assert len(set(values)) == len(values)
    numbers = [person.id_number.number for person in [*people, *others]]
    assert len(set(numbers)) == len(numbers)


def test_everybody_is_an_adult_with_a_name(people: list[DemoPerson]) -> None:
    ages = [compute_age(person.id_number.birth_on, TODAY) for person in people]
    assert AGE_MIN <= min(ages) <= 20
    assert 85 <= max(ages) <= AGE_MAX
    assert all(normalise_name(person.name) == person.name for person in people)
    assert len({person.name for person in people}) > PEOPLE // 2


@pytest.mark.parametrize("today", [date(2028, 2, 29), date(2027, 12, 31), date(2027, 1, 1)])
def test_nobody_joined_before_coming_of_age(today: date) -> None:
    for person in draw_people(5, 400, today):
        joined_on = date.fromordinal(today.toordinal() - person.member_days)
        assert compute_age(person.id_number.birth_on, joined_on) >= AGE_MIN


def test_the_login_codes_are_the_ones_the_sandbox_knows(people: list[DemoPerson]) -> None:
    assert people[0].wechat_code == "demo-citizen-00001"
    assert all(person.openid == compute_openid(person.wechat_code) for person in people[:10])
    assert compute_wechat_code(2, 1) != people[0].wechat_code


def test_the_same_dice_make_the_same_lives() -> None:
    assert draw_people(4, 100) == draw_people(4, 100)
    assert draw_people(4, 100) != draw_people(6, 100)
    assert live(draw_people(4, 100)) == live(draw_people(4, 100))


def test_every_record_fits_the_catalogue_and_comes_after_the_eighteenth_birthday(people: list[DemoPerson]) -> None:
    dice = Random(1)
    for person in people:
        for record in compute_records(dice, person, uuid7(), TODAY):
            assert judge_record(record, TODAY) is None, record
            assert compute_age(person.id_number.birth_on, record.event_on) >= AGE_MIN


def test_an_event_is_told_once(people: list[DemoPerson]) -> None:
    dice = Random(1)
    events = Counter(
        (record.source, record.event_id)
        for person in people
        for record in compute_records(dice, person, uuid7(), TODAY)
    )
    assert set(events.values()) == {1}


def test_few_have_many_records(people: list[DemoPerson]) -> None:
    dice = Random(1)
    counts = sorted(len(compute_records(dice, person, uuid7(), TODAY)) for person in people)
    assert counts[0] <= 4
    assert counts[len(counts) // 2] <= 8
    assert counts[-1] >= 40


def test_the_cast_holds_every_level_and_every_honour() -> None:
    assert [compute_cast_level(number) for number in range(1, 6)] == ["L5", "L4", "L3", "L5", "L4"]
    met = {(compute_cast_level(number), compute_cast_honour(number)) for number in range(1, CAST_SIZE + 1)}
    assert met == {(level, honour) for level in ("L1", "L2", "L3", "L4", "L5") for honour in CATALOGUE.honours}


def test_places_are_of_every_kind_and_give_every_benefit_once() -> None:
    assert len(PLACES) == 12
    assert {place.kind for place in PLACES} == {
        "government", "hospital", "parking", "library", "transit", "bank", "merchant"
    }  # fmt: skip
    given = Counter(code for place in PLACES for code in place.benefits)
    assert given == Counter(list(read_benefits()))


def test_usernames_are_different() -> None:
    names = [post.username for post in (*POSTS, *TOUR_POSTS)]
    assert len(set(names)) == len(names)


def test_a_visitor_is_not_real_either() -> None:
    for role in (NEWCOMER, *NEIGHBOURS):
        number = compute_visitor_number(Random(1), role.born_on)
        parsed = parse_id_number(number)
        assert parsed is not None
        assert parsed.birth_on == role.born_on
        assert parsed.district.startswith(VISITOR_AREA_PREFIX)
    assert EXCELLENT.score == 668  # twelve below the highest level


def live(people: list[DemoPerson]) -> list[list[NewRecord]]:
    """Return what is on record about people, but for the event id that carries a citizen's random id."""
    dice = Random(1)
    lives = [compute_records(dice, person, NOBODY, TODAY) for person in people]
    assert all(records[0].event_id == f"identity:{NOBODY}" for records in lives)
    return lives

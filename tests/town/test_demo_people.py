"""The people of the demo city: nobody is real, everybody is possible, and of a seed they are always the same."""

from __future__ import annotations

from collections import Counter
from datetime import date
from math import gcd
from random import Random

import pytest

from app.citizen.paper import compute_age, parse_id_number
from app.demo.cast import EXCELLENT, NEIGHBOURS, NEWCOMER
from app.sandbox.answers import compute_openid, is_checksum_valid
from app.town.people.names import (
    ACCOUNT_NUMBERS,
    ACCOUNT_STRIDE,
    AGE_MAX,
    AGE_MIN,
    AREA_PREFIX,
    BLOCK,
    BLOCKS_MAX,
    CAST_AGES,
    CAST_DISTRICT,
    CAST_SIZE,
    CENSUS_ON,
    CITIZENS_MAX,
    CITIZENS_OF_A_SEED,
    DISTRICTS,
    SEED_MAX,
    VISITOR_AREA_PREFIX,
    Paper,
    compute_account_number,
    compute_papers,
    compute_visitor_number,
    compute_wechat_code,
    find_account,
    find_paper,
    list_births,
)
from app.town.people.residents import compute_adult, compute_residents, has_left
from app.town.places.places import PLACES, POSTS, TOUR_POSTS, read_benefits
from app.values.names import clean_name

TODAY = date(2026, 3, 1)  # the day after a February, in a year after a leap year
PROVINCES = {11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54,
             61, 62, 63, 64, 65, 71, 81, 82, 83, 91}  # fmt: skip
BLOCKS = 3


@pytest.fixture(scope="module")
def papers() -> list[Paper]:
    return [paper for block in range(BLOCKS) for paper in compute_papers(1, block)]


def test_every_id_number_is_valid_and_of_an_area_that_is_not_assigned(papers: list[Paper]) -> None:
    assert int(AREA_PREFIX) not in PROVINCES
    assert int(VISITOR_AREA_PREFIX) not in PROVINCES
    for paper in papers:
        assert is_checksum_valid(paper.number)
        assert parse_id_number(paper.number) == paper.id_number
        assert paper.number.startswith(f"{AREA_PREFIX}01")


def test_nobody_shares_an_id_number(papers: list[Paper]) -> None:
    numbers = [paper.number for paper in (*papers, *compute_papers(2, 0))]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("place", [0, 1, CAST_SIZE, BLOCK - 1])
def test_people_who_share_a_sequence_number_have_different_birth_dates(place: int) -> None:
    assert CITIZENS_MAX <= BLOCKS_MAX * BLOCK
    births = list_births(seed=3, place=place)
    assert len(set(births)) == len(births) == BLOCKS_MAX


def test_nobody_shares_an_account_an_openid_or_a_phone() -> None:
    accounts = [find_account(seed, number) for seed in (1, 2) for number in range(1, 301)]
    for name in ("openid", "phone"):
        values = [getattr(account, name) for account in accounts]
        assert len(set(values)) == len(values)
    numbers = [compute_account_number(seed, number) for seed in (1, SEED_MAX) for number in range(1, 5000)]
    assert len(set(numbers)) == len(numbers)
    assert 0 <= min(numbers) < max(numbers) < ACCOUNT_NUMBERS
    assert gcd(ACCOUNT_STRIDE, ACCOUNT_NUMBERS) == 1
    assert CITIZENS_MAX < CITIZENS_OF_A_SEED
    assert (SEED_MAX + 1) * CITIZENS_OF_A_SEED <= ACCOUNT_NUMBERS


def test_everybody_is_an_adult_with_a_name(papers: list[Paper]) -> None:
    ages = [compute_age(paper.id_number.birth_on, CENSUS_ON) for paper in papers]
    assert min(ages) == AGE_MIN
    assert 90 <= max(ages) <= AGE_MAX
    assert all(clean_name(paper.name) == paper.name for paper in papers)
    assert len({paper.name for paper in papers}) > len(papers) // 2
    assert Counter(paper.name[0] for paper in papers).most_common(1)[0][0] == "王"


def test_ages_are_a_pyramid_and_everybody_lives_somewhere(papers: list[Paper]) -> None:
    decades = Counter(compute_age(paper.id_number.birth_on, CENSUS_ON) // 10 for paper in papers)
    assert decades[3] > decades[5] > decades[6] > decades[7] > decades[8] > decades[9] > 0
    districts = Counter(paper.number[4:6] for paper in papers)
    assert districts.pop(CAST_DISTRICT) == CAST_SIZE
    assert set(districts) == {district.code for district in DISTRICTS}
    assert sum(district.weight for district in DISTRICTS) == 100
    assert [code for code, _ in districts.most_common(2)] == [district.code for district in DISTRICTS[:2]]


def test_the_cast_is_old_enough_for_its_parts(papers: list[Paper]) -> None:
    youngest, oldest = CAST_AGES
    ages = [compute_age(paper.id_number.birth_on, CENSUS_ON) for paper in papers[:CAST_SIZE]]
    assert youngest <= min(ages) <= max(ages) <= oldest


def test_the_same_seed_makes_the_same_people(papers: list[Paper]) -> None:
    compute_papers.cache_clear()
    assert compute_papers(1, 2) == papers[2 * BLOCK :]
    assert find_paper(1, 2 * BLOCK + 1) == papers[2 * BLOCK]
    assert compute_papers(2, 2) != papers[2 * BLOCK :]


@pytest.mark.parametrize("today", [date(2028, 2, 29), date(2027, 12, 31), date(2027, 1, 1), TODAY])
def test_nobody_joined_before_coming_of_age_or_after_yesterday(today: date) -> None:
    for resident in compute_residents(5, 0, today):
        joined_on = date.fromordinal(resident.joined)
        assert compute_age(resident.paper.id_number.birth_on, joined_on) >= AGE_MIN
        assert joined_on < today


@pytest.mark.parametrize(
    ("born", "adult"),
    [
        (date(2008, 2, 29), date(2026, 3, 1)),
        (date(2008, 2, 28), date(2026, 2, 28)),
        (date(2000, 12, 31), date(2018, 12, 31)),
    ],
)
def test_people_come_of_age_on_their_birthday(born: date, adult: date) -> None:
    assert date.fromordinal(compute_adult(born.toordinal())) == adult


def test_some_have_left_some_are_frozen_and_some_changed_their_mind() -> None:
    residents = [resident for block in range(BLOCKS) for resident in compute_residents(1, block, TODAY)]
    states = Counter(resident.state for resident in residents)
    assert states == {"active": BLOCKS * BLOCK - 8, "left": 6, "frozen": 2}
    assert all(has_left(resident.number) == (resident.state == "left") for resident in residents)
    given = [consent for resident in residents for consent in resident.consents]
    withdrawn = [withdrawn_at - given_at for _, given_at, withdrawn_at in given if withdrawn_at is not None]
    assert {purpose for purpose, _, _ in given} == {"pos_blood", "pos_marrow"}
    assert 0.01 < len(withdrawn) / len(given) < 0.06
    assert min(withdrawn) >= 0


def test_the_login_codes_are_the_ones_the_sandbox_knows() -> None:
    assert compute_wechat_code(1, 1) == "demo-citizen-00001"
    assert find_account(1, 7).openid == compute_openid("demo-citizen-00007")
    assert compute_wechat_code(2, 1) != compute_wechat_code(1, 1)


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
        assert (parsed.district or "").startswith(VISITOR_AREA_PREFIX)
    assert EXCELLENT.score == 668  # twelve below the highest level

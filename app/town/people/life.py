"""What is on record about the people of the demo city. Pure: of a seed and a day always the same lives."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from random import Random
from typing import TypeAlias

import msgspec

from app.membership.applicant import IDENTITY_INDICATOR
from app.record.award import is_given_once
from app.record.catalogue import CATALOGUE
from app.town.people.facts import Fact, make_fact, make_state, needs_document
from app.town.people.habits import CHANGED, DAYS_MIN, HABITS, LATE_CHANCE, Habit, compute_days, draw_day, draw_entry
from app.town.people.names import BLOCK, CAST_SIZE
from app.town.people.residents import Resident, compute_residents
from app.town.people.uses import add_uses

YEAR_DAYS = 365
PLACES_HONOURED = 900  # of a block; the others have no honour that is given once, so that a file can bring them one
ENDED_DAYS = (10, 300)
AFTER_JOINING_CHANCE = 0.9  # of the events; the others happened before the person joined
# What becomes of records of broken trust, more often than of the rest.
CHANGED_NEGATIVE = (("repaired", 0.10), ("suspended", 0.02), ("corrected", 0.01), ("superseded", 0.01))
NEGATIVE, REPAIR = "NEG_", "REPAIR_DONE"

INSURED_LONG, INSURED_LONG_YOUNG, YOUNG_AGE, INSURED_SHORT = 0.85, 0.25, 26, 0.6
BASICS = (("BASE_TAX_OK", 0.98), ("BASE_UTILITY_OK", 0.9))
BASICS_ENDED = 0.03

# The cast: what takes its members to a level, from 500 points, 30 for identity and 60 for good faith.
DUTIES = ("BASE_SI_36M", "BASE_TAX_OK", "BASE_UTILITY_OK")
Part: TypeAlias = tuple[tuple[str, str | None, int | None], ...]
CAST: tuple[tuple[str, Part], ...] = (
    ("L5", (*((code, None, None) for code in DUTIES), ("POS_VOL_HOURS", None, 200))),
    ("L4", (*((code, None, None) for code in DUTIES), ("POS_VOL_HOURS", None, 50))),
    ("L3", tuple((code, None, None) for code in DUTIES)),
    ("L5", (*((code, None, None) for code in DUTIES), ("POS_AWARD", "city", None))),
    ("L4", (*((code, None, None) for code in DUTIES), ("POS_CARE", "2", None))),
    ("L3", (("BASE_SI_12M", None, None), ("BASE_TAX_OK", None, None), ("BASE_UTILITY_OK", None, None))),
    ("L2", (("BASE_TAX_OK", None, None), ("NEG_PENALTY", "low", None))),
    ("L1", (("BASE_TAX_OK", None, None), ("NEG_COURT_LISTED", None, None))),
)
CAST_DEED_DAYS, CAST_HONOUR_DAYS = 20, 100

Lives: TypeAlias = list[list[Fact]]


class Plan(msgspec.Struct, frozen=True):
    """Which city: its seed, the day it is made, and how many records people have on average."""

    seed: int
    today: date
    records_mean: float


def compute_lives(plan: Plan, block: int, residents: list[Resident]) -> Lives:
    """Return everything on record about the members of a block, the record of joining first.

    Of the cast what their part asks for; of those after them one of each habit, so that none is missing in a small
    city; of all others what life brings.
    """
    lives = _compute_settled(plan.seed, plan.today, block, residents)
    spare = plan.records_mean - compute_settled_mean(plan.seed, plan.today)
    dice = Random(f"uses {plan.seed} {block}")
    if spare < 0:
        _thin(dice, lives, plan)
    else:
        add_uses(dice, lives, residents, plan.today, spare)
    if block == 0:
        for place in range(CAST_SIZE):
            lives[place] = _play_part(plan, residents[place])
    for place, resident in enumerate(residents):
        if resident.state == "left":
            lives[place] = []
    return lives


@lru_cache(maxsize=8)
def compute_settled_mean(seed: int, today: date) -> float:
    """Return how many records people have on average before they use their credit."""
    lives = _compute_settled(seed, today, 1, compute_residents(seed, 1, today))
    return sum(map(len, lives)) / BLOCK


def compute_cast_honour(number: int) -> str:
    """Return the honour a cast member holds: with the years every honour meets every level."""
    codes = tuple(CATALOGUE.honours)
    return codes[(number - 1 + (number - 1) // len(CAST)) % len(codes)]


def _compute_settled(seed: int, today: date, block: int, residents: list[Resident]) -> Lives:
    """Return what joining, duties and habits put on record."""
    dice = Random(f"lives {seed} {block}")
    lives = [[make_state(IDENTITY_INDICATOR, resident.joined)] for resident in residents]
    for facts, resident in zip(lives, residents, strict=True):
        _add_basics(dice, facts, resident, today.toordinal())
    last = today.toordinal() - DAYS_MIN
    for habit in HABITS:
        season = compute_days(habit.season, habit.days_max, today)
        for place in _draw_places(dice, habit, block):
            resident = residents[place]
            is_member_already = dice.random() < AFTER_JOINING_CHANCE
            day = draw_day(dice, season, resident.joined if is_member_already else resident.adult)
            if day is not None:
                _add_habit(dice, lives[place], habit, day, last, f"{seed}-{resident.number}")
    return lives


def _add_basics(dice: Random, facts: list[Fact], resident: Resident, today: int) -> None:
    """Put down what statutory duties are on record: the young have not paid in for long, the old draw a pension."""
    is_young = resident.joined - resident.paper.born < YOUNG_AGE * YEAR_DAYS
    if dice.random() < (INSURED_LONG_YOUNG if is_young else INSURED_LONG):
        facts.append(make_state("BASE_SI_36M", resident.joined))
    elif dice.random() < INSURED_SHORT:
        facts.append(make_state("BASE_SI_12M", resident.joined))
    for code, chance in BASICS:
        lot = dice.random()
        if lot < chance * BASICS_ENDED and resident.joined < today - DAYS_MIN:
            ends = dice.randrange(resident.joined + 1, today - DAYS_MIN + 1)
            facts.append(make_fact(code, resident.joined, entered=resident.joined, ends=ends, version=2))
        elif lot < chance:
            facts.append(make_state(code, resident.joined))


def _draw_places(dice: Random, habit: Habit, block: int) -> list[int]:
    """Return the places in a block of the people something happens to."""
    honour = habit.twin or (habit.code if habit.code in CATALOGUE.honours else "")
    last = PLACES_HONOURED if honour and is_given_once(honour) else BLOCK
    places = dice.choices(range(last), k=int(habit.per_thousand * BLOCK / 1000 + dice.random()))
    if block == 0:  # each person after the cast has one habit
        places.append(CAST_SIZE + HABITS.index(habit))
    return places


def _add_habit(dice: Random, facts: list[Fact], habit: Habit, day: int, last: int, key: str) -> None:
    """Put down that something happened, with its honour, and with its repair where it was repaired."""
    entered = draw_entry(dice, day, last, is_late=dice.random() < LATE_CHANCE)
    state = _draw_state(dice, habit.code)
    ends = day + dice.randint(*ENDED_DAYS) if dice.random() * 100 < habit.ended_percent else None
    ends = None if ends is None or ends > last else ends
    grade = dice.choice(habit.grades) if habit.grades else None
    document = f"惠演〔{key}〕{len(facts)}号" if needs_document(habit.code) else None
    act_id = f"act-{key}-{len(facts)}" if habit.twin else None
    fact = make_fact(
        habit.code, day, entered=entered, ends=ends, grade=grade, document=document, act_id=act_id, state=state,
        quantity=dice.choice(habit.quantities) if habit.quantities else None,
        version=1 + (state != "active") + (ends is not None),
    )  # fmt: skip
    facts.append(fact)
    if habit.twin:
        facts.append(make_fact(habit.twin, day, entered=entered, grade=grade, document=document, act_id=act_id))
    if state == "repaired" and entered < last:
        repaired = dice.randint(entered, last)
        facts.append(make_fact(REPAIR, repaired, entered=min(repaired + 1, last), document=f"{document}复"))


def _draw_state(dice: Random, code: str) -> str:
    lot = dice.random()
    for state, chance in CHANGED_NEGATIVE if code.startswith(NEGATIVE) else CHANGED:
        if lot < chance:
            return state
        lot -= chance
    return "active"


def _thin(dice: Random, lives: Lives, plan: Plan) -> None:
    """Drop records, but never that of joining, so that people have as few as asked for."""
    share = max(plan.records_mean - 1, 0) / (compute_settled_mean(plan.seed, plan.today) - 1)
    for place, facts in enumerate(lives):
        lives[place] = facts[:1] + [fact for fact in facts[1:] if dice.random() < share]


def _play_part(plan: Plan, resident: Resident) -> list[Fact]:
    number, today = resident.number, plan.today.toordinal()
    facts = [make_state(IDENTITY_INDICATOR, resident.joined)]
    for code, grade, quantity in CAST[(number - 1) % len(CAST)][1]:
        if code.startswith("BASE"):
            facts.append(make_state(code, resident.joined))
            continue
        day = today - CAST_DEED_DAYS
        document = f"惠演〔{plan.seed}-{number}〕{len(facts)}号" if needs_document(code) else None
        facts.append(make_fact(code, day, entered=day + 1, grade=grade, quantity=quantity, document=document))
    honour = compute_cast_honour(number)
    grades = CATALOGUE.honours[honour].grades
    grade = grades[(number - 1) // len(CAST) % len(grades)] if grades else None
    day = today - CAST_HONOUR_DAYS
    return [*facts, make_fact(honour, day, entered=day + 1, grade=grade)]

"""What is on record about the people of the demo city. Pure: the same dice, the same lives."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from uuid import UUID

import msgspec

from app.demo.rules_people import ADULT_DAYS, CAST_SIZE, DemoPerson
from app.membership.rules import IDENTITY_INDICATOR, IDENTITY_SOURCE
from app.record.rules import CATALOGUE, NewRecord

YEAR_DAYS = 365
USES_MAX = 80
USES_SHAPE = 1.45
LOOK_BACK_DAYS = 480  # some of it has expired by now
SOURCES = {
    "duty": "renshe-shuiwu", "volunteering": "zhiyuan", "gift_of_life": "xuezhan", "charity": "cishan",
    "good_deed": "wenming", "public_safety": "gongan", "honour": "biaozhang", "performance": "fayuan",
    "court": "fayuan", "tax": "shuiwu", "penalty": "zhifa", "fraud": "zhifa", "use_of_credit": "shouxin",
    "repair": "xiufu",
}  # fmt: skip


class Habit(msgspec.Struct, frozen=True):
    """What may be on record: how likely, of which grades (likelier ones more often) or quantities, at most how old."""

    indicator: str
    chance: float
    grades: tuple[str, ...] = ()
    quantities: tuple[int, ...] = ()
    days_max: int = LOOK_BACK_DAYS


HABITS = (
    Habit("POS_VOL_HOURS", 0.26, quantities=(6, 10, 12, 20, 20, 24, 24, 30, 30, 50, 60, 100)),
    Habit("POS_BLOOD", 0.06),
    Habit("POS_DONATE_MONEY", 0.12, quantities=(3_000, 10_000, 20_000, 50_000, 100_000, 300_000)),
    Habit("POS_PATROL", 0.03, quantities=(8, 12, 24, 40)),
    Habit("POS_CIVIC_ORG", 0.02, grades=("1", "1", "1", "2", "3")),
    Habit("POS_MEDIATE", 0.02, grades=("1", "1", "2", "3")),
    Habit("POS_CARE", 0.008, grades=("1", "1", "2")),
    Habit("POS_LOST_FOUND", 0.01, quantities=(10_000, 60_000, 120_000)),
    Habit("POS_REPORT_SAFETY", 0.006),
    Habit("POS_CLUE", 0.01),
    Habit("POS_SUPERVISE", 0.01),
    Habit("POS_REPORT_FAKE", 0.001, grades=("1", "1", "2")),
    Habit("POS_AWARD", 0.003, grades=("district_dept", "district_dept", "county", "county", "city")),
    Habit("POS_REDLIST", 0.004),
    Habit("POS_SERVICE_MERIT", 0.002, grades=("3", "3", "2")),
    Habit("POS_BRAVE", 0.0004, grades=("1", "1", "2")),
    Habit("POS_RESCUE", 0.001),
    Habit("POS_MARROW", 0.0005),
    Habit("POS_JUDGMENT_SELF", 0.002),
    Habit("USE_LATE_GOODS", 0.01, days_max=90),
    Habit("USE_LATE_MONEY", 0.003, days_max=200),
    Habit("NEG_PENALTY", 0.015, grades=("low", "low", "low", "heavy", "high")),
    Habit("NEG_TRAFFIC_MAJOR", 0.008, grades=("1", "1", "2")),
    Habit("NEG_CONTRACT_JUDG", 0.004),
    Habit("NEG_FEE_ADJUDGED", 0.002, days_max=300),
    Habit("NEG_COURT_LISTED", 0.006, days_max=900),
    Habit("NEG_FALSE_COMMIT", 0.001),
    Habit("REPAIR_DONE", 0.003),
)
USES = ("USE_PARK_PAID", "USE_LIB_ONTIME", "USE_RENT_ONTIME", "USE_PAYLATER_ONTIME")
STAR_CHANCE, HONOUR_CHANCE = 0.02, 0.012
STARS = ("1", "1", "1", "2", "2", "3", "4", "5")

# The cast: what takes its members to a level, from 500 points, 30 for identity and 60 for good faith.
BASICS = ("BASE_SI_36M", "BASE_TAX_OK", "BASE_UTILITY_OK")
CAST: tuple[tuple[str, tuple[tuple[str, str | None, int | None], ...]], ...] = (
    ("L5", (*((code, None, None) for code in BASICS), ("POS_VOL_HOURS", None, 200))),
    ("L4", (*((code, None, None) for code in BASICS), ("POS_VOL_HOURS", None, 50))),
    ("L3", tuple((code, None, None) for code in BASICS)),
    ("L5", (*((code, None, None) for code in BASICS), ("POS_AWARD", "city", None))),
    ("L4", (*((code, None, None) for code in BASICS), ("POS_CARE", "2", None))),
    ("L3", (("BASE_SI_12M", None, None), ("BASE_TAX_OK", None, None), ("BASE_UTILITY_OK", None, None))),
    ("L2", (("BASE_TAX_OK", None, None), ("NEG_PENALTY", "low", None))),
    ("L1", (("BASE_TAX_OK", None, None), ("NEG_COURT_LISTED", None, None))),
)


class Life:
    """The records of one person as they come together."""

    def __init__(self, dice: Random, person: DemoPerson, citizen_id: UUID, today: date) -> None:
        self._dice = dice
        self._person = person
        self._citizen_id = citizen_id
        self._today = today
        self._adult_days = (today - person.id_number.birth_on).days - ADULT_DAYS
        self.records = [self._identity()]

    def add(
        self,
        code: str,
        *,
        days_ago: int,
        grade: str | None = None,
        quantity: int | None = None,
        is_honour: bool = False,
        act_id: str | None = None,
    ) -> None:
        """Put a record down, not older than the person's adulthood."""
        indicator = None if is_honour else CATALOGUE.indicators[code]
        number = len(self.records)
        document = f"惠演〔{self._person.key}〕{number}号" if indicator and indicator.needs_document else None
        self.records.append(
            NewRecord(
                citizen_id=self._citizen_id,
                indicator=code if indicator else None,
                honour=None if indicator else code,
                source=SOURCES[indicator.topic] if indicator else "biaozhang",
                event_id=f"demo-{self._person.key}-{number}",
                event_on=self._today - timedelta(days=min(days_ago, self._adult_days)),
                grade=grade,
                quantity=quantity,
                document=document,
                act_id=act_id,
            )
        )

    def add_some_day(self, code: str, days_max: int, *, grade: str | None = None, quantity: int | None = None) -> None:
        """Put a record of some day down."""
        self.add(code, days_ago=self._dice.randrange(days_max), grade=grade, quantity=quantity)

    def _identity(self) -> NewRecord:
        """Return the record every joining writes about itself."""
        return NewRecord(
            citizen_id=self._citizen_id,
            indicator=IDENTITY_INDICATOR,
            honour=None,
            source=IDENTITY_SOURCE,
            event_id=f"identity:{self._citizen_id}",
            event_on=self._today - timedelta(days=self._person.member_days),
        )


def compute_records(dice: Random, person: DemoPerson, citizen_id: UUID, today: date) -> list[NewRecord]:
    """Return everything on record about a person; of the cast what their part asks for, of others what life brings."""
    life = Life(dice, person, citizen_id, today)
    if person.number <= CAST_SIZE:
        _play_part(life, person)
    else:
        _live(life, dice, person, today)
    return life.records


def compute_cast_level(number: int) -> str:
    """Return the level the part of a cast member leads to."""
    return CAST[(number - 1) % len(CAST)][0]


def compute_cast_honour(number: int) -> str:
    """Return the honour a cast member holds: with the years every honour meets every level."""
    codes = tuple(CATALOGUE.honours)
    return codes[(number - 1 + (number - 1) // len(CAST)) % len(codes)]


def _play_part(life: Life, person: DemoPerson) -> None:
    days = person.member_days
    for code, grade, quantity in CAST[(person.number - 1) % len(CAST)][1]:
        life.add(code, days_ago=days if code.startswith("BASE") else 20, grade=grade, quantity=quantity)
    honour = compute_cast_honour(person.number)
    grades = CATALOGUE.honours[honour].grades
    grade = grades[(person.number - 1) // len(CAST) % len(grades)] if grades else None
    life.add(honour, days_ago=100, grade=grade, is_honour=True)


def _live(life: Life, dice: Random, person: DemoPerson, today: date) -> None:
    _add_basics(life, dice, (today - person.id_number.birth_on).days // YEAR_DAYS, person.member_days)
    for habit in HABITS:
        if dice.random() < habit.chance:
            grade = dice.choice(habit.grades) if habit.grades else None
            quantity = dice.choice(habit.quantities) if habit.quantities else None
            life.add_some_day(habit.indicator, habit.days_max, grade=grade, quantity=quantity)
    # Most people have hardly used their credit, few use it daily.
    for _ in range(min(int(dice.paretovariate(USES_SHAPE)) - 1, USES_MAX)):
        life.add_some_day(dice.choice(USES), LOOK_BACK_DAYS)
    _add_honours(life, dice, person)


def _add_basics(life: Life, dice: Random, age: int, days_ago: int) -> None:
    """Put down what statutory duties are on record: the young have not paid in for long, the old draw a pension."""
    insured_long = 0.25 if age < 26 else 0.85  # noqa: PLR2004 - of that age, first jobs have lasted three years
    if dice.random() < insured_long:
        life.add("BASE_SI_36M", days_ago=days_ago)
    elif dice.random() < 0.6:  # noqa: PLR2004 - most others have a year
        life.add("BASE_SI_12M", days_ago=days_ago)
    for code, chance in (("BASE_TAX_OK", 0.98), ("BASE_UTILITY_OK", 0.9)):
        if dice.random() < chance:
            life.add(code, days_ago=days_ago)


def _add_honours(life: Life, dice: Random, person: DemoPerson) -> None:
    """Put honours down: a star volunteer has points and the honour from one act, others stand for themselves."""
    if dice.random() < STAR_CHANCE:
        star, days_ago, act_id = dice.choice(STARS), dice.randrange(700), f"star-{person.key}"
        life.add("POS_VOL_STAR", days_ago=days_ago, grade=star, act_id=act_id)
        life.add("VOL_STAR", days_ago=days_ago, grade=star, is_honour=True, act_id=act_id)
    if dice.random() < HONOUR_CHANCE:
        honour = dice.choice(tuple(CATALOGUE.honours.values()))
        grade = dice.choice(honour.grades) if honour.grades else None
        life.add(honour.code, days_ago=dice.randrange(300), grade=grade, is_honour=True)

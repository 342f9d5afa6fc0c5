"""Good rows of a department's file about the people of a generated city. Pure.

Who lives there follows from the seed alone, so a file needs no database.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from random import Random
from typing import Literal

import msgspec

from app.record.award import is_given_once
from app.record.catalogue import CATALOGUE
from app.town.people.facts import needs_document
from app.town.people.habits import HABITS, USES, Habit, compute_days
from app.town.people.life import ENDED_DAYS, PLACES_HONOURED
from app.town.people.names import BLOCK, compute_papers
from app.town.people.residents import compute_adult, has_left
from app.town.people.uses import LOOK_BACK_DAYS

Kind = Literal["records", "honours"]
COLUMNS = (
    "eventId", "indicator", "honour", "idNumber", "name", "eventOn", "endsOn", "grade", "quantity", "document", "actId",
)  # fmt: skip
TITLES = (
    "事件编号", "指标", "荣誉", "身份证号", "姓名", "发生日期", "结束日期", "等级", "数量", "依据文书", "行为编号",
)  # fmt: skip
EVENT, INDICATOR, HONOUR, ID_NUMBER, NAME, EVENT_ON, ENDS_ON, GRADE, QUANTITY, DOCUMENT, ACT = range(len(COLUMNS))

TEMPLATES = 20_000
USES_SHARE = 0.6
RECENT_DAYS, RECENT_SHARE = 28, 0.93  # a file reports the last weeks, and some things that were forgotten
HONOUR_WEIGHTS: Mapping[str, int] = {"VOL_STAR": 64, "RED_LIST": 16, "INTEGRITY_PERFORMER": 8}
GIVEN_ONCE_SHARE = 0.12


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Which file to write: about which city, on which day, and which share of its rows is not plain."""

    rows: int
    seed: int
    citizens: int
    kind: Kind
    dirt: float
    duplicates: float
    members_share: float
    encoding: Literal["utf-8", "gb18030"]
    form: Literal["csv", "jsonl"]
    today: date


class Template(msgspec.Struct, frozen=True):
    """A fact before it is about anybody: its cells, and whether it names a document and an act."""

    code: str
    day: int
    event_on: str
    ends: str
    grade: str
    quantity: str
    has_document: bool
    has_act: bool


class Person(msgspec.Struct, frozen=True):
    """Somebody rows are about."""

    number: str
    name: str
    adult: int


@lru_cache(maxsize=512)
def list_people(seed: int, block: int, last: int) -> list[Person]:
    """Return the people of a block, up to a number, who have not left."""
    first = block * BLOCK + 1
    return [
        Person(paper.number, paper.name, compute_adult(paper.born))
        for number, paper in zip(range(first, last + 1), compute_papers(seed, block), strict=False)
        if not has_left(number)
    ]


def draw_templates(dice: Random, order: Order) -> list[Template]:
    """Return the facts rows are made of."""
    if order.kind == "honours":
        return _draw_honours(dice, order.today)
    uses = int(TEMPLATES * USES_SHARE)
    return [
        *(_draw_use(dice, order.today) for _ in range(uses)),
        *(
            _draw_habit(dice, habit, order.today)
            for habit in dice.choices(RECORDED, [habit.per_thousand for habit in RECORDED], k=TEMPLATES - uses)
        ),
    ]


RECORDED = tuple(habit for habit in HABITS if habit.code in CATALOGUE.indicators)
GIVEN_ONCE = tuple(
    (honour.code, grade)
    for honour in CATALOGUE.honours.values()
    if is_given_once(honour.code)
    for grade in honour.grades or ("",)
)


def _draw_use(dice: Random, today: date) -> Template:
    use = dice.choices(USES, [sum(use.weights.values()) for use in USES])[0]
    days, weights = _find_days(dice, use.season, LOOK_BACK_DAYS, today)
    quantity = str(dice.choice(use.quantities)) if use.quantities else ""
    day = dice.choices(days, cum_weights=weights)[0]
    return make_template(use.code, day, quantity=quantity)


def _draw_habit(dice: Random, habit: Habit, today: date) -> Template:
    days, weights = _find_days(dice, habit.season, habit.days_max, today)
    day = dice.choices(days, cum_weights=weights)[0]
    has_ended = dice.random() * 100 < habit.ended_percent
    ends = min(day + dice.randint(*ENDED_DAYS), today.toordinal()) if has_ended else None
    return make_template(
        habit.code,
        day,
        ends="" if ends is None else str(date.fromordinal(ends)),
        grade=dice.choice(habit.grades) if habit.grades else "",
        quantity=str(dice.choice(habit.quantities)) if habit.quantities else "",
        has_act=bool(habit.twin),
    )


def _find_days(dice: Random, season: str, days_max: int, today: date) -> tuple[range, list[float]]:
    return compute_days(season, RECENT_DAYS if dice.random() < RECENT_SHARE else days_max, today)


def _draw_honours(dice: Random, today: date) -> list[Template]:
    """Return honours that are renewed; those given once are dealt out one to a person."""
    codes = dice.choices(tuple(HONOUR_WEIGHTS), tuple(HONOUR_WEIGHTS.values()), k=TEMPLATES)
    days, weights = compute_days("awards", LOOK_BACK_DAYS, today)
    drawn = dice.choices(days, cum_weights=weights, k=TEMPLATES)
    return [
        make_template(code, day, grade=dice.choice(grades) if (grades := CATALOGUE.honours[code].grades) else "")
        for code, day in zip(codes, drawn, strict=True)
    ]


def make_template(
    code: str, day: int, *, ends: str = "", grade: str = "", quantity: str = "", has_act: bool = False
) -> Template:
    """Return the fact that something happened on a day."""
    return Template(code, day, str(date.fromordinal(day)), ends, grade, quantity, needs_document(code), has_act)


def write_row(order: Order, event_id: str, person: Person, fact: Template) -> list[str]:
    """Return the cells of a good row."""
    is_record = order.kind == "records"
    return [
        event_id,
        fact.code if is_record else "",
        "" if is_record else fact.code,
        person.number,
        person.name,
        fact.event_on,
        fact.ends,
        fact.grade,
        fact.quantity,
        f"惠演〔{event_id}〕号" if fact.has_document else "",
        f"act-{event_id}" if fact.has_act else "",
    ]


def find_person_honoured_once(order: Order, count: int) -> tuple[int, str, str] | None:
    """Return the ``count``-th award of what is given once, as (number of the person, honour, grade); None after all.

    It goes to the last places of a block, to whom the city has given no such honour.
    """
    places = BLOCK - PLACES_HONOURED
    whole = order.citizens // BLOCK * places
    if count >= whole * len(GIVEN_ONCE):
        return None
    block, place = divmod(count % whole, places)
    code, grade = GIVEN_ONCE[count // whole]
    return block * BLOCK + PLACES_HONOURED + place + 1, code, grade

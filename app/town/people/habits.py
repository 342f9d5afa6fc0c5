"""What people of the demo city do, as data: how often, in which season, of which grade; read once. Pure."""

from __future__ import annotations

import csv
from bisect import bisect
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from itertools import accumulate
from random import Random

import msgspec

from app.record.catalogue import CATALOGUE
from app.town.people.names import DATA_FOLDER

# Nothing is younger than two days: so what a seed makes on a day does not depend on the hour.
DAYS_MIN = 2
SOURCES = {
    "duty": "renshe-shuiwu", "volunteering": "zhiyuan", "gift_of_life": "xuezhan", "charity": "cishan",
    "good_deed": "wenming", "public_safety": "gongan", "honour": "biaozhang", "performance": "fayuan",
    "court": "fayuan", "tax": "shuiwu", "penalty": "zhifa", "fraud": "zhifa", "use_of_credit": "shouxin",
    "repair": "xiufu",
}  # fmt: skip
HONOURS_SOURCE = "biaozhang"
ENTERED_DAYS, LATE_DAYS = (1, 25), (35, 300)
LATE_CHANCE = 0.04
# What becomes of some records.
CHANGED = (("corrected", 0.004), ("suspended", 0.002), ("superseded", 0.002))
PROFILES: Mapping[str, float] = {"driver": 0.4, "reader": 0.2, "renter": 0.28, "volunteer": 0.12}


class Habit(msgspec.Struct, frozen=True, kw_only=True):
    """A thing that happens to some: how many times to a thousand people within the days looked back on.

    Of ``grades`` and ``quantities`` the likelier ones are listed several times. ``ended_percent`` of the states
    have ended. ``twin`` is the honour that the same act earns in the same grade.
    """

    code: str
    per_thousand: float
    grades: tuple[str, ...]
    quantities: tuple[int, ...]
    season: str
    days_max: int
    ended_percent: int
    twin: str


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """A thing that some do again and again: how often it is this one of all, for every profile."""

    code: str
    quantities: tuple[int, ...]
    season: str
    weights: Mapping[str, float]


def read_habits() -> tuple[Habit, ...]:
    """Read what happens to some."""
    return tuple(
        Habit(
            code=row["code"],
            per_thousand=float(row["per_thousand"]),
            grades=_split(row["grades"]),
            quantities=tuple(map(int, _split(row["quantities"]))),
            season=row["season"],
            days_max=int(row["days_max"]),
            ended_percent=int(row["ended_percent"] or 0),
            twin=row["twin"],
        )
        for row in _read_rows("habits.csv")
    )


def read_uses() -> tuple[Use, ...]:
    """Read what some do again and again."""
    return tuple(
        Use(
            code=row["code"],
            quantities=tuple(map(int, _split(row["quantities"]))),
            season=row["season"],
            weights={profile: float(row[profile]) for profile in PROFILES},
        )
        for row in _read_rows("uses.csv")
    )


def read_seasons() -> dict[str, tuple[float, ...]]:
    """Read how much more of a thing happens in every month."""
    return {row["season"]: tuple(float(row[str(month)]) for month in range(1, 13)) for row in _read_rows("seasons.csv")}


def read_sources() -> list[tuple[str, str, str]]:
    """Read which departments report about the city: code, title in Chinese and in English."""
    return [(row["code"], row["title_zh"], row["title_en"]) for row in _read_rows("sources.csv")]


def _read_rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((DATA_FOLDER / name).read_text(encoding="utf-8").splitlines()))


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split("|")) if text else ()


HABITS, USES, SEASONS = read_habits(), read_uses(), read_seasons()


def find_source(code: str) -> str:
    """Return which department reports an indicator or honour."""
    listed = CATALOGUE.indicators.get(code)
    return SOURCES[listed.topic] if listed else HONOURS_SOURCE


@lru_cache(maxsize=512)
def compute_days(season: str, days_max: int, today: date) -> tuple[range, list[float]]:
    """Return the days something may have happened on, as ordinals, and their weights added up."""
    days = range(today.toordinal() - days_max, today.toordinal() - DAYS_MIN + 1)
    months = SEASONS[season]
    return days, list(accumulate(months[date.fromordinal(day).month - 1] for day in days))


def draw_entry(dice: Random, day: int, last: int, *, is_late: bool = False) -> int:
    """Return when a record of a day came in: soon, or long after the event; at most a day after the last day."""
    return min(day + dice.randint(*(LATE_DAYS if is_late else ENTERED_DAYS)), last + 1)


def draw_day(dice: Random, season: tuple[range, list[float]], first: int) -> int | None:
    """Return a day something happened on, no earlier than the first; None when there is none left."""
    days, weights = season
    low = max(first - days.start, 0)
    if low >= len(days):
        return None
    before = weights[low - 1] if low else 0.0
    return days[bisect(weights, before + dice.random() * (weights[-1] - before), low, len(days) - 1)]

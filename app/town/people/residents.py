"""Since when people of the demo city are members, what they consented to, and who has left. Pure."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from itertools import accumulate
from math import exp
from random import Random

import msgspec

from app.town.people.copy import compute_day_begin
from app.town.people.habits import DAYS_MIN
from app.town.people.names import BLOCK, CAST_SIZE, Paper, compute_papers

ADULT_AGE = 18
BLOOD_CONSENT, MARROW_CONSENT = "pos_blood", "pos_marrow"
# Half of the people let gifts of blood count, few have thought about stem cells; some have thought better of it.
CONSENTS = ((BLOOD_CONSENT, 0.5), (MARROW_CONSENT, 0.05))
WITHDRAWN_CHANCE = 0.03
LEFT_EVERY, LEFT_PLACE = 500, 250
FROZEN_EVERY, FROZEN_PLACE = 1500, 700

OPENED_DAYS = 800  # the city's own age
RUSH_DAYS, RUSH_WEIGHT = 45, 3.0  # many join when it opens, then by and by
CAST_MEMBER_DAYS = 400
SECOND = 1_000_000
FIRST_HOUR, HOURS = 7, 16
HOUR_SECONDS = 3600


class Resident(msgspec.Struct, frozen=True):
    """A member: since which day an adult and a member, as ordinals; instants as COPY counts them.

    ``consents`` are the separate ones as (purpose, given, withdrawn).
    """

    number: int
    paper: Paper
    adult: int
    joined: int
    joined_at: int
    consents: tuple[tuple[str, int, int | None], ...]
    state: str
    left_at: int | None


def compute_residents(seed: int, block: int, today: date) -> list[Resident]:
    """Return the members of a block."""
    dice = Random(f"residents {seed} {block}")
    days, weights = _compute_joining(today)
    joined = dice.choices(days, cum_weights=weights, k=BLOCK)
    if block == 0:
        joined[:CAST_SIZE] = [today.toordinal() - CAST_MEMBER_DAYS] * CAST_SIZE
    papers = compute_papers(seed, block)
    return [
        _settle(dice, block * BLOCK + place + 1, paper, day, today.toordinal())
        for place, (paper, day) in enumerate(zip(papers, joined, strict=True))
    ]


def has_left(number: int) -> bool:
    """Whether somebody was a member once and is forgotten."""
    return number % LEFT_EVERY == LEFT_PLACE


def _settle(dice: Random, number: int, paper: Paper, day: int, today: int) -> Resident:
    adult = compute_adult(paper.born)
    joined = max(day, adult)
    joined_at = compute_day_begin(joined) + int((FIRST_HOUR + HOURS * dice.random()) * HOUR_SECONDS) * SECOND
    span = compute_day_begin(today) - joined_at
    consents = tuple(
        (
            purpose,
            joined_at,
            joined_at + int(span * lot / chance / WITHDRAWN_CHANCE) if lot < chance * WITHDRAWN_CHANCE else None,
        )
        for purpose, chance in CONSENTS
        if (lot := dice.random()) < chance
    )
    state = "left" if has_left(number) else "frozen" if number % FROZEN_EVERY == FROZEN_PLACE else "active"
    left_at = joined_at + int(span * dice.random()) if state == "left" else None
    return Resident(number, paper, adult, joined, joined_at, consents, state, left_at)


@lru_cache(maxsize=1 << 15)
def compute_adult(born: int) -> int:
    """Return the day of somebody's eighteenth birthday; who was born on 29 February comes of age on 1 March."""
    birth_on = date.fromordinal(born)
    is_leap_day = (birth_on.month, birth_on.day) == (2, 29)
    return date(birth_on.year + ADULT_AGE, birth_on.month + is_leap_day, 1 if is_leap_day else birth_on.day).toordinal()


@lru_cache(maxsize=8)
def _compute_joining(today: date) -> tuple[range, list[float]]:
    days = range(today.toordinal() - OPENED_DAYS, today.toordinal() - DAYS_MIN + 1)
    return days, list(accumulate(1 + RUSH_WEIGHT * exp(-age / RUSH_DAYS) for age in range(len(days))))

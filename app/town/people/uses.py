"""How people of the demo city use their credit, again and again, each in their own way. Pure."""

from __future__ import annotations

from bisect import bisect, bisect_left
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import accumulate
from random import Random

from app.town.people.facts import Fact, make_fact
from app.town.people.habits import CHANGED, DAYS_MIN, LATE_CHANCE, PROFILES, USES, Use, compute_days, draw_entry
from app.town.people.names import BLOCK
from app.town.people.residents import Resident

LOOK_BACK_DAYS = 480  # some of it has expired by now
USES_MAX = 300
USES_SHAPE = 1.45  # most people have hardly used their credit, few use it daily
SCALE_STEPS = 60


def add_uses(
    dice: Random, lives: Sequence[list[Fact]], residents: Sequence[Resident], today: date, mean: float
) -> None:
    """Put down what the people of a block do again and again: ``mean`` times each, very unevenly.

    Nobody uses what they have not joined, and who joined lately has used little.
    """
    facts, starts, weights = _compute_uses(today)
    first = today.toordinal() - LOOK_BACK_DAYS
    profiles = dice.choices(tuple(PROFILES), tuple(PROFILES.values()), k=BLOCK)
    spans = [today.toordinal() - max(resident.joined, first) for resident in residents]
    scale = compute_scale(mean) * BLOCK / sum(spans)
    roll, last = dice.random, len(facts) - 1
    for life, resident, profile, span in zip(lives, residents, profiles, spans, strict=True):
        count = int(min(scale * span * (roll() ** (-1 / USES_SHAPE) - 1), USES_MAX) + roll())
        if count:
            added = weights[profile]
            low = starts[max(resident.joined - first, 0)]
            before = added[low - 1] if low else 0.0
            width = added[last] - before
            life += [facts[bisect(added, before + width * roll(), low, last)] for _ in range(count)]


@lru_cache(maxsize=64)
def compute_scale(mean: float) -> float:
    """Return the scale of the Pareto distribution (Lomax) that has a mean when it is cut at ``USES_MAX``."""
    low, high = 0.0, USES_MAX * 10.0
    for _ in range(SCALE_STEPS):
        scale = (low + high) / 2
        cut = scale / (USES_SHAPE - 1) * (1 - (1 + USES_MAX / scale) ** (1 - USES_SHAPE))
        low, high = (scale, high) if cut < mean else (low, scale)
    return (low + high) / 2


@lru_cache(maxsize=2)
def _compute_uses(today: date) -> tuple[list[Fact], list[int], dict[str, list[float]]]:
    """Return every fact that uses may leave, by day, where each day begins, and every profile's weights added up."""
    spread = sorted(((use, *one) for use in USES for one in _spread(use, today)), key=lambda one: one[1].day)
    facts = [fact for _, fact, _ in spread]
    days = [fact.day for fact in facts]
    starts = [bisect_left(days, day) for day in range(days[0], today.toordinal())]
    weights = {
        profile: list(accumulate(use.weights[profile] * weight for use, _, weight in spread)) for profile in PROFILES
    }
    return facts, starts, weights


def _spread(use: Use, today: date) -> Iterator[tuple[Fact, float]]:
    """Yield the facts one use may leave on all days, with their shares: in time, late, and with what became of it."""
    days, added = compute_days(use.season, LOOK_BACK_DAYS, today)
    dice, last, before = Random(f"{use.code} {today}"), today.toordinal() - DAYS_MIN, 0.0
    for day, upto in zip(days, added, strict=True):
        weight, before = (upto - before) / added[-1], upto
        entered = draw_entry(dice, day, last)
        for quantity in use.quantities or (None,):
            share = weight / max(len(use.quantities), 1)
            yield make_fact(use.code, day, entered=entered, quantity=quantity), share
        late = draw_entry(dice, day, last, is_late=True)
        yield make_fact(use.code, day, entered=late, quantity=quantity), weight * LATE_CHANCE
        state, chance = CHANGED[day % len(CHANGED)]
        changed = make_fact(use.code, day, entered=entered, quantity=quantity, state=state, version=2)
        yield changed, weight * chance * len(CHANGED)

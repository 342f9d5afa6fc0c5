"""How a source fares, and when it has turned bad. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import msgspec

from app.intake.fact.item import make_flaws
from app.values.days import add_months

DAYS_MAX = 366  # in one report
DAYS_DEFAULT = 28
TREND_DAYS = 28  # before the days asked for, to compare with
ROWS_MIN = 100  # fewer rows say nothing about a source
BAD_PERMILLE_MIN = 50  # a source that holds back less than this is not bad, whatever it was before
BAD_TIMES_MIN = 2  # worse than before means at least this many times
LATE_PERMILLE_MIN = 200
GONE_SHARE = 4  # a source that sends less than a quarter of what it sent has nearly fallen silent

SIGNS = make_flaws(
    ("more_quarantined", "", "被隔离的比例明显上升", "clearly more of its rows stay behind"),
    ("more_late", "", "迟报的比例明显上升", "clearly more of its rows are late"),
    ("much_less_sent", "", "报送量明显减少", "it sends much less than before"),
)
LATE_MONTHS = 1  # an entry made longer after its event is late
QUARANTINED = "quarantined:"  # before a reason, as an outcome of a source's day


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of rows of one day or several; ``quarantined`` by reason."""

    received: int = 0
    accepted: int = 0
    updated: int = 0
    duplicate: int = 0
    proposed: int = 0
    not_a_member: int = 0
    late: int = 0
    quarantined: dict[str, int] = {}

    @property
    def quarantined_permille(self) -> int:
        """Return how many of a thousand rows stayed behind."""
        return compute_permille(sum(self.quarantined.values()), self.received)

    @property
    def late_permille(self) -> int:
        """Return how many of a thousand rows that went in were late."""
        return compute_permille(self.late, self.accepted + self.updated)


class Sign(msgspec.Struct, frozen=True):
    """Something that turned bad: which of ``SIGNS``, and the numbers now and before."""

    code: str
    now: int
    before: int


def compute_quality(counts: Iterable[tuple[str, int]]) -> Quality:
    """Add up rows by outcome, where a reason in quarantine is an outcome of its own."""
    numbers: dict[str, int] = {}
    held: dict[str, int] = {}
    for outcome, rows in counts:
        into, name = (held, outcome[len(QUARANTINED) :]) if outcome.startswith(QUARANTINED) else (numbers, outcome)
        into[name] = into.get(name, 0) + rows
    named = {name: rows for name, rows in numbers.items() if name in Quality.__struct_fields__}
    return Quality(quarantined=held, **named)


def compute_permille(part: int, whole: int) -> int:
    """Return a part in thousandths of the whole, rounded down; nothing of nothing is nothing."""
    return part * 1000 // whole if whole else 0


def judge_turned_bad(quality: Quality, before: Quality, *, days: int) -> list[Sign]:
    """Return what is clearly worse in some days than in the ``TREND_DAYS`` before them.

    A share must pass its own threshold and be ``BAD_TIMES_MIN`` times what it was; a source that
    sent nothing before is bad by the threshold alone. Few rows prove nothing.
    """
    signs = []
    if quality.received >= ROWS_MIN:
        for code, share, share_before, permille_min in (
            ("more_quarantined", quality.quarantined_permille, before.quarantined_permille, BAD_PERMILLE_MIN),
            ("more_late", quality.late_permille, before.late_permille, LATE_PERMILLE_MIN),
        ):
            if share >= permille_min and share >= share_before * BAD_TIMES_MIN:
                signs.append(Sign(code, share, share_before))
    if before.received >= ROWS_MIN and quality.received * TREND_DAYS * GONE_SHARE < before.received * days:
        signs.append(Sign("much_less_sent", quality.received // days, before.received // TREND_DAYS))
    return signs


def compute_days_before(since: date) -> tuple[date, date]:
    """Return the first and the last of the days some days are compared with."""
    return since - timedelta(days=TREND_DAYS), since - timedelta(days=1)


def compute_late_before(today: date) -> date:
    """Return the first day whose events are not late when they are entered on a day."""
    return add_months(today, -LATE_MONTHS)


def is_late(event_on: date, ends_on: date | None, late_before: date) -> bool:
    """Whether an entry is late: what happened last, the event or its end, lies more than a month back."""
    return max(event_on, ends_on or event_on) < late_before

"""How sources fare: what came in, what stayed behind, and whether it turned bad."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from app.intake.fact.item import CleanItem, parse_source
from app.intake.fact.judge import is_source
from app.intake.quality import queries
from app.intake.quality.signs import (
    DAYS_MAX,
    QUARANTINED,
    Quality,
    Sign,
    compute_days_before,
    compute_late_before,
    compute_quality,
    is_late,
    judge_turned_bad,
)
from app.intake.source.queries import register as register_queries
from app.kit.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from app.intake.fact.item import Flaw, ItemOutcome
    from app.intake.quality.queries import DayCount


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How a source fared in some days, each of them, and beside the days before."""

    source: str
    total: Quality
    before: Quality
    signs: list[Sign]
    days: list[tuple[date, Quality]]


async def read_quality(source: str, since: date, until: date) -> Report:
    """Return how a source fared from one day to another, both included; refuses one that never sent anything."""
    _need_days(since, until)
    first, _ = compute_days_before(since)
    rows = await queries.list_days(source, first, until)
    if not rows and await register_queries.find_registration(source) is None:
        raise NotFound
    return _report(source, rows, since, until)


async def read_quality_of_all(since: date, until: date) -> list[Report]:
    """Return how every source fared that sent something in these days or in those before."""
    _need_days(since, until)
    first, _ = compute_days_before(since)
    rows = await queries.list_all_days(first, until)
    return [_report(source, list(of_one), since, until) for source, of_one in groupby(rows, lambda row: row.source)]


async def count_batch(
    items: Sequence[msgspec.Raw],
    judged: Sequence[CleanItem | Flaw],
    outcomes: Sequence[ItemOutcome],
    *,
    day: date,
) -> None:
    """Count the items of a batch by their source inside the caller's transaction, as the rows of a file are counted."""
    counts: Counter[tuple[str, str]] = Counter()
    late_before = compute_late_before(day)
    for raw, item, outcome in zip(items, judged, outcomes, strict=True):
        source = item.record.source if isinstance(item, CleanItem) else parse_source(raw)
        is_unknown = outcome.flaw is not None and outcome.flaw.code == "source_unknown"
        if source is None or not is_source(source) or is_unknown:
            continue  # no registered source can be said to have sent it
        counts[source, "received"] += 1
        counts[source, outcome.outcome if outcome.flaw is None else QUARANTINED + outcome.flaw.code] += 1
        if isinstance(item, CleanItem) and outcome.outcome in {"accepted", "updated"}:
            counts[source, "late"] += is_late(item.record.event_on, item.record.ends_on, late_before)
    if counts:
        await queries.insert_day_counts(day, counts)


def _report(source: str, rows: list[DayCount], since: date, until: date) -> Report:
    total = compute_quality((row.outcome, row.rows) for row in rows if row.day >= since)
    before = compute_quality((row.outcome, row.rows) for row in rows if row.day < since)
    by_day = groupby((row for row in rows if row.day >= since), lambda row: row.day)
    return Report(
        source=source,
        total=total,
        before=before,
        signs=judge_turned_bad(total, before, days=(until - since).days + 1),
        days=[(day, compute_quality((row.outcome, row.rows) for row in of_day)) for day, of_day in by_day],
    )


def _need_days(since: date, until: date) -> None:
    if not 0 <= (until - since).days < DAYS_MAX:
        raise InvalidRequest

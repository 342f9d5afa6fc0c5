"""How a table is cut by time, and which pieces that makes. Pure."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from app.values.days import Span, compute_span_begin, compute_span_end


class PartitionPlan(msgspec.Struct, frozen=True):
    """A table cut by time: how wide a piece is, how many days are made before and after today, and what is dropped."""

    table: str
    width: Span
    days_before: int
    days_ahead: int
    is_dropped: bool = False


def compute_pieces(plan: PartitionPlan, today: date) -> list[tuple[str, date, date]]:
    """Return (name, from, to) of every piece a plan wants on a day."""
    pieces: list[tuple[str, date, date]] = []
    begin = compute_span_begin(plan.width, today - timedelta(days=plan.days_before))
    while begin <= today + timedelta(days=plan.days_ahead):
        end = compute_span_end(plan.width, begin)
        pieces.append((f"{plan.table}_{begin:%Y%m%d}", begin, end))
        begin = end
    return pieces

"""The picture of a score's history: reads what ``chart.picture`` draws."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from app.score.book.actions.find import find_book
from app.score.chart import queries
from app.score.chart.picture import ChartSpan, ChartStep, compute_chart, compute_since
from app.score.current.actions.read import read_score
from app.values.days import compute_day_begin, shanghai_day

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

    from app.score.chart.picture import Language


async def draw_chart(citizen_id: UUID, *, months: int, language: Language, at: datetime) -> str:
    """Return the SVG of a citizen's last months, up to today; refuses with ``NoScore`` where there is no score."""
    current = await read_score(citizen_id)
    until = shanghai_day(at)
    since = compute_since(until, months)
    steps = await queries.list_days(citizen_id, compute_day_begin(since))
    if steps and steps[-1].value != current.value:  # a change of the rules that is still being written into histories
        steps = [step for step in steps if step.on < current.as_of] + [ChartStep(current.as_of, current.value)]
    return compute_chart(steps, await _list_spans(since), since=since, until=until, language=language)


async def _list_spans(since: date) -> list[ChartSpan]:
    """Return the rules in force from a day on; the first ones ever have no beginning."""
    books = await queries.list_activated_books()
    shown = [one for one, after in pairwise([*books, None]) if after is None or after.since > since]
    return [
        ChartSpan(None if one is books[0] else one.since, await find_book(one.id)) for one in shown if one is not None
    ]

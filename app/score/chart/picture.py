"""A score's history as a picture: a step line over the level bands of the rules of the time, one SVG. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Literal

import msgspec

from app.score.book.document import Level, RuleBook

CHART_MONTHS_DEFAULT, CHART_MONTHS_MAX = 12, 36
WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 56, 704, 48, 320
AROUND_POINTS = 40  # shown above and below the line
ABOVE, BELOW = 9, 18  # pixels from the last point to the foot of its number
TITLE_PIXELS_MIN = 16  # a band that is lower has no title
SPAN_PIXELS_MIN = 72  # nor has one that is narrower
MONTHS_NAMED_MAX = 6
VALUES_NAMED_MAX = 6
TINTS = ("#f3f6fb", "#e6eef8")
MONTHS_A_YEAR = 12
ESCAPES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;"} | dict.fromkeys(range(32), "")

Language = Literal["zh", "en"]


class ChartStep(msgspec.Struct, frozen=True):
    """The score from a day on."""

    on: date
    value: int


class ChartSpan(msgspec.Struct, frozen=True):
    """The rules in force from a day on; None: since anybody was scored."""

    since: date | None
    book: RuleBook


class _Frame(msgspec.Struct, frozen=True):
    """Which days and values the picture shows, and where."""

    since: date
    until: date
    low: int
    high: int

    def x(self, day: date) -> float:
        share = (day - self.since).days / max(1, (self.until - self.since).days)
        return round(LEFT + (RIGHT - LEFT) * min(1.0, max(0.0, share)), 1)

    def y(self, value: int) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(BOTTOM - (BOTTOM - TOP) * min(1.0, max(0.0, share)), 1)


def compute_since(until: date, months: int) -> date:
    """Return the day so many months before, or the last day of that month where it is shorter."""
    year, month = divmod(until.year * MONTHS_A_YEAR + until.month - 1 - months, MONTHS_A_YEAR)
    for day in range(until.day, 0, -1):
        try:
            return date(year, month + 1, day)
        except ValueError:
            continue
    raise AssertionError("every month has a first day")


def compute_chart(
    steps: Sequence[ChartStep], spans: Sequence[ChartSpan], *, since: date, until: date, language: Language
) -> str:
    """Draw a history from one day to another, both inclusive.

    ``steps`` in the order of their days; one before ``since`` is the score the period began with. ``spans`` in the
    order in which their rules came into force, at least one.
    """
    frame = _frame(steps, spans, since, until)
    parts = [
        *_iter_head(steps, since, until, language),
        *_iter_bands(spans, frame, language),
        *_iter_scale(frame),
        *_iter_months(frame),
        *(_iter_line(steps, frame) if steps else _iter_nothing(language)),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" aria-labelledby="title desc" lang="{"zh-CN" if language == "zh" else "en"}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="#333">{"".join(parts)}</svg>'
    )


def _frame(steps: Sequence[ChartStep], spans: Sequence[ChartSpan], since: date, until: date) -> _Frame:
    """Choose the edges: the values there are and a little around them, in tens, within the scales of the rules."""
    values = [step.value for step in steps] or [spans[-1].book.scale.base]
    low, high = (min(values) - AROUND_POINTS) // 10 * 10, -(-(max(values) + AROUND_POINTS) // 10) * 10
    floors, tops = [span.book.scale.min for span in spans], [span.book.scale.max for span in spans]
    if None not in floors:
        low = max(low, min(edge for edge in floors if edge is not None))
    if None not in tops:
        high = min(high, max(edge for edge in tops if edge is not None))
    return _Frame(since, until, min(low, high - 1), high)


def _iter_head(steps: Sequence[ChartStep], since: date, until: date, language: Language) -> Iterator[str]:
    moves = sum(step.on >= since for step in steps)
    if language == "zh":
        title = "信用分变动图"
        summary = f"{since} 至 {until}，变动 {moves} 次" + (
            f"，从 {steps[0].value} 分到 {steps[-1].value} 分" if steps else "，暂无信用分"
        )
    else:
        title = "History of the credit score"
        summary = f"{since} to {until}, {moves} {'step' if moves == 1 else 'steps'}" + (
            f", from {steps[0].value} to {steps[-1].value} points" if steps else ", no score yet"
        )
    yield f'<title id="title">{title}</title><desc id="desc">{summary}</desc>'
    yield f'<path fill="#fff" d="M0 0H{WIDTH}V{HEIGHT}H0z"/>'
    yield f'<text x="{LEFT}" y="22" font-size="16" font-weight="bold">{title}</text>'
    yield f'<text x="{LEFT}" y="39" fill="#666">{summary}</text>'


def _iter_bands(spans: Sequence[ChartSpan], frame: _Frame, language: Language) -> Iterator[str]:
    """Draw the levels of each rule book while it was in force."""
    begins = [frame.since if span.since is None else max(frame.since, span.since) for span in spans]
    for span, begin, end in zip(spans, begins, [*begins[1:], frame.until], strict=True):
        left, right = frame.x(begin), frame.x(end)
        if right > left:
            for number, (level, above) in enumerate(pairwise([*span.book.levels, None])):
                assert level is not None, "only the last one has none above"
                yield from _iter_band(level, above, (left, right), frame, TINTS[number % 2], language, number == 0)


def _iter_band(
    level: Level,
    above: Level | None,
    sides: tuple[float, float],
    frame: _Frame,
    tint: str,
    language: Language,
    is_lowest: bool,
) -> Iterator[str]:
    left, right = sides
    bottom = float(BOTTOM) if is_lowest else frame.y(level.at_least)
    top = float(TOP) if above is None else frame.y(above.at_least)
    if bottom <= top:
        return
    yield f'<path fill="{tint}" d="M{left} {top}H{right}V{bottom}H{left}z"/>'
    if bottom - top >= TITLE_PIXELS_MIN and right - left >= SPAN_PIXELS_MIN:
        title = (level.title_zh if language == "zh" else level.title_en).translate(ESCAPES)
        edge = "" if is_lowest else f" ≥ {level.at_least}"
        yield f'<text x="{left + 6}" y="{bottom - 5}" fill="#7a8ba5">{title}{edge}</text>'


def _iter_scale(frame: _Frame) -> Iterator[str]:
    """Name some round values at the left."""
    step = next(
        size for size in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 100_000, 1_000_000)
        if (frame.high - frame.low) / size <= VALUES_NAMED_MAX
    )  # fmt: skip
    for value in range(-(-frame.low // step) * step, frame.high + 1, step):
        y = frame.y(value)
        yield f'<path stroke="#d5dbe5" d="M{LEFT} {y}H{RIGHT}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{value}</text>'


def _iter_months(frame: _Frame) -> Iterator[str]:
    """Name some first days of months below."""
    first = frame.since.year * MONTHS_A_YEAR + frame.since.month
    months = range(first, frame.until.year * MONTHS_A_YEAR + frame.until.month)
    for number in months[:: max(1, -(-len(months) // MONTHS_NAMED_MAX))]:
        day = date(number // MONTHS_A_YEAR, number % MONTHS_A_YEAR + 1, 1)
        x = frame.x(day)
        yield f'<path stroke="#99a5b8" d="M{x} {BOTTOM}v5"/>'
        yield f'<text x="{x}" y="{BOTTOM + 20}" text-anchor="middle">{day:%Y-%m}</text>'


def _iter_line(steps: Sequence[ChartStep], frame: _Frame) -> Iterator[str]:
    """Draw the line: level from one step to the next, upright where the score moved."""
    first, last = steps[0], steps[-1]
    moves = "".join(f"H{frame.x(step.on)}V{frame.y(step.value)}" for step in steps[1:])
    yield (
        f'<path fill="none" stroke="#1a56a0" stroke-width="2" stroke-linejoin="round" '
        f'd="M{frame.x(first.on)} {frame.y(first.value)}{moves}H{RIGHT}"/>'
    )
    y = frame.y(last.value)
    yield f'<circle cx="{RIGHT}" cy="{y}" r="4" fill="#1a56a0"/>'
    # The number is written where the line does not come from: below the point when the line fell.
    fell = len(steps) > 1 and last.value < steps[-2].value
    beside = y + BELOW if fell and y + BELOW < BOTTOM else y - ABOVE
    yield f'<text x="{RIGHT}" y="{beside}" text-anchor="end" font-weight="bold">{last.value}</text>'


def _iter_nothing(language: Language) -> Iterator[str]:
    said = "暂无记录" if language == "zh" else "nothing yet"
    yield f'<text x="{(LEFT + RIGHT) / 2}" y="{(TOP + BOTTOM) / 2}" text-anchor="middle">{said}</text>'

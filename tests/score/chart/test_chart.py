"""The picture of a score's history: right at any number of steps, readable by machines and people, and harmless."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import msgspec
import pytest

from app.kit.clock import now, uuid7
from app.kit.db.database import execute
from app.record.catalogue import CATALOGUE
from app.score.book.published import parse_published
from app.score.book.standard import STANDARD_BOOK, STANDARD_BOOK_FILE
from app.score.chart import picture as chart_picture
from app.score.chart.picture import (
    BOTTOM,
    CHART_MONTHS_MAX,
    LEFT,
    RIGHT,
    TOP,
    ChartSpan,
    ChartStep,
    compute_chart,
    compute_since,
)
from app.values.days import SHANGHAI, shanghai_day
from tests.support.citizens import join, log_in

if TYPE_CHECKING:
    from uuid import UUID

    from httpx2 import AsyncClient

CHART = "/v1/me/score/chart.svg"
SVG = "{http://www.w3.org/2000/svg}"
SINCE, UNTIL = date(2025, 11, 22), date(2026, 11, 22)
RATING = [ChartSpan(None, STANDARD_BOOK)]
LEDGER = parse_published(STANDARD_BOOK_FILE.with_name("ledger_v1.json").read_bytes(), CATALOGUE)
PATH = re.compile(r"M([\d.]+) ([\d.]+)((?:H[\d.]+V[\d.]+)*)H([\d.]+)")


def draw(steps: list[ChartStep], spans: list[ChartSpan] | None = None, **more: Any) -> ET.Element:
    asked: dict[str, Any] = {"since": SINCE, "until": UNTIL, "language": "zh"} | more
    return ET.fromstring(compute_chart(steps, spans or RATING, **asked))  # noqa: S314 - our own picture


def texts(picture: ET.Element) -> list[str]:
    return [element.text or "" for element in picture.iter(f"{SVG}text")]


def line_of(picture: ET.Element) -> list[tuple[float, float]]:
    """Return the corners of the line."""
    (line,) = [path.get("d", "") for path in picture.iter(f"{SVG}path") if path.get("fill") == "none"]
    found = PATH.fullmatch(line)
    assert found, line
    x, y = float(found[1]), float(found[2])
    corners = [(x, y)]
    for along, down in re.findall(r"H([\d.]+)V([\d.]+)", found[3]):
        corners += [(float(along), y), (float(along), float(down))]
        y = float(down)
    return [*corners, (float(found[4]), y)]


def test_no_step_at_all() -> None:
    picture = draw([])
    assert "暂无记录" in texts(picture)
    assert picture.findtext(f"{SVG}desc") == "2025-11-22 至 2026-11-22，变动 0 次，暂无信用分"
    assert not [path for path in picture.iter(f"{SVG}path") if path.get("fill") == "none"]


def test_one_step_within_begins_where_the_score_began() -> None:
    picture = draw([ChartStep(date(2026, 5, 23), 590)])
    begin, end = line_of(picture)
    assert end[0] == RIGHT
    assert end[1] == begin[1]
    assert begin[0] == pytest.approx((LEFT + RIGHT) / 2, abs=2)
    assert TOP < begin[1] < BOTTOM
    assert texts(picture)[-1] == "590"
    assert picture.findtext(f"{SVG}desc") == "2025-11-22 至 2026-11-22，变动 1 次，从 590 分到 590 分"


def test_one_step_before_is_the_score_the_period_began_with() -> None:
    picture = draw([ChartStep(date(2020, 1, 1), 590)], language="en")
    assert line_of(picture)[0][0] == LEFT
    assert picture.findtext(f"{SVG}desc") == "2025-11-22 to 2026-11-22, 0 steps, from 590 to 590 points"


def test_two_steps_are_a_stair() -> None:
    corners = line_of(draw([ChartStep(SINCE, 590), ChartStep(UNTIL - timedelta(days=73), 654)]))
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = corners
    assert (x0, x3, y0, y2) == (LEFT, RIGHT, y1, y3)
    assert x1 == x2 == pytest.approx(LEFT + (RIGHT - LEFT) * 292 / 365, abs=0.1)
    assert y2 < y0  # up


@pytest.mark.parametrize(
    ("before", "last", "is_below"), [(590, 654, False), (654, 590, True), (590, 590, False)]
)  # fmt: skip
def test_the_last_value_is_written_where_the_line_does_not_come_from(before: int, last: int, is_below: bool) -> None:
    picture = draw([ChartStep(SINCE, before), ChartStep(SINCE, 520), ChartStep(SINCE, before), ChartStep(UNTIL, last)])
    (named,) = [text for text in picture.iter(f"{SVG}text") if text.text == str(last) and text.get("font-weight")]
    assert (float(named.get("y", "")) > line_of(picture)[-1][1]) is is_below


def test_a_fall_to_the_foot_of_the_picture_is_named_above() -> None:
    picture = draw([ChartStep(SINCE, 700), ChartStep(UNTIL, STANDARD_BOOK.scale.min or 0)])
    (named,) = [text for text in picture.iter(f"{SVG}text") if text.get("font-weight") and text.get("text-anchor")]
    assert float(named.get("y", "")) < BOTTOM


def test_five_hundred_steps() -> None:
    first = UNTIL - timedelta(days=499)
    steps = [ChartStep(first + timedelta(days=n), 500 + n * 37 % 300) for n in range(500)]
    picture = draw(steps, since=first)
    corners = line_of(picture)
    assert len(corners) == 2 * 500
    assert [x for x, _ in corners] == sorted(x for x, _ in corners)
    assert all(LEFT <= x <= RIGHT and TOP <= y <= BOTTOM for x, y in corners)
    assert len(set(corners[::2])) > 490
    heights = {step.value: y for step, (_, y) in zip(steps, corners[::2], strict=True)}
    assert [heights[value] for value in sorted(heights)] == sorted(heights.values(), reverse=True)
    assert len(ET.tostring(picture)) < 64 * 1024


@pytest.mark.parametrize("value", [0, 1000])
def test_the_ends_of_the_scale(value: int) -> None:
    picture = draw([ChartStep(SINCE, value)])
    assert line_of(picture)[0] == (LEFT, TOP if value else BOTTOM)
    assert not [text for text in texts(picture) if text.startswith("-") or text == "1040"]


def test_a_ledger_without_edges_is_scaled_to_its_points() -> None:
    steps = [ChartStep(SINCE, 1000), ChartStep(SINCE + timedelta(days=9), 1730), ChartStep(UNTIL, -260)]
    picture = draw(steps, [ChartSpan(None, LEDGER)])
    heights = [y for _, y in line_of(picture)]
    assert all(TOP < y < BOTTOM for y in heights)
    assert {"AAA级 ≥ 1050", "D级"} <= set(texts(picture))
    assert {"0", "500", "1000", "1500"} <= set(texts(picture))


def bands(picture: ET.Element) -> list[tuple[float, float, float, float]]:
    """Return left, right, top and bottom of the bands."""
    tints = set(chart_picture.TINTS)
    found = [path.get("d", "") for path in picture.iter(f"{SVG}path") if path.get("fill") in tints]
    numbers = [[float(number) for number in re.findall(r"[\d.]+", one)] for one in found]
    return [(left, right, top, bottom) for left, top, right, bottom, _ in numbers]


def test_bands_are_those_of_the_rules_of_the_time() -> None:
    wider = msgspec.structs.replace(
        STANDARD_BOOK,
        levels=tuple(
            msgspec.structs.replace(level, at_least=level.at_least + 10, title_zh=f"新{level.title_zh}")
            if level.at_least else level
            for level in STANDARD_BOOK.levels
        ),
    )  # fmt: skip
    turn = date(2026, 5, 23)
    steps = [ChartStep(SINCE, 590), ChartStep(turn, 640)]
    picture = draw(steps, [ChartSpan(None, STANDARD_BOOK), ChartSpan(turn, wider)])
    assert {"中等 ≥ 500", "良好 ≥ 600", "新中等 ≥ 510", "新良好 ≥ 610"} <= set(texts(picture))
    middle = (LEFT + RIGHT) / 2
    for left, right, _, _ in bands(picture):
        assert (left, right) in [(LEFT, pytest.approx(middle, abs=2)), (pytest.approx(middle, abs=2), RIGHT)]
    alone = draw(steps, [ChartSpan(turn, wider)])
    assert all(left >= middle - 2 for left, *_ in bands(alone))


def test_bands_fill_the_picture_without_a_gap() -> None:
    ordered = sorted(bands(draw([ChartStep(SINCE, 590), ChartStep(UNTIL, 690)])), key=lambda band: -band[3])
    assert (ordered[0][3], ordered[-1][2]) == (BOTTOM, TOP)
    assert all(lower[2] == upper[3] for lower, upper in pairwise(ordered))


def test_titles_in_english_and_never_markup() -> None:
    assert "good ≥ 600" in texts(draw([ChartStep(SINCE, 590)], language="en"))
    first, *others = STANDARD_BOOK.levels
    nasty = msgspec.structs.replace(first, title_zh='<script>alert("&\x00\x1f")</script>')
    book = msgspec.structs.replace(STANDARD_BOOK, levels=(nasty, *others))
    picture = draw([ChartStep(SINCE, 100)], [ChartSpan(None, book)])
    assert '<script>alert("&")</script>' in texts(picture)
    assert {element.tag.removeprefix(SVG) for element in picture.iter()} <= {
        "svg", "title", "desc", "path", "text", "circle",
    }  # fmt: skip


def test_it_is_accessible_and_refers_to_nothing() -> None:
    drawn = compute_chart([ChartStep(SINCE, 590)], RATING, since=SINCE, until=UNTIL, language="zh")
    picture = ET.fromstring(drawn)  # noqa: S314 - our own picture
    assert (picture.get("role"), picture.get("aria-labelledby"), picture.get("lang")) == ("img", "title desc", "zh-CN")
    assert [child.get("id") for child in picture[:2]] == ["title", "desc"]
    assert picture.findtext(f"{SVG}title") == "信用分变动图"
    for outside in ("href", "url(", "@import", "<script", "<style", "<image", " on", "http://", "https://"):
        assert outside not in drawn.replace('xmlns="http://www.w3.org/2000/svg"', ""), outside


@pytest.mark.parametrize(
    ("until", "months", "since"),
    [
        (date(2026, 11, 22), 12, date(2025, 11, 22)), (date(2026, 11, 22), 1, date(2026, 10, 22)),
        (date(2026, 3, 31), 1, date(2026, 2, 28)), (date(2028, 2, 29), 12, date(2027, 2, 28)),
        (date(2026, 1, 15), 1, date(2025, 12, 15)), (date(2026, 1, 15), CHART_MONTHS_MAX, date(2023, 1, 15)),
    ],
)  # fmt: skip
def test_months_before_a_day(until: date, months: int, since: date) -> None:
    assert compute_since(until, months) == since


@pytest.mark.parametrize("months", [1, 2, 12, CHART_MONTHS_MAX])
def test_months_are_named_below(months: int) -> None:
    named = [text for text in texts(draw([], since=compute_since(UNTIL, months))) if re.fullmatch(r"\d{4}-\d\d", text)]
    assert 1 <= len(named) <= chart_picture.MONTHS_NAMED_MAX
    assert named == sorted(set(named))


async def get(client: AsyncClient, headers: dict[str, str], query: str = "", language: str = "zh-CN") -> ET.Element:
    answer = await client.get(f"{CHART}{query}", headers={**headers, "Accept-Language": language})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].partition(";")[0] == "image/svg+xml"
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["content-disposition"].endswith(f'huixin-score-{shanghai_day(now())}.svg"')
    return ET.fromstring(answer.text)  # noqa: S314 - our own picture


async def write_history(citizen_id: UUID, days: dict[int, int]) -> None:
    """Write steps so many days ago, at noon, in the place of the history there is; the last is the current score."""
    await execute("DELETE FROM score_change WHERE citizen_id = $1", citizen_id)
    noon = datetime.now(SHANGHAI).replace(hour=12)
    for ago, value in days.items():
        at = noon - timedelta(days=ago)
        await execute(
            """
            INSERT INTO score_change (id, citizen_id, at, from_value, to_value, from_level, to_level, reasons)
            VALUES ($1, $2, $3, NULL, $4, NULL, 'L3', '[]')
            """,
            uuid7(at),
            citizen_id,
            at,
            value,
        )
    if days:
        await execute("UPDATE score_snapshot SET value = $2 WHERE citizen_id = $1", citizen_id, [*days.values()][-1])


async def test_a_newcomers_picture(client: AsyncClient) -> None:
    member = await join(client)
    picture = await get(client, member.headers)
    assert line_of(picture)[-1][0] == RIGHT
    assert texts(picture)[-1] == "590"
    english = await get(client, member.headers, language="en-GB")
    assert english.findtext(f"{SVG}title") == "History of the credit score"


@pytest.mark.parametrize("count", [0, 1, 2, 500])
async def test_any_number_of_steps(client: AsyncClient, count: int) -> None:
    member = await join(client)
    await write_history(member.id, {ago: 600 + ago % 50 for ago in range(count, 0, -1)})
    picture = await get(client, member.headers, f"?months={CHART_MONTHS_MAX}")
    if count:
        assert len(line_of(picture)) == 2 * count
        assert texts(picture)[-1] == "601"
    else:
        assert "暂无记录" in texts(picture)


async def test_only_the_last_of_a_day_and_the_last_before(client: AsyncClient) -> None:
    member = await join(client)
    await write_history(member.id, {400: 610, 395: 620, 100: 630})
    at = datetime.now(SHANGHAI).replace(hour=13) - timedelta(days=100)
    await execute(
        "INSERT INTO score_change SELECT $1, citizen_id, $2, 630, 640, 'L3', 'L3', '[]' FROM score_snapshot "
        "WHERE citizen_id = $3",
        uuid7(at),
        at,
        member.id,
    )
    await execute("UPDATE score_snapshot SET value = 640 WHERE citizen_id = $1", member.id)
    assert len(line_of(await get(client, member.headers))) == 4
    assert "从 620 分到 640 分" in ((await get(client, member.headers)).findtext(f"{SVG}desc") or "")
    assert "从 610 分到 640 分" in ((await get(client, member.headers, "?months=36")).findtext(f"{SVG}desc") or "")
    assert "变动 0 次，从 640 分到 640 分" in (
        (await get(client, member.headers, "?months=1")).findtext(f"{SVG}desc") or ""
    )


async def test_the_picture_ends_with_the_current_score(client: AsyncClient) -> None:
    """Histories are written some time after new rules have changed everybody's score at once."""
    member = await join(client)
    await execute("UPDATE score_snapshot SET value = 612 WHERE citizen_id = $1", member.id)
    assert texts(await get(client, member.headers))[-1] == "612"


@pytest.mark.parametrize("query", ["months=0", f"months={CHART_MONTHS_MAX + 1}", "months=x", "months=1.5"])
async def test_months_have_limits(client: AsyncClient, query: str) -> None:
    member = await join(client)
    answer = await client.get(f"{CHART}?{query}", headers=member.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


async def test_who_may_not(client: AsyncClient) -> None:
    new = await log_in(client)
    answer = await client.get(CHART, headers=new.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_joined")
    assert (await client.get(CHART)).status_code == 401

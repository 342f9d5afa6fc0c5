"""Shows on a terminal what a city is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from app.kit.db.database import transaction
from app.record.catalogue import CATALOGUE
from app.score.book.actions.find import find_current_levels
from app.town.city import queries
from app.town.people import queries as people_queries
from app.town.people.names import AREA_PREFIX, DISTRICTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console

STATES = {"active": "在册", "frozen": "冻结", "left": "已退出", "new": "未实名"}
DISTRICT_NAMES = {district.code: district.name for district in DISTRICTS} | {"00": "市本级"}
HONOURS = "honour"


async def show_city(console: Console) -> None:
    """Print tables of the citizens, their records and their scores."""
    async with transaction():
        await people_queries.mark_whole()
        await _show_tables(console)


async def _show_tables(console: Console) -> None:
    console.print(_show_counts("市民 citizens", await queries.count_citizens(), STATES))
    console.print(_show_counts("区县 districts", await queries.count_districts(), _name_districts()))
    console.print(_show_counts("年龄 ages", await queries.count_ages(), {}))
    if levels := await queries.count_levels():
        titles = {level.code: level.title_zh for level in (await find_current_levels()).values()}
        console.print(_show_counts("等级 levels", levels, titles))
    records = await queries.count_records()
    console.print(_show_counts("记录 records", _add_up(records), {}))
    console.print(_show_records(records))
    console.print(_show_counts("月份 months (POS)", await queries.count_months(), {}))
    if spread := await queries.find_spread():
        console.print(
            f"每人记录数 records of a citizen: 中位 median {spread.middle}, 前10% top tenth {spread.tenth}, "
            f"前1% top hundredth {spread.hundredth}, 最多 most {spread.most}"
        )


def _name_districts() -> Mapping[str, str]:
    return {f"{AREA_PREFIX}{seed:02d}{code}": name for seed in range(100) for code, name in DISTRICT_NAMES.items()}


def _add_up(records: Iterable[queries.CountedRecords]) -> list[queries.Counted]:
    totals: dict[str, int] = {}
    for row in records:
        dimension = row.dimension or HONOURS
        totals[dimension] = totals.get(dimension, 0) + row.count
    return [queries.Counted(code, count) for code, count in totals.items()]


def _show_counts(title: str, rows: Sequence[queries.Counted], names: Mapping[str, str]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    table.add_column("", justify="right")
    table.add_column("%", justify="right")
    total = sum(row.count for row in rows)
    for row in rows:
        table.add_row(f"{row.code} {names.get(row.code, '')}".strip(), f"{row.count:,}", f"{row.count / total:.1%}")
    table.add_row("合计 total", f"{total:,}", "", style="bold")
    return table


def _show_records(rows: Iterable[queries.CountedRecords]) -> Table:
    table = Table(title="指标与荣誉 indicators and honours", title_justify="left")
    for title in ("", "", "dimension"):
        table.add_column(title)
    for title in ("记录 records", "已终止 ended", "有变动 changed", "迟报 late"):
        table.add_column(title, justify="right")
    for row in rows:
        listed = CATALOGUE.indicators.get(row.code) or CATALOGUE.honours[row.code]
        numbers = (f"{number:,}" for number in (row.count, row.ended, row.changed, row.late))
        table.add_row(row.code, listed.title_zh, row.dimension or HONOURS, *numbers)
    return table

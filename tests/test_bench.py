"""What measures does not flatter: a ceiling is the service's own statement, and what was not done is no figure."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from app.redemption.till.queries.lanes import RedeemItem
from app.settings import read_settings
from load_tests import history
from load_tests.ceilings import fill_in, read_statement, write_script
from load_tests.city import City, Till
from load_tests.client import Result
from load_tests.figures import compare
from load_tests.grown import SLACK_ITEMS, Growth, NothingDone, watching
from tests.support.waiting import patient_connection

pytestmark = pytest.mark.usefixtures("app")
FIELDS = RedeemItem.__struct_fields__
PARAMETERS = ", ".join(f"${number}::text[]" for number in range(1, len(FIELDS) + 1))
VALUES = dict.fromkeys(FIELDS, "'x'")


def make_statement(names: tuple[str, ...] = FIELDS, parameters: str = PARAMETERS) -> str:
    return f"SELECT * FROM unnest({parameters}) WITH ORDINALITY AS given ({', '.join(names)}, n) -- $99"


def make_till() -> Till:
    return Till(uuid4(), uuid4(), uuid4(), "", [uuid4() for _ in range(5)])


@pytest.mark.parametrize("is_hot", [False, True])
async def test_a_transaction_of_the_ceiling_redeems(var_folder: Path, *, is_hot: bool) -> None:
    city = City(accounts=[], readers=[], tokens=[], tills=[make_till() for _ in range(3)], hot=make_till())
    script = (await write_script(var_folder, city, is_hot=is_hot)).read_text()
    statement = script.splitlines()[-1].replace(":c::", "7::").replace("[:b]", "[1]").rstrip(";")
    async with patient_connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(
            "INSERT INTO benefit_usage (benefit_id, is_whole) VALUES ($1, true)", city.hot.benefit_ids[0]
        )
        rows = await connection.fetch(statement)
        used = await connection.fetchval(
            "SELECT used FROM benefit_usage WHERE benefit_id = $1", city.hot.benefit_ids[0]
        )
        await transaction.rollback()
    assert ([row["outcome"] for row in rows], used) == (["redeemed"], 1 if is_hot else 0)


async def test_a_hot_row_and_a_spread_one_have_the_statement_the_service_would_send() -> None:
    for is_hot in (False, True):
        fill_in(await read_statement(is_hot=is_hot), VALUES)


@pytest.mark.parametrize(
    ("statement", "values", "named"),
    [
        (make_statement(("unheard_of", *FIELDS[1:])), VALUES | {"unheard_of": "1"}, f"'{FIELDS[0]}', 'unheard_of'"),
        (make_statement(FIELDS[:-1]), VALUES, FIELDS[-1]),
        (make_statement(), {name: "1" for name in FIELDS if name != "stock"}, "stock"),
        (make_statement(parameters=PARAMETERS.replace("$2::text[], ", "")), VALUES, "parameters"),
        (make_statement(parameters=PARAMETERS.replace("$2::text[]", "$2::text")), VALUES, "no array"),
        ("SELECT $1::text[]", VALUES, "names no parameters"),
    ],
)
def test_a_parameter_without_a_value_is_named(statement: str, values: dict[str, str], named: str) -> None:
    with pytest.raises(SystemExit, match=named):
        fill_in(statement, values)


def test_values_are_put_in_by_name() -> None:
    filled = fill_in(make_statement(tuple(reversed(FIELDS))), {name: f"'{name}'" for name in FIELDS})
    assert filled.startswith(f"SELECT * FROM unnest((ARRAY['{FIELDS[-1]}']::text[])")
    assert "$" not in filled


@pytest.mark.parametrize(
    ("redeemed", "is_believed"),
    [
        (0, False),
        (1000 - 200 - SLACK_ITEMS - 1, False),
        (1000 - 200 - SLACK_ITEMS, True),
        (1000, True),
        (1000 + 200 + SLACK_ITEMS, True),
        (1000 + 200 + SLACK_ITEMS + 1, False),
    ],
)
def test_a_rate_has_to_be_what_was_redeemed(redeemed: int, *, is_believed: bool) -> None:
    growth = Growth()
    try:
        growth.expect(redeemed, rate=500, seconds=2, what="a load")
    except NothingDone:
        assert not is_believed
    else:
        assert (is_believed, growth.expected) == (True, redeemed)


async def test_a_load_that_left_no_rows_is_no_figure() -> None:
    async with watching(read_settings().database_url):
        pass
    with pytest.raises(NothingDone, match="1000 redemptions were answered, the table grew by 0"):
        async with watching(read_settings().database_url) as growth:
            growth.expect(1000, rate=1000, seconds=1, what="a load")


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("redemption", history.REDEMPTION),
        ("scan", history.SCAN),
        ("access_log", history.ACCESS_LOG),
        ("event", history.EVENT),
        ("benefit_use", history.USE),
    ],
)
async def test_a_history_fills_every_column(table: str, values: dict[str, str | None]) -> None:
    connection = await asyncpg.connect(read_settings().database_url)
    try:
        await history.write_insert(connection, table, values)
        with pytest.raises(SystemExit, match="there is no value for"):
            await history.write_insert(connection, table, {"id": "id", "at": "at"})
    finally:
        await connection.close()


def make_result(rate: float, statuses: dict[int, int]) -> Result:
    return Result(rate=rate, p50_ms=1, p99_ms=2, statuses=statuses)


def test_the_round_with_the_median_ratio_is_reported_and_every_round_has_to_be_clean() -> None:
    rates = [(100.0, 100.0), (300.0, 100.0), (200.0, 100.0)]
    results = [make_result(rate, {201: 1}) for rate, _ in rates]
    ceilings = [make_result(rate, {}) for _, rate in rates]
    figure = compare("x", 1, results, ceilings, "y", 2)
    assert (figure.value, figure.ceiling, figure.is_met) == (200, 100, True)
    results[0] = make_result(100, {201: 9, 409: 1})
    assert not compare("x", 1, results, ceilings, "y", 2).is_met

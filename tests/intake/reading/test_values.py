"""What people and spreadsheets write in cells, as tables."""

from __future__ import annotations

import contextlib
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.intake.fact.item import Flaw
from app.intake.reading.values import (
    PLAIN_DATE_FORMS,
    VALUE_FLAWS,
    DateForm,
    read_code,
    read_day,
    read_id_number,
    read_quantity,
    read_text,
)

FORMULA = "formula_in_cell"
THE_DAY = date(2026, 1, 5)


def code_of(value: Any) -> Any:
    return value.code if isinstance(value, Flaw) else value


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("张三", "张三"), (" 张三\u3000", "张三"), ("\xa0\u200b张三\ufeff\n", "张三"),
        ("'001", "001"), ("' 001 ", "001"),
        ('="001"', "001"), (' ="001" ', "001"), ('=""', None), ('="张三"', "张三"),
        ("", None), ("  ", None), ("-", None), ("--", None), ("—", None), ("/", None), ("NULL", None), ("null", None),
        ("\\N", None), ("'", None),
        ("-5", "-5"), ("+1,234.50", "+1,234.50"), ("－５", "－５"), ("2026-01-05", "2026-01-05"),
        ("（2026）闽0203执123号", "（2026）闽0203执123号"), ("E-1", "E-1"), ("Ａ-1", "Ａ-1"), ("a=b", "a=b"),
        ("=1+1", FORMULA), ("=A1", FORMULA), ("+A1", FORMULA), ("-A1", FORMULA), ("@SUM(A1)", FORMULA),
        (" =cmd|' /C calc'!A0", FORMULA), ("'=1+1", FORMULA), ("＝1+1", FORMULA), ("＋A1", FORMULA), ("－A1", FORMULA),
        ("＠SUM(A1)", FORMULA), ('="=1+1"', FORMULA), ('="a"&"b"', FORMULA), ('=HYPERLINK("http://x","y")', FORMULA),
        ("-E-1", FORMULA), ("+86 592 1234567", FORMULA), ("=", FORMULA), ("====x", FORMULA),
        ("-1,23", FORMULA), ("\t=1+1", FORMULA),
    ],
)  # fmt: skip
def test_texts(cell: str, expected: str | None) -> None:
    assert code_of(read_text(cell)) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("ＰＯＳ＿ＢＬＯＯＤ", "POS_BLOOD"),
        ("Ａ ", "A"),
        ("１", "1"),
        ("一星", "一星"),
        ("　　", None),
        ("＝x", FORMULA),
    ],
)
def test_codes_are_half_width(cell: str, expected: str | None) -> None:
    assert code_of(read_code(cell)) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("11010519491231002X", "11010519491231002X"), ("11010519491231002x", "11010519491231002x"),
        ("１１０１０５１９４９１２３１００２Ｘ", "11010519491231002X"), (" '11010519491231002X", "11010519491231002X"),
        ('="11010519491231002X"', "11010519491231002X"), ("3.50E+17", "spoilt_scientific"),
        ("3.50203E+17", "spoilt_scientific"), ("３.５０Ｅ＋１７", "spoilt_scientific"),
        ("35e16", "spoilt_scientific"),
        ("=A1", FORMULA), ("=1234567890123456+A", FORMULA), ("", None),
    ],
)  # fmt: skip
def test_id_numbers(cell: str, expected: str | None) -> None:
    assert code_of(read_id_number(cell)) == expected


@pytest.mark.parametrize(
    "cell",
    [
        "2026/1/5", "2026/01/05", "2026-01-05", "2026-1-5", "2026.1.5", "2026年1月5日", "2026年01月05日", "2026年1月5",
        "20260105", "２０２６／１／５", "２０２６年１月５日", " 2026-01-05 ", "'2026-01-05", '="2026-01-05"',
        "2026-01-05 00:00:00", "2026/1/5 0:00", "2026-01-05T00:00:00", "2026-01-05 00:00:00.000", "2026/1/5 14:30",
        "2026年1月5日 08:05:09", "20260105 23:59:59",
    ],
)  # fmt: skip
def test_the_same_day_in_many_forms(cell: str) -> None:
    assert read_day(cell, PLAIN_DATE_FORMS) == THE_DAY


@pytest.mark.parametrize(
    "cell",
    [
        "2026-02-30", "2026/13/1", "2026-00-01", "0000-01-01", "26-01-05", "2026-1/5", "2026.1-5", "202615", "2026",
        "5/1/2026", "1/5/2026", "46027", "2026-01-05Z", "2026-01-05T00:00:00Z", "2026-01-05T00:00:00+08:00",
        "2026-01-05 24:00:00", "2026-01-05 9:60", "2026-001-05", "٢٠٢٦-٠١-٠٥", "明天", "2026-W01-1", "2.0260105E7",
        "2026-01-05 08", "10:30", "2026年1月",
    ],
)  # fmt: skip
def test_what_is_no_day(cell: str) -> None:
    assert code_of(read_day(cell, PLAIN_DATE_FORMS)) == "date_unreadable"


@pytest.mark.parametrize(("cell", "expected"), [("", None), ("-", None), ("=TODAY()", FORMULA), ("/", None)])
def test_cells_without_a_day(cell: str, expected: str | None) -> None:
    assert code_of(read_day(cell, PLAIN_DATE_FORMS)) == expected


@pytest.mark.parametrize(
    ("cell", "forms", "expected"),
    [
        ("46027", ("excel_serial",), THE_DAY), ("46027.0", ("excel_serial",), THE_DAY),
        ("４６０２７", ("excel_serial",), THE_DAY), ("61", ("excel_serial",), date(1900, 3, 1)),
        ("60", ("excel_serial",), "date_unreadable"), ("46027.5", ("excel_serial",), "date_unreadable"),
        ("401768", ("excel_serial",), date(2999, 12, 31)), ("401769", ("excel_serial",), "date_unreadable"),
        ("9999999", ("excel_serial",), "date_unreadable"), ("-1", ("excel_serial",), "date_unreadable"),
        ("1/5/2026", ("month_first",), THE_DAY), ("5/1/2026", ("day_first",), THE_DAY),
        ("5.1.2026", ("day_first",), THE_DAY), ("13/1/2026", ("month_first",), "date_unreadable"),
        ("13/1/2026", ("month_first", "day_first"), date(2026, 1, 13)),
        ("2026/1/5", ("day_first", "year_first"), THE_DAY), ("20260105", ("year_first",), "date_unreadable"),
    ],
)  # fmt: skip
def test_forms_a_mapping_may_name(cell: str, forms: tuple[DateForm, ...], expected: object) -> None:
    assert code_of(read_day(cell, forms)) == expected


@pytest.mark.parametrize(
    ("cell", "factor", "expected"),
    [
        ("5", "1", 5), ("５", "1", 5), ("1,234,567", "1", 1_234_567), ("12.0", "1", 12), ("12.00", "1", 12),
        ("+5", "1", 5), ("-5", "1", -5), ("0", "1", 0), ("1.5", "60", 90), ("0.1", "100", 10), ("19.99", "100", 1_999),
        ("1,234.56", "100", 123_456), ("99999999999999999999", "1", 99_999_999_999_999_999_999), ("", "1", None),
        ("--", "1", None), ("1.5", "1", "quantity_not_whole"), ("0.001", "100", "quantity_not_whole"),
        ("1.00001", "60", "quantity_not_whole"), ("1E+3", "1", "spoilt_scientific"),
        ("1.2e5", "1", "spoilt_scientific"),
        ("12,34", "1", "quantity_invalid"), ("1,2345", "1", "quantity_invalid"), ("五", "1", "quantity_invalid"),
        ("5小时", "1", "quantity_invalid"), ("NaN", "1", "quantity_invalid"), ("inf", "1", "quantity_invalid"),
        ("9" * 21, "1", "quantity_invalid"), ("٥", "1", "quantity_invalid"), ("1_000", "1", "quantity_invalid"),
        ("=SUM(A1:A9)", "1", FORMULA),
    ],
)  # fmt: skip
def test_quantities(cell: str, factor: str, expected: object) -> None:
    assert code_of(read_quantity(cell, Decimal(factor))) == expected


def test_every_flaw_is_tested() -> None:
    tested = {"date_unreadable"}
    tests: tuple[Any, ...] = (test_texts, test_id_numbers, test_quantities)
    for test in tests:
        (mark,) = test.pytestmark
        tested |= {case[-1] for case in mark.args[1]}
    assert set(VALUE_FLAWS) <= tested


@given(st.text(max_size=30), st.sampled_from(PLAIN_DATE_FORMS))
def test_any_cell_gets_a_verdict(cell: str, form: DateForm) -> None:
    for value in (read_text(cell), read_code(cell), read_id_number(cell)):
        assert value is None or isinstance(value, Flaw | str)
        assert value != ""
    assert isinstance(read_day(cell, (form,)), date | Flaw | None)
    assert isinstance(read_quantity(cell, Decimal(60)), int | Flaw | None)


@given(st.text(max_size=30))
def test_nothing_a_spreadsheet_would_run_is_let_through(cell: str) -> None:
    text = read_text(cell)
    if isinstance(text, str) and text[0] in "=+-@＝＋－＠":
        with contextlib.suppress(ValueError):
            float(text.replace(",", ""))
            return
        raise AssertionError(text)


@given(st.decimals(0, 10**9, places=2))
def test_money_is_exact(yuan: Decimal) -> None:
    assert read_quantity(f"{yuan:,.2f}", Decimal(100)) == int(yuan.scaleb(2))


@given(st.dates(date(1900, 3, 1), date(2999, 12, 31)))
def test_every_day_is_read_in_every_form(day: date) -> None:
    serial = (day - date(1899, 12, 30)).days
    for cell in (
        f"{day:%Y-%m-%d}", f"{day.year}/{day.month}/{day.day}", f"{day.year}年{day.month}月{day.day}日",
        f"{day:%Y%m%d}",
    ):  # fmt: skip
        assert read_day(cell, PLAIN_DATE_FORMS) == day
    assert read_day(str(serial), ("excel_serial",)) == day

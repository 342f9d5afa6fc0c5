"""A whole file, dirty as they come: every bad row is named by its line, and the rest goes in."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.citizen.paper import compute_checksum
from app.intake.fact.item import ArrivedItem, CleanItem, Flaw
from app.intake.fact.judge import judge_item
from app.intake.reading.format import HEAD_BYTES, FileFormat, detect_format
from app.intake.reading.reader import RowReader
from app.intake.source.compile import compile_mapping, make_default_mapping
from app.record.catalogue import CATALOGUE

TODAY = date(2026, 3, 14)
COLUMNS = (
    "事件编号",
    "指标",
    "荣誉",
    "身份证号",
    "姓名",
    "发生日期",
    "结束日期",
    "等级",
    "数量",
    "依据文书",
    "行为编号",
)
NAMES = (
    "event_id", "indicator", "honour", "id_number", "name", "event_on", "ends_on", "grade", "quantity", "document",
    "act_id",
)  # fmt: skip


def an_id_number(birth: str = "19900314", sequence: int = 1) -> str:
    seventeen = f"119900{birth}{sequence:03}"
    return seventeen + compute_checksum(seventeen)


ADULT = an_id_number()
GOOD = {"event_id": "E-1", "indicator": "POS_RESCUE", "id_number": ADULT, "name": "张三", "event_on": "2026-03-01"}


def a_row(**changes: str) -> list[str]:
    cells = GOOD | changes
    return [cells.get(name, "") for name in NAMES]


def a_line(**changes: str) -> str:
    return ",".join(a_row(**changes))


def judge(data: bytes, block_bytes: int = 64) -> list[tuple[int, CleanItem | Flaw]]:
    """Return the verdict on every row of a file, with its number."""
    found = detect_format(data[:HEAD_BYTES], is_last=len(data) <= HEAD_BYTES)
    assert isinstance(found, FileFormat), found
    cleaner = compile_mapping(make_default_mapping("civil-affairs"), found.columns)
    assert not isinstance(cleaner, Flaw), cleaner
    reader = RowReader(found)
    rows = []
    for begin in range(reader.offset, len(data), block_bytes):
        rows += reader.feed(data[begin : begin + block_bytes])
    return [(row.number, cleaner.clean(row, TODAY)) for row in rows + reader.finish()]


def rows_of(data: bytes, block_bytes: int = 64) -> list[tuple[int, str]]:
    judged = judge(data, block_bytes)
    return [(number, verdict.code if isinstance(verdict, Flaw) else "clean") for number, verdict in judged]


BAD: list[tuple[str, str, str]] = [  # the line, its flaw, the column it is rows_of of
    (a_line(event_on="2026-03-15"), "event_in_future", "发生日期"),
    (a_line(indicator="NO_SUCH"), "indicator_unknown", "指标"),
    (a_line(indicator="petition"), "topic_denied", "指标"),
    (a_line(indicator="BASE_CLEAN"), "indicator_computed", "指标"),
    (a_line(indicator="POS_VOL_HOURS", quantity="-3"), "quantity_out_of_range", "数量"),
    (a_line(indicator="POS_VOL_HOURS", quantity="3.5"), "quantity_not_whole", "数量"),
    (a_line(indicator="POS_VOL_HOURS"), "quantity_missing", "数量"),
    (a_line(id_number=ADULT[:-1] + ("1" if ADULT[-1] != "1" else "2")), "id_number_invalid", "身份证号"),
    (a_line(id_number="3.50203E+17"), "spoilt_scientific", "身份证号"),
    (a_line(id_number="350203900314001"), "id_number_invalid", "身份证号"),
    (a_line(id_number=""), "value_missing", "身份证号"),
    (a_line(id_number=an_id_number("20080315")), "minor", "身份证号"),
    (a_line(event_on="2008-03-13"), "before_adulthood", "发生日期"),
    (a_line(name="张3"), "name_invalid", "姓名"),
    (a_line(name="😀"), "name_invalid", "姓名"),
    (a_line(name=""), "value_missing", "姓名"),
    (a_line(name="=cmd|' /C calc'!A0"), "formula_in_cell", "姓名"),
    (a_line(document="@SUM(A1)"), "formula_in_cell", "依据文书"),
    (a_line(event_id="+A1+B1"), "formula_in_cell", "事件编号"),
    (a_line(id_number="-A1"), "formula_in_cell", "身份证号"),
    (a_line(indicator="=A1"), "formula_in_cell", "指标"),
    (a_line(event_id=""), "value_missing", "事件编号"),
    (a_line(event_id="E" * 129), "event_id_invalid", "事件编号"),
    (a_line(event_on="2026-02-30"), "date_unreadable", "发生日期"),
    (a_line(event_on=""), "value_missing", "发生日期"),
    (a_line(ends_on="月底"), "date_unreadable", "结束日期"),
    (a_line(ends_on="2026-02-01"), "ends_before_event", "结束日期"),
    (a_line(indicator="POS_VOL_STAR", grade="六星"), "grade_unknown", "等级"),
    (a_line(indicator="", honour="VOL_STAR"), "grade_missing", "等级"),
    (a_line(indicator="", honour="NO_SUCH"), "honour_unknown", "荣誉"),
    (a_line(indicator=""), "indicator_or_honour", ""),
    (a_line(honour="GOOD_CITIZEN"), "indicator_or_honour", ""),
    (a_line(indicator="POS_BRAVE", grade="1"), "document_missing", "依据文书"),
    ('"' + a_line(), "quote_unclosed", ""),
    (a_line() + ",x", "row_overlong", ""),
    ("E-1,POS_RESCUE", "row_truncated", ""),
    (",".join(COLUMNS), "header_repeated", ""),
    (a_line(name="张\x00三"), "nul_in_row", ""),
    (a_line(document="x" * 70_000), "row_too_long", ""),
    (a_line(document="x" * 5_000), "cell_too_long", ""),
    ("," * 1_000_000, "columns_too_many", ""),
]
HONOURS = [
    a_line(indicator="", honour="VOL_STAR", grade="三星"), a_line(indicator="", honour="GOOD_CITIZEN"),
    a_line(indicator="", honour="星级志愿者", grade="5", ends_on="2026-03-14"),
]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_bad_row_stays_behind_alone(encoding: str, end: str) -> None:
    lines, expected = [",".join(COLUMNS)], []
    for number, (bad, code, _) in enumerate(BAD):
        lines += [bad, "", a_line(event_id=f"E-{number}")]
        expected += [(len(lines) - 2, code), (len(lines), "clean")]
    data = (end.join(lines) + end).encode(encoding)
    assert rows_of(data, block_bytes=50_000) == expected
    assert rows_of(data, block_bytes=1_000_003) == expected


@pytest.mark.parametrize(("line", "code", "column"), BAD)
def test_a_flaw_names_its_column_and_speaks_both_languages(line: str, code: str, column: str) -> None:
    data = "\n".join([",".join(COLUMNS), line, a_line()]).encode()
    ((number, flaw), *_) = judge(data, 1_000_000)
    assert isinstance(flaw, Flaw)
    assert (number, flaw.code, flaw.column) == (2, code, column)
    assert flaw.zh
    assert flaw.en


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_honours_come_the_same_way(encoding: str) -> None:
    data = "\n".join([",".join(COLUMNS), *HONOURS]).encode(encoding)
    items = [verdict for _, verdict in judge(data)]
    assert [(i.record.honour, i.record.grade) if isinstance(i, CleanItem) else i for i in items] == [
        ("VOL_STAR", "3"), ("GOOD_CITIZEN", None), ("VOL_STAR", "5")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"id_number": "".join(chr(ord(c) + 0xFEE0) for c in ADULT)}, {"id_number": "'" + ADULT},
        {"id_number": f'="{ADULT}"'}, {"id_number": f" {ADULT}\u3000"}, {"id_number": ADULT.lower()},
        {"name": "\u3000张三 "}, {"name": "'张三"}, {"event_on": "2026/3/1"}, {"event_on": "2026年3月1日"},
        {"event_on": "20260301"}, {"event_on": "２０２６.３.１"}, {"event_on": "2026-03-01 00:00:00"},
        {"event_id": "'E-1"}, {"event_id": '="E-1"'}, {"indicator": " POS_RESCUE"}, {"indicator": "抢险救灾"},
        {"indicator": "ＰＯＳ＿ＲＥＳＣＵＥ"}, {"document": "-"}, {"grade": "/"}, {"quantity": "--"}, {"ends_on": "—"},
    ],
)  # fmt: skip
def test_what_spreadsheets_do_to_cells_changes_nothing(changes: dict[str, str]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([COLUMNS, a_row(), a_row(**changes)])
    (_, plain), (_, quirky) = judge(out.getvalue().encode())
    assert isinstance(plain, CleanItem)
    assert plain == quirky


def test_a_truncated_file_loses_its_last_row_only() -> None:
    data = "\n".join([",".join(COLUMNS), *(a_line(event_id=f"E-{number}") for number in range(9))]).encode("gbk")
    whole = rows_of(data)
    for size in range(len(data) - 40, len(data) - 1):
        cut = rows_of(data[:size])
        assert cut[:-1] == whole[:8]
        assert cut[-1][0] == 10


def test_a_wrong_encoding_in_one_row_is_that_row_s() -> None:
    rows = [a_line().encode(), a_line(name="李四").encode("gbk"), a_line(document="文书").encode()]
    data = b"\n".join([",".join(COLUMNS).encode(), *rows])
    assert rows_of(data) == [(2, "clean"), (3, "encoding_wrong"), (4, "clean")]


def test_lines_of_json_are_judged_alike() -> None:
    objects = [
        {name: value for name, value in zip(COLUMNS, a_row(event_id=str(n)), strict=True) if value} for n in range(3)
    ]
    lines = [msgspec.json.encode(one) for one in objects]
    lines.insert(1, b'{"x": 1}')
    lines.insert(2, b"not json")
    assert rows_of(b"\n".join(lines)) == [
        (1, "clean"), (2, "columns_missing"), (3, "malformed"), (4, "clean"), (5, "clean")
    ]  # fmt: skip


TEXTS = {
    "event_id": st.sampled_from(["E-1", "e" * 128, "e" * 129, "编号1", "E☃1"]),
    "indicator": st.sampled_from(["", "NO_SUCH", "petition", *CATALOGUE.indicators]),
    "honour": st.sampled_from(["", "", "", "", "NO_SUCH", *CATALOGUE.honours]),
    "id_number": st.sampled_from([ADULT, an_id_number("20080315"), an_id_number("20080314"), "1" * 18, "x"]),
    "name": st.sampled_from(["张三", "Anna Bell", "买买提·艾力", "x3", "张" * 51]),
    "event_on": st.dates(date(2000, 1, 1), date(2026, 4, 1)).map(str),
    "ends_on": st.just("") | st.dates(date(2020, 1, 1), date(2027, 1, 1)).map(str),
    "grade": st.sampled_from(["", "1", "5", "nation", "x"]),
    "quantity": st.sampled_from(["", "0", "-1", "5", "1000000000000", "1000000000001"]),
    "document": st.sampled_from(["", "（2026）1号", "d" * 200, "d" * 201]),
    "act_id": st.sampled_from(["", "act 7", "a" * 129]),
}


@given(st.fixed_dictionaries(TEXTS))
def test_a_row_of_a_file_is_judged_like_a_single_post(texts: dict[str, str]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([COLUMNS, [texts[name] for name in NAMES]])
    ((_, in_file),) = judge(out.getvalue().encode())
    members: dict[str, Any] = {name: text for name, text in texts.items() if text}
    if "quantity" in members:
        members["quantity"] = int(members["quantity"])
    posted = judge_item(ArrivedItem(source="civil-affairs", **members), TODAY)
    if isinstance(in_file, Flaw):
        in_file = msgspec.structs.replace(
            in_file, column="", zh=in_file.zh.split("列：")[-1], en=in_file.en.split("”: ")[-1]
        )
    assert in_file == posted

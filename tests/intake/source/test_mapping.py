"""The mapping of a source: which column is which field, and what is wrong with a mapping."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest

from app.citizen.paper import compute_checksum
from app.intake.fact.item import CleanItem, Flaw
from app.intake.reading.header import normalise_header
from app.intake.reading.reader import ReadRow
from app.intake.source.cells import REMEMBERED_MAX, Remembered
from app.intake.source.compile import DEFAULT_COLUMNS, HEADER_FLAWS, compile_mapping, make_default_mapping
from app.intake.source.mapping import FIELD_TITLES, MAPPING_FLAWS, Mapping, Rule, check_mapping, is_factor
from app.record.catalogue import CATALOGUE, NewRecord

TODAY = date(2026, 3, 14)
ID_NUMBER = "11990019900314001" + compute_checksum("11990019900314001")
HEADER = ("编号", "项目", "身份证号", "姓名", "日期")
ROW = ("E-1", "抢险救灾", ID_NUMBER, "张三", "2026/3/1")


def a_mapping(**changes: Any) -> Mapping:
    """Return a mapping as its document says it; None leaves a field out."""
    fields: dict[str, Any] = {
        "eventId": {"columns": ["编号"]}, "indicator": {"columns": ["项目"], "values": {"抢险救灾": "POS_RESCUE"}},
        "idNumber": {"columns": ["证件号", "身份证号"]}, "name": {"columns": ["姓名"]},
        "eventOn": {"columns": ["日期"]},
    }  # fmt: skip
    source = changes.pop("source", "civil-affairs")
    fields = {name: rule for name, rule in (fields | changes).items() if rule is not None}
    return msgspec.convert({"source": source, "fields": fields}, Mapping)


def clean(mapping: Mapping, header: tuple[str, ...], *cells: str, seal: Any = None) -> CleanItem | Flaw:
    cleaner = compile_mapping(mapping, header, seal=seal)
    return cleaner if isinstance(cleaner, Flaw) else cleaner.clean(ReadRow(2, "", list(cells)), TODAY)


def record_of(mapping: Mapping, header: tuple[str, ...], *cells: str, seal: Any = None) -> NewRecord:
    item = clean(mapping, header, *cells, seal=seal)
    assert isinstance(item, CleanItem), item
    return item.record


def test_a_mapped_row_is_a_record() -> None:
    record = record_of(a_mapping(), HEADER, *ROW)
    seen = (record.source, record.event_id, record.indicator, record.event_on)
    assert seen == ("civil-affairs", "E-1", "POS_RESCUE", date(2026, 3, 1))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None), ({"source": "Civil"}, "mapping_source_invalid"), ({"eventId": None}, "mapping_field_missing"),
        ({"idNumber": None}, "mapping_field_missing"), ({"indicator": None}, "mapping_field_missing"),
        ({"indicator": {"constant": "POS_RESCUE"}}, None),
        ({"indicator": {"constant": "NO_SUCH"}}, "indicator_unknown"),
        ({"indicator": {"constant": "petition"}}, "topic_denied"),
        ({"indicator": {"columns": ["项目"], "values": {"上访": "petition"}}}, "topic_denied"),
        ({"indicator": {"columns": ["项目"], "values": {"上访": "NO_SUCH"}}}, "indicator_unknown"),
        ({"indicator": None, "honour": {"constant": "GOOD_CITIZEN"}}, None),
        ({"indicator": None, "honour": {"constant": "POS_RESCUE"}}, "honour_unknown"),
        ({"grade": {}}, "mapping_rule_empty"), ({"name": {"constant": "张三"}}, "mapping_rule_wrong"),
        ({"eventId": {"constant": "1"}}, "mapping_rule_wrong"),
        ({"grade": {"columns": ["x"], "factor": "2"}}, "mapping_rule_wrong"),
        ({"name": {"columns": ["x"], "dates": ["compact"]}}, "mapping_rule_wrong"),
        ({"name": {"columns": ["x"], "compose": ["y"]}}, "mapping_rule_wrong"),
        ({"eventId": {"compose": ["eventId"]}}, "mapping_rule_wrong"),
        ({"eventOn": {"columns": ["x"], "values": {"a": "b"}}}, "mapping_rule_wrong"),
        ({"quantity": {"columns": ["x"], "factor": "60"}}, None),
        ({"quantity": {"columns": ["x"], "factor": "0"}}, "mapping_factor_wrong"),
        ({"quantity": {"columns": ["x"], "factor": "-1"}}, "mapping_factor_wrong"),
        ({"quantity": {"columns": ["x"], "factor": "1e3"}}, "mapping_factor_wrong"),
    ],
)  # fmt: skip
def test_which_mappings_make_sense(changes: dict[str, Any], expected: str | None) -> None:
    flaw = check_mapping(a_mapping(**changes))
    assert (flaw and flaw.code) == expected
    assert flaw is None or (flaw.zh and "{" not in flaw.zh + flaw.en + flaw.pointer)
    compiled = compile_mapping(a_mapping(**changes), (*HEADER, "x"), seal=str)
    assert compiled == flaw if flaw else not isinstance(compiled, Flaw)


def test_every_flaw_of_a_mapping_is_tested() -> None:
    (mark,) = test_which_mappings_make_sense.pytestmark
    assert set(MAPPING_FLAWS) <= {expected for _, expected in mark.args[1]}


@pytest.mark.parametrize("topic", sorted(CATALOGUE.denied_topics))
def test_no_mapping_leads_to_a_denied_topic(topic: str) -> None:
    flaw = check_mapping(a_mapping(indicator={"columns": ["项目"], "values": {"x": topic}}))
    assert flaw is not None
    assert flaw.code == "topic_denied"
    assert CATALOGUE.denied_topics[topic].title_zh in flaw.zh


@pytest.mark.parametrize(
    "document",
    [
        {"source": "x-y", "fields": {"pointz": {"columns": ["x"]}}}, {"source": "x-y", "fields": {}, "extra": 1},
        {"source": "x-y", "fields": {"name": {"columns": ["x"], "regex": "y"}}}, {"source": "x-y"},
        {"source": "x-y", "fields": {"name": {"columns": [""]}}}, {"fields": {}},
        {"source": "x-y", "fields": {"eventOn": {"columns": ["x"], "dates": ["lunar"]}}},
    ],
)  # fmt: skip
def test_what_no_mapping_says(document: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(document, Mapping)


def test_a_mapping_is_stored_as_json_and_described_in_both_languages() -> None:
    for mapping in (a_mapping(), make_default_mapping("civil")):
        assert msgspec.json.decode(msgspec.json.encode(mapping), type=Mapping) == mapping
    _, components = msgspec.json.schema_components([Mapping])
    texts = [one["description"] for name in ("Mapping", "Rule") for one in components[name]["properties"].values()]
    assert all(" · " in description for description in texts)


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("身份证号", " 身份证号\u3000"), ("身份证号", "*身份证号"), ("姓名", "姓名（必填）"), ("姓名", "姓 名"),
        ("eventId", "event_id"), ("eventId", "Event ID"), ("idNumber", "ＩＤ　Ｎｕｍｂｅｒ"), ("姓名", "\ufeff姓名"),
        ("姓名", "姓名\n(必填)"), ("姓名", "'姓名"),
    ],
)  # fmt: skip
def test_headers_that_mean_the_same(name: str, same: str) -> None:
    assert normalise_header(name) == normalise_header(same)


@pytest.mark.parametrize(
    ("header", "code", "words"),
    [
        (("编号", "项目", "姓名", "日期"), "columns_missing", "证件号"),
        (("a", "b"), "columns_missing", "编号、证件号、姓名、日期、项目"),
        ((*HEADER, "姓 名"), "column_twice", "姓名"), ((*HEADER, "编号"), "column_twice", "编号"),
    ],
)  # fmt: skip
def test_headers_that_do_not_fit(header: tuple[str, ...], code: str, words: str) -> None:
    flaw = compile_mapping(a_mapping(), header)
    assert isinstance(flaw, Flaw)
    assert flaw.code == code
    assert words in flaw.zh
    assert words in flaw.en


def test_the_first_alias_of_a_header_counts() -> None:
    header = (*HEADER, "证件号")
    assert record_of(a_mapping(), header, *ROW[:2], "nobody's", *ROW[3:], ID_NUMBER).event_id == "E-1"


def test_a_source_column_must_agree_with_the_source() -> None:
    mapping = a_mapping()
    with_source = msgspec.structs.replace(mapping, fields=mapping.fields | {"source": Rule(columns=("来源",))})
    header = (*HEADER, "来源")
    assert record_of(with_source, header, *ROW, "civil-affairs").source == "civil-affairs"
    assert record_of(with_source, header, *ROW, "").source == "civil-affairs"
    flaw = clean(with_source, header, *ROW, "court")
    assert isinstance(flaw, Flaw)
    assert (flaw.code, flaw.pointer, flaw.column) == ("source_differs", "/source", "来源")


def test_a_constant_replaces_an_empty_cell_or_a_missing_column() -> None:
    mapping = a_mapping(
        indicator={"columns": ["项目"], "constant": "POS_JUDGMENT_SELF", "values": {"无": ""}},
        document={"columns": ["文书"], "constant": "（2026）1号"},
    )
    assert record_of(mapping, HEADER, ROW[0], "", *ROW[2:]).document == "（2026）1号"
    for cell in ("", " ", "-", "无"):
        assert record_of(mapping, HEADER, ROW[0], cell, *ROW[2:]).indicator == "POS_JUDGMENT_SELF"
    without = tuple(name for name in HEADER if name != "项目")
    assert record_of(mapping, without, ROW[0], *ROW[2:]).indicator == "POS_JUDGMENT_SELF"
    assert record_of(mapping, (*HEADER, "文书"), ROW[0], "无", *ROW[2:], "（2025）9号").document == "（2025）9号"


def test_values_are_translated_whatever_their_width() -> None:
    mapping = a_mapping(
        indicator=None, honour={"constant": "VOL_STAR"}, grade={"columns": ["星级"], "values": {"１星": "1"}}
    )
    header = (*HEADER, "星级")
    for cell in ("１星", "1星", " 1星\u3000", "'1星", "1"):
        assert record_of(mapping, header, *ROW, cell).grade == "1"
    flaw = clean(mapping, header, *ROW, "六星")
    assert isinstance(flaw, Flaw)
    assert (flaw.code, flaw.column) == ("grade_unknown", "星级")


def test_hours_and_yuan_become_the_units_stored() -> None:
    hours = a_mapping(indicator={"constant": "POS_PATROL"}, quantity={"columns": ["小时"], "factor": "60"})
    assert record_of(hours, (*HEADER, "小时"), *ROW, "1.5").quantity == 90
    yuan = a_mapping(indicator={"constant": "POS_DONATE_MONEY"}, quantity={"columns": ["元"], "factor": "100"})
    assert record_of(yuan, (*HEADER, "元"), *ROW, "1,234.56").quantity == 123_456


def test_dates_as_the_mapping_says() -> None:
    mapping = a_mapping(eventOn={"columns": ["日期"], "dates": ["excel_serial", "chinese"]})
    assert record_of(mapping, HEADER, *ROW[:4], "46082").event_on == date(2026, 3, 1)
    assert record_of(mapping, HEADER, *ROW[:4], "2026年3月1日").event_on == date(2026, 3, 1)
    flaw = clean(mapping, HEADER, *ROW[:4], "2026-03-01")
    assert isinstance(flaw, Flaw)
    assert (flaw.code, flaw.pointer, flaw.column) == ("date_unreadable", "/eventOn", "日期")


def seal(parts: tuple[str, ...]) -> str:
    return "sealed " + "|".join(parts)


def test_an_event_id_is_composed_of_fields_and_columns_and_sealed() -> None:
    mapping = a_mapping(eventId={"compose": ["idNumber", "indicator", "eventOn", "场次"]})
    header = (*HEADER, "场次")
    wanted = f"sealed {ID_NUMBER}|POS_RESCUE|2026-03-01|2"
    assert record_of(mapping, header, *ROW, "2", seal=seal).event_id == wanted
    # However the cells are written, the event is the same.
    other = ("", "抢险救灾", f" {ID_NUMBER.lower()}", "张三", "2026年3月1日", "２")
    assert record_of(mapping, header, *other, seal=seal).event_id == wanted
    for spoilt in ("=A1", "@x"):
        flaw = clean(mapping, header, *ROW, spoilt, seal=seal)
        assert isinstance(flaw, Flaw)
        assert flaw.code == "formula_in_cell"
    missing = compile_mapping(mapping, HEADER, seal=seal)
    assert isinstance(missing, Flaw)
    assert "场次" in missing.zh
    unsealed = compile_mapping(mapping, header)
    assert unsealed == HEADER_FLAWS["event_id_unsealed"]


@pytest.mark.parametrize(
    ("name", "document", "own", "sealed"),
    [
        ("John Smith", "d 1", "2", "John Smith|d 1|2"),
        ("买买提•阿里", "Z １号", "２", r"\u4e70\u4e70\u63d0\u2022\u963f\u91cc|Z \uff11\u53f7|2"),
        ("买买提・阿里", " d1 ", "'007", r"\u4e70\u4e70\u63d0\u30fb\u963f\u91cc|d1|007"),
        ("張三", '="ab 1"', "a\u200db", r"\u5f35\u4e09|ab 1|a\u200db"),
        ("张三\u200b", "d1", "\ufeff3 ", r"\u5f20\u4e09|d1|3"),
        ("张 三", "-1", "+1", r"\u5f20 \u4e09|-1|+1"),
        ("张\u034f三", "d1", "ａ\u200d１", r"\u5f20\u034f\u4e09|d1|a\u200d1"),
        ("'\u3400三", "e\u0301 1", "1", r"\u3400\u4e09|e\u0301 1|1"),
    ],
)
def test_an_event_id_is_composed_for_ever_as_the_first_version_did(
    name: str, document: str, own: str, sealed: str
) -> None:
    """The values are the first version's: another id for a stored event would let it count twice."""

    def seal_plainly(parts: tuple[str, ...]) -> str:
        return "|".join(parts).encode("ascii", "backslashreplace").decode()

    mapping = a_mapping(eventId={"compose": ["name", "document", "场次"]}, document={"columns": ["文书"]})
    header, row = (*HEADER, "文书", "场次"), (*ROW[:3], name, ROW[4], document, own)
    assert record_of(mapping, header, *row, seal=seal_plainly).event_id == sealed


@pytest.mark.parametrize("pick", [0, 1])
def test_the_default_mapping_knows_our_own_names(pick: int) -> None:
    header = tuple(columns[pick] for columns in DEFAULT_COLUMNS.values())
    cells = ("civil", "E-1", "POS_VOL_STAR", "", ID_NUMBER, "张三", "2026-03-01", "", "三星", "", "证书1号", "act 7")
    record = record_of(make_default_mapping("civil"), header, *cells)
    assert (record.indicator, record.grade, record.document, record.act_id) == ("POS_VOL_STAR", "3", "证书1号", "act 7")
    assert set(DEFAULT_COLUMNS) == set(FIELD_TITLES)


def test_the_default_mapping_reads_titles_of_the_catalogue() -> None:
    header = ("编号", "指标名称", "身份证号", "姓名", "日期")
    mapping = make_default_mapping("civil")
    header = ("事件编号", *header[1:])
    assert record_of(mapping, header, *ROW).indicator == "POS_RESCUE"
    header = ("事件编号", "荣誉名称", *header[2:])
    assert record_of(mapping, header, "E-1", "身边好人", *ROW[2:]).honour == "GOOD_CITIZEN"


def test_the_default_mapping_fits_the_rules_for_any_source() -> None:
    assert check_mapping(make_default_mapping("civil")) is None


def test_objects_name_their_own_columns() -> None:
    cleaner = compile_mapping(make_default_mapping("civil"), ())
    assert not isinstance(cleaner, Flaw)
    members: dict[str, object] = {
        "eventId": 7, "indicator": "POS_VOL_HOURS", "idNumber": ID_NUMBER, "name": "张三", "eventOn": "2026-03-01",
        "quantity": 5, "grade": None,
    }  # fmt: skip
    item = cleaner.clean(ReadRow(1, "", members), TODAY)
    assert isinstance(item, CleanItem)
    assert (item.record.event_id, item.record.quantity, item.record.grade) == ("7", 5, None)
    moved = cleaner.clean(ReadRow(2, "", dict(reversed(members.items()))), TODAY)
    assert moved == item
    for changed, code in (
        ({"name": ["张三"]}, "value_not_text"), ({"quantity": True}, "value_not_text"),
        ({"quantity": 1.5}, "quantity_not_whole"),
        ({"quantity": 1e300}, "spoilt_scientific"), ({"name": None}, "value_missing"),
    ):  # fmt: skip
        flaw = cleaner.clean(ReadRow(3, "", members | changed), TODAY)
        assert isinstance(flaw, Flaw)
        assert flaw.code == code
    del members["name"]
    missing = cleaner.clean(ReadRow(4, "", members), TODAY)
    assert isinstance(missing, Flaw)
    assert (missing.code, "name" in missing.en) == ("columns_missing", True)


def test_what_is_remembered_is_bounded() -> None:
    calls: list[str] = []
    remembered = Remembered(lambda cell: calls.append(cell) or cell)  # type: ignore[func-returns-value]
    for number in range(REMEMBERED_MAX * 2 + 5):
        assert remembered[str(number)] == str(number)
        assert len(remembered) <= REMEMBERED_MAX
    assert remembered["x" * 1_000] == "x" * 1_000
    assert "x" * 1_000 not in remembered
    before = len(calls)
    assert remembered[str(REMEMBERED_MAX * 2 + 4)]
    assert len(calls) == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", True), ("0.000001", True), ("0", False), ("0.0", False), ("1000000000000", True), ("1000000000001", False),
     ("1.", False), (".5", False), ("１", False), ("-1", False), ("1e3", False)],
)  # fmt: skip
def test_factors(text: str, expected: bool) -> None:
    assert is_factor(text) is expected

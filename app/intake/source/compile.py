"""A mapping and a header become a cleaner (映射); and the mapping of a source that has none of its own. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping as Mapped
from collections.abc import Sequence
from datetime import date
from typing import cast

import msgspec

from app.intake.fact.item import CleanItem, Flaw, make_flaws
from app.intake.reading.format import FileFormat, detect_format
from app.intake.reading.header import normalise_header
from app.intake.reading.reader import ReadRow
from app.intake.reading.values import PLAIN_DATE_FORMS
from app.intake.source.cells import ORDER, CellCleaner, Seal
from app.intake.source.mapping import FIELD_TITLES, NEEDED, Field, Mapping, Rule, check_mapping, fill
from app.record.catalogue import CATALOGUE

HEADER_CHARACTERS_SHOWN = 64
HEADER_NAMES_SHOWN = 20
LONG_NUMBER = re.compile(r"\w*\d{6}\w*")  # in the place of a header: of a person rather than of a column
KINDS: tuple[Field, ...] = ("indicator", "honour")
DAYS: tuple[Field, ...] = ("eventOn", "endsOn")
KEY_SETS_MAX = 64  # of the objects of a JSONL file, whose cleaners are remembered

HEADER_FLAWS = make_flaws(
    (
        "columns_missing",
        "",
        "缺少列：{}。被当作表头的一行是：{}",
        "columns are missing: {}. The line taken for the header is: {}",
    ),
    ("column_twice", "", "列名重复：{}", "a column occurs twice: {}"),
    ("event_id_unsealed", "/fields/eventId", "组成的事件编号须密封保存", "a composed event id must be sealed"),
    ("value_not_text", "", "值既不是文本也不是数字：{}", "a value is neither text nor a number: {}"),
)

DEFAULT_COLUMNS: dict[Field, tuple[str, ...]] = {
    "source": ("source", "来源", "来源代码", "数据来源"),
    "eventId": ("eventId", "事件编号", "记录编号", "业务编号", "流水号"),
    "indicator": ("indicator", "指标", "指标代码", "指标编码", "指标名称"),
    "honour": ("honour", "荣誉", "荣誉代码", "荣誉名称"),
    "idNumber": ("idNumber", "身份证号", "身份证号码", "公民身份号码", "居民身份证号码", "证件号码", "证件号"),
    "name": ("name", "姓名", "名字", "人员姓名"),
    "eventOn": ("eventOn", "发生日期", "事件日期", "认定日期", "日期"),
    "endsOn": ("endsOn", "结束日期", "终止日期", "失效日期"),
    "grade": ("grade", "等级", "级别"),
    "quantity": ("quantity", "数量", "数值"),
    "document": ("document", "依据文书", "文书号", "文书编号", "决定书文号"),
    "actId": ("actId", "行为编号", "关联编号"),
}
DEFAULT_GRADES = {f"{numeral}星": str(stars) for stars, numeral in enumerate("一二三四五", start=1)}


class ObjectCleaner:
    """Cleans the rows of a JSONL file: every object names its own columns, and one file has few sets of names."""

    def __init__(self, mapping: Mapping, seal: Seal | None) -> None:
        self._mapping = mapping
        self._seal = seal
        self._by_keys: dict[tuple[str, ...], CellCleaner | Flaw] = {}

    def clean(self, row: ReadRow, today: date) -> CleanItem | Flaw:
        """Return the item a row makes, or the first thing that is wrong with it; ``today`` is a Shanghai day."""
        if row.flaw is not None:
            return row.flaw
        members = cast(dict[str, object], row.cells)
        placed = self._place(tuple(members))
        if isinstance(placed, Flaw):
            return placed
        cells: list[str] = []
        for key, value in members.items():
            if isinstance(value, str):
                cells.append(value)
            elif value is None:
                cells.append("")
            elif isinstance(value, int | float) and not isinstance(value, bool):
                cells.append(str(value))
            else:
                return fill(HEADER_FLAWS["value_not_text"], key[:HEADER_CHARACTERS_SHOWN])
        return placed.clean(ReadRow(row.number, row.text, cells), today)

    def _place(self, keys: tuple[str, ...]) -> CellCleaner | Flaw:
        placed = self._by_keys.get(keys)
        if placed is None:
            if len(self._by_keys) >= KEY_SETS_MAX:
                self._by_keys.clear()
            placed = self._by_keys[keys] = place_columns(self._mapping, keys, self._seal)
        return placed


Cleaner = CellCleaner | ObjectCleaner


def compile_mapping(mapping: Mapping, header: Sequence[str], *, seal: Seal | None = None) -> Cleaner | Flaw:
    """Return the cleaner of a file with this header (``FileFormat.columns``; none for JSONL), or why there is none.

    ``seal`` turns the parts of a composed event id into one that reveals nothing of them: a keyed digest.
    """
    if flaw := check_mapping(mapping):
        return flaw
    if mapping.fields["eventId"].compose and seal is None:
        return HEADER_FLAWS["event_id_unsealed"]
    return place_columns(mapping, header, seal) if header else ObjectCleaner(mapping, seal)


def allow_workbook_days(mapping: Mapping) -> Mapping:
    """Return a mapping that also reads the days a workbook has as days, however the source writes them in texts."""
    fields = dict(mapping.fields)
    for field in DAYS:
        if (rule := fields.get(field)) is not None and rule.dates:
            dates = (*rule.dates, *(form for form in PLAIN_DATE_FORMS[:1] if form not in rule.dates))
            fields[field] = msgspec.structs.replace(rule, dates=dates)
    return msgspec.structs.replace(mapping, fields=fields)


def place_columns(mapping: Mapping, header: Sequence[str], seal: Seal | None) -> CellCleaner | Flaw:
    """Find every field's column; the flaw names the needed ones that are missing, or one that occurs twice."""
    names = [normalise_header(name) for name in header]
    places: dict[Field, int] = {}
    for field, rule in mapping.fields.items():
        found = next((name for name in map(normalise_header, rule.columns) if name in names), None)
        if found is None:
            continue
        if names.count(found) > 1:
            return fill(HEADER_FLAWS["column_twice"], header[names.index(found)][:HEADER_CHARACTERS_SHOWN])
        places[field] = names.index(found)
    missing = _find_missing(mapping, places, set(names))
    if missing:
        return fill(HEADER_FLAWS["columns_missing"], "、".join(missing), show_header(header))
    return CellCleaner(mapping, places, header, seal)


def find_column(mapping: Mapping, header: Sequence[str], field: Field) -> str:
    """Return the name of a field's column in a file; empty when it has no such column, or is JSONL."""
    names = [normalise_header(name) for name in header]
    wanted = (normalise_header(name) for name in mapping.fields.get(field, Rule()).columns)
    return next((header[names.index(name)] for name in wanted if name in names), "")


def find_format(mapping: Mapping, head: bytes, *, is_last: bool) -> FileFormat | Flaw:
    """Return the format of a file by its beginning; its header has names that the mapping's columns may have."""
    return detect_format(head, is_last=is_last, names=_list_names(mapping))


def show_header(header: Sequence[str]) -> str:
    """Return what was taken for the header, cut short, and without what may be somebody's number."""
    shown = " | ".join(
        LONG_NUMBER.sub("******", name)[:HEADER_CHARACTERS_SHOWN] for name in header[:HEADER_NAMES_SHOWN]
    )
    return shown + (" …" if len(header) > HEADER_NAMES_SHOWN else "")


def make_default_mapping(source: str) -> Mapping:
    """Return the mapping of a source that has none: our own names of columns, in English and Chinese."""
    fields = {field: Rule(columns=columns) for field, columns in DEFAULT_COLUMNS.items()}
    titles = {one.title_zh: one.code for one in CATALOGUE.indicators.values()}
    honours = {one.title_zh: one.code for one in CATALOGUE.honours.values()}
    fields["indicator"] = msgspec.structs.replace(fields["indicator"], values=titles)
    fields["honour"] = msgspec.structs.replace(fields["honour"], values=honours)
    fields["grade"] = msgspec.structs.replace(fields["grade"], values=DEFAULT_GRADES)
    return Mapping(source=source, note_zh="默认列名", note_en="our own names of columns", fields=fields)


def _list_names(mapping: Mapping) -> set[str]:
    parts = (part for part in mapping.fields["eventId"].compose if part not in ORDER)
    return {normalise_header(name) for rule in mapping.fields.values() for name in rule.columns} | set(
        map(normalise_header, parts)
    )


def _find_missing(mapping: Mapping, places: Mapped[Field, int], names: set[str]) -> list[str]:
    """Return the titles of what a file must have and has not."""

    def has(field: Field) -> bool:
        rule = mapping.fields.get(field)
        return field in places or (rule is not None and (rule.constant is not None or bool(rule.compose)))

    missing = [_name(mapping, field) for field in NEEDED if not has(field)]
    if not has("indicator") and not has("honour"):
        missing.append("/".join(_name(mapping, field) for field in KINDS if field in mapping.fields))
    composed = mapping.fields["eventId"].compose
    return missing + [part for part in composed if part not in ORDER and normalise_header(part) not in names]


def _name(mapping: Mapping, field: Field) -> str:
    return next(iter(mapping.fields[field].columns), FIELD_TITLES[field])

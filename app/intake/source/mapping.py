"""What a source and the centre have settled about its files (约定): which column is which field. Pure."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from app.intake.fact.item import Flaw, make_flaws
from app.intake.fact.judge import is_source
from app.intake.reading.values import DateForm
from app.record.catalogue import QUANTITY_MAX
from app.record.fault import find_kind
from app.values.reason import Reason

Field = Literal[
    "source", "eventId", "indicator", "honour", "idNumber", "name", "eventOn", "endsOn", "grade", "quantity",
    "document", "actId",
]  # fmt: skip
FIELD_TITLES: dict[Field, str] = {
    "source": "来源", "eventId": "事件编号", "indicator": "指标", "honour": "荣誉", "idNumber": "身份证号",
    "name": "姓名", "eventOn": "发生日期", "endsOn": "结束日期", "grade": "等级", "quantity": "数量",
    "document": "依据文书", "actId": "行为编号",
}  # fmt: skip
NEEDED: tuple[Field, ...] = ("eventId", "idNumber", "name", "eventOn")
PERSONAL: tuple[Field, ...] = ("eventId", "idNumber", "name")  # one value for a whole file makes no sense

Text = Annotated[str, Meta(min_length=1, max_length=200)]
MAPPING_FLAWS = make_flaws(
    ("mapping_source_invalid", "/source", "来源代码应为 2 至 40 个小写字母、数字或 _ . -",
     "a source is 2 to 40 of a-z 0-9 _ . -"),
    ("mapping_field_missing", "/fields", "缺少必需的字段：{}", "these fields are needed: {}"),
    ("mapping_rule_empty", "/fields/{}", "字段“{}”既没有列名也没有固定值", "{} has neither columns nor a constant"),
    ("mapping_rule_wrong", "/fields/{}", "字段“{}”不能这样设置", "{} cannot be agreed like this"),
    ("mapping_factor_wrong", "/fields/{}", "字段“{}”的换算系数应为正数", "the factor of {} is a positive number"),
)  # fmt: skip


def _describe(zh: str, en: str) -> Meta:
    return Meta(description=f"{zh} · {en}")


class Rule(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """Where one field comes from (字段来源)."""

    columns: Annotated[
        tuple[Text, ...],
        Meta(max_length=50),
        _describe("列名，依次查找", "names the column may have, in order of preference"),
    ] = ()
    constant: Annotated[
        Text | None,
        _describe("没有该列或单元格为空时的固定值", "the value when there is no such column or the cell is empty"),
    ] = None
    values: Annotated[
        dict[Text, Annotated[str, Meta(max_length=200)]],
        Meta(max_length=2_000),
        _describe("取值对照，未列出的保持原样", "what the source's values are called here; others stay as they are"),
    ] = {}
    dates: Annotated[
        tuple[DateForm, ...], _describe("日期写法，仅用于日期字段", "how days are written; for the two dates only")
    ] = ()
    factor: Annotated[
        Text | None,
        _describe("单位换算系数，仅用于数量（小时→分钟为 60）", "units kept per unit sent; for the quantity only"),
    ] = None
    compose: Annotated[
        tuple[Text, ...],
        Meta(max_length=20),
        _describe(
            "来源没有事件编号时，由这些字段或列组成（密封后保存）；须足以区分每一件事",
            "fields or columns that together make an event id, sealed; they must tell every event from every other",
        ),
    ] = ()


class Mapping(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True
):
    """How the files of one source are read (来源映射)."""

    source: Annotated[Text, _describe("来源代码", "the code of the source")]
    note_zh: Annotated[str, Meta(max_length=500), _describe("中文说明", "what it is for, in Chinese")] = ""
    note_en: Annotated[str, Meta(max_length=500), _describe("英文说明", "what it is for, in English")] = ""
    fields: Annotated[dict[Field, Rule], _describe("字段与来源的对应", "where each field comes from")]


def check_mapping(mapping: Mapping) -> Flaw | None:
    """Return what is wrong with a mapping in itself, whatever file comes; a denied topic is refused here already."""
    if not is_source(mapping.source):
        return MAPPING_FLAWS["mapping_source_invalid"]
    missing = [FIELD_TITLES[field] for field in NEEDED if field not in mapping.fields]
    if not {"indicator", "honour"} & mapping.fields.keys():
        missing.append("指标/荣誉")
    if missing:
        return fill(MAPPING_FLAWS["mapping_field_missing"], "、".join(missing))
    for field, rule in mapping.fields.items():
        if flaw := _check_rule(field, rule) or _check_kinds(field, rule):
            return flaw
    return None


def fill(flaw: Flaw, *words: str) -> Flaw:
    """Return a flaw with words in its sentences."""
    filled: dict[str, Any] = {name: getattr(flaw, name).format(*words) for name in ("zh", "en", "pointer")}
    return msgspec.structs.replace(flaw, **filled)


def _check_rule(field: Field, rule: Rule) -> Flaw | None:
    if not (rule.columns or rule.constant or rule.compose):
        return fill(MAPPING_FLAWS["mapping_rule_empty"], field)
    is_day, is_quantity = field in {"eventOn", "endsOn"}, field == "quantity"
    if (
        (rule.constant and field in PERSONAL)
        or (rule.dates and not is_day)
        or (rule.factor and not is_quantity)
        or (rule.values and (is_day or is_quantity or field in PERSONAL))
        or (rule.compose and (field != "eventId" or rule.columns or "eventId" in rule.compose))
    ):
        return fill(MAPPING_FLAWS["mapping_rule_wrong"], field)
    if rule.factor is not None and not is_factor(rule.factor):
        return fill(MAPPING_FLAWS["mapping_factor_wrong"], field)
    return None


def is_factor(text: str) -> bool:
    """Whether a text is a positive decimal number that quantities can be multiplied with exactly."""
    return re.fullmatch(r"\d{1,13}(\.\d{1,6})?", text, re.ASCII) is not None and 0 < Decimal(text) <= QUANTITY_MAX


def _check_kinds(field: Field, rule: Rule) -> Flaw | None:
    """Refuse a constant or translation that is not in the catalogue, and a denied topic by its title."""
    if field not in {"indicator", "honour"}:
        return None
    for code in filter(None, (rule.constant, *rule.values.values())):
        kind = find_kind(code, None) if field == "indicator" else find_kind(None, code)
        if isinstance(kind, Reason):
            return Flaw(code=kind.code, zh=f"{kind.zh}：{code}", en=f"{kind.en}: {code}", pointer=f"/fields/{field}")
    return None

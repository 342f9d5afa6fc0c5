"""The notice of a negative record: what, by whom, until when it counts, how to object, how to repair it. Pure.

The rule book says what is negative, and when it ends by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Literal

import msgspec

from app.record.catalogue import NewRecord
from app.score.book.document import RuleBook, RuleIndicator, Value
from app.values.days import add_months

NEGATIVE_RECORD = "negative_record"  # the kind of these notices

EndKind = Literal["not_scored", "while_it_lasts", "until", "over", "open"]
LASTING = frozenset({"state", "ceiling"})


class End(msgspec.Struct, frozen=True):
    """When a record stops counting by itself; ``on`` is the last day on which it counts."""

    kind: EndKind
    on: date | None = None


class SourceTitle(msgspec.Struct, frozen=True):
    """What a source is called."""

    code: str
    title_zh: str
    title_en: str


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """The words of a notice."""

    title_zh: str
    title_en: str
    body_zh: str
    body_en: str


def list_negative_codes(book: RuleBook) -> dict[str, RuleIndicator]:
    """Return the indicators of which some record would be negative."""
    return {one.code: one for one in book.indicators if any(_is_negative(book, one, value) for value in one.values)}


def is_negative(book: RuleBook, indicator: RuleIndicator, grade: str | None) -> bool:
    """Whether a record takes points, or its dimension breaks good faith."""
    return any(_is_negative(book, indicator, value) for value in _values_of(indicator, grade))


def compute_end(indicator: RuleIndicator, record: NewRecord, today: date) -> End:
    """Return when a record stops counting by itself, by the rules of validity (E3 to E5 of the rule book).

    What lasts counts until the day before it ends; acts for their validity from the event, or from their end.
    """
    value = next(_values_of(indicator, record.grade), None)
    if ((value and value.severity) or indicator.severity) == "minor":
        return End("not_scored")
    if indicator.kind in LASTING:
        return _end_of(record.ends_on - timedelta(days=1), today) if record.ends_on else End("while_it_lasts")
    months = (value and value.validity_months) or indicator.validity_months
    if months is None:
        return End("open")
    return _end_of(add_months(record.ends_on or record.event_on, months), today)


def compute_words(indicator: RuleIndicator, record: NewRecord, source: SourceTitle, today: date) -> Words:
    """Return the words of the notice of a negative record."""
    end = compute_end(indicator, record, today)
    end_zh, end_en = _describe_end(end)
    repair_zh, repair_en = _describe_repair(end)
    document_zh, document_en = _describe_document(record.document)
    return Words(
        title_zh=f"新增失信记录：{indicator.title_zh}",
        title_en=f"New negative record: {indicator.title_en}",
        body_zh=_join(
            f"事项：{indicator.title_zh}（计分规则第{indicator.clause}条）。",
            f"发生日期：{record.event_on:%Y-%m-%d}。",
            f"报送单位：{source.title_zh}。",
            document_zh,
            end_zh,
            "如认为有误：打开“我的—信用记录”，选中该记录，点“提出异议”，报送单位核实后答复您。",
            repair_zh,
        ),
        body_en=_join(
            f"What: {indicator.title_en} (clause {indicator.clause} of the rule book).",
            f"Event date: {record.event_on:%Y-%m-%d}.",
            f"Reported by: {source.title_en}.",
            document_en,
            end_en,
            "If it is wrong: open Me > Records, choose the record and tap Object; its source checks and answers.",
            repair_en,
        ),
    )


def _is_negative(book: RuleBook, indicator: RuleIndicator, value: Value) -> bool:
    return book.dimension(indicator.dimension).breaks_good_faith or value.points < 0


def _values_of(indicator: RuleIndicator, grade: str | None) -> Iterator[Value]:
    return (value for value in indicator.values if value.grade in (None, grade))


def _end_of(last_on: date, today: date) -> End:
    return End("until" if last_on >= today else "over", last_on)


def _describe_end(end: End) -> tuple[str, str]:
    return {
        "not_scored": ("情节轻微，仅作记录，不计分。", "It is minor: it is kept and takes no points."),
        "while_it_lasts": (
            "该状态持续期间计分，自终止之日起自动不再计分。",
            "It counts while it lasts; from the day it ends it no longer does, by itself.",
        ),
        "until": (f"计分至{end.on}，次日起自动不再计分。", f"It counts until {end.on} and then ends by itself."),
        "over": (f"计分已于{end.on}自动终止。", f"It stopped counting by itself on {end.on}."),
        "open": ("现行计分规则未设终止日期。", "The rule book in force sets no end."),
    }[end.kind]


def _describe_repair(end: End) -> tuple[str, str]:
    if end.kind == "while_it_lasts":
        return (
            "如何修复：履行义务或纠正行为后，由报送单位报告终止；也可在该记录页点“申请信用修复”。",
            "To repair it: do what is owed; whoever reported it then reports the end. Or tap Repair at the record.",
        )
    return (
        "如何修复：履行义务、纠正行为后，在该记录页点“申请信用修复”，修复后即不再计分。",
        "To repair it: do what is owed, then tap Repair at the record; once repaired it no longer counts.",
    )


def _describe_document(document: str | None) -> tuple[str, str]:
    return (f"文书号：{document}。", f"Document: {document}.") if document else ("", "")


def _join(*lines: str) -> str:
    return "\n".join(_present(lines))


def _present(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if line]

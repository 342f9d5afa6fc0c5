"""Whether a record fits the closed lists and makes sense. Pure."""

from __future__ import annotations

from datetime import date

from app.record.rules import (
    CATALOGUE,
    FIRST_DAY,
    LAST_DAY,
    QUANTITY_MAX,
    Honour,
    Indicator,
    NewRecord,
    RecordFault,
)


def judge_record(record: NewRecord, today: date) -> RecordFault | None:
    """Return why a record cannot be kept, or None when it can; ``today`` is a Shanghai day."""
    kind = find_kind(record.indicator, record.honour)
    if isinstance(kind, RecordFault):
        return kind
    return _judge_days(record, today) or _judge_measure(record, kind)


def find_kind(indicator: str | None, honour: str | None) -> Indicator | Honour | RecordFault:
    """Return the catalogue's entry for a record, or why there is none; a denied topic is refused by its title."""
    if indicator is not None and honour is None:
        return CATALOGUE.indicators.get(indicator) or _miss_indicator(indicator)
    if honour is not None and indicator is None:
        unknown = RecordFault(code="honour_unknown", zh="荣誉不在目录中", en="the honour is not in the catalogue")
        return CATALOGUE.honours.get(honour) or unknown
    return RecordFault(
        code="indicator_or_honour", zh="须且只须填写指标或荣誉之一", en="exactly one of indicator and honour is needed"
    )


def _miss_indicator(code: str) -> RecordFault:
    topic = CATALOGUE.denied_topics.get(code)
    if topic is None:
        return RecordFault(code="indicator_unknown", zh="指标不在目录中", en="the indicator is not in the catalogue")
    return RecordFault(
        code="topic_denied",
        zh=f"“{topic.title_zh}”属于禁止纳入信用记录的事项",
        en=f"“{topic.title_en}” must never be recorded or scored",
    )


def _judge_days(record: NewRecord, today: date) -> RecordFault | None:
    if record.event_on > today:
        return RecordFault(code="event_in_future", zh="发生日期晚于今天", en="the event date lies in the future")
    if record.event_on < FIRST_DAY or (record.ends_on is not None and record.ends_on > LAST_DAY):
        return RecordFault(code="date_out_of_range", zh="日期超出范围", en="a date is out of range")
    if record.ends_on is not None and record.ends_on < record.event_on:
        return RecordFault(code="ends_before_event", zh="结束日期早于发生日期", en="it ends before it began")
    return None


def _judge_measure(record: NewRecord, kind: Indicator | Honour) -> RecordFault | None:
    if isinstance(kind, Honour):
        return _judge_grade(record, kind) or _judge_quantity(record, is_needed=False)
    if kind.measure == "computed":
        return RecordFault(code="indicator_computed", zh="该指标由系统推算，不接收记录", en="computed, not reported")
    if kind.needs_document and not record.document:
        return RecordFault(code="document_missing", zh="缺少依据文书", en="the document it rests on is needed")
    return _judge_grade(record, kind) or _judge_quantity(record, is_needed=kind.measure == "quantity")


def _judge_grade(record: NewRecord, kind: Indicator | Honour) -> RecordFault | None:
    if record.grade is None and kind.grades:
        return RecordFault(code="grade_missing", zh="缺少等级", en="a grade is needed")
    if record.grade is not None and record.grade not in kind.grades:
        return RecordFault(code="grade_unknown", zh="等级不在目录中", en="the grade is not in the catalogue")
    return None


def _judge_quantity(record: NewRecord, *, is_needed: bool) -> RecordFault | None:
    if record.quantity is None:
        missing = RecordFault(code="quantity_missing", zh="缺少数量", en="a quantity is needed")
        return missing if is_needed else None
    if not is_needed:  # how much blood was given is nobody's business
        return RecordFault(code="quantity_needless", zh="该项不接收数量", en="no quantity is kept for this")
    if not 0 <= record.quantity <= QUANTITY_MAX:
        return RecordFault(code="quantity_out_of_range", zh="数量超出范围", en="the quantity is out of range")
    return None

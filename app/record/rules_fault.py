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
    return judge_claim(kind, record.event_on, record.ends_on, record.grade, record.quantity, record.document, today)


def judge_claim(
    kind: Indicator | Honour,
    event_on: date,
    ends_on: date | None,
    grade: str | None,
    quantity: int | None,
    document: str | None,
    today: date,
) -> RecordFault | None:
    """Return why what is claimed of an indicator or honour cannot be kept, or None when it can."""
    if event_on > today or event_on < FIRST_DAY or ends_on is not None:
        fault = _judge_days(event_on, ends_on, today)
        if fault is not None:
            return fault
    is_amount = False
    if isinstance(kind, Indicator):
        if kind.measure == "computed":
            return RecordFault(
                code="indicator_computed", zh="该指标由系统推算，不接收记录", en="computed, not reported"
            )
        if kind.needs_document and not document:
            return RecordFault(code="document_missing", zh="缺少依据文书", en="the document it rests on is needed")
        is_amount = kind.measure == "quantity"
    if (grade is not None or kind.grades) and (fault := _judge_grade(grade, kind)):
        return fault
    return _judge_quantity(quantity, is_needed=is_amount)


def find_kind(indicator: str | None, honour: str | None) -> Indicator | Honour | RecordFault:
    """Return the catalogue's entry for a record, or why there is none; a denied topic is refused by its title."""
    if indicator is not None and honour is None:
        return CATALOGUE.indicators.get(indicator) or _miss_indicator(indicator)
    if honour is not None and indicator is None:
        return CATALOGUE.honours.get(honour) or RecordFault(
            code="honour_unknown", zh="荣誉不在目录中", en="the honour is not in the catalogue"
        )
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


def _judge_days(event_on: date, ends_on: date | None, today: date) -> RecordFault | None:
    if event_on > today:
        return RecordFault(code="event_in_future", zh="发生日期晚于今天", en="the event date lies in the future")
    if event_on < FIRST_DAY or (ends_on is not None and ends_on > LAST_DAY):
        return RecordFault(code="date_out_of_range", zh="日期超出范围", en="a date is out of range")
    if ends_on is not None and ends_on < event_on:
        return RecordFault(code="ends_before_event", zh="结束日期早于发生日期", en="it ends before it began")
    return None


def _judge_grade(grade: str | None, kind: Indicator | Honour) -> RecordFault | None:
    if grade is None and kind.grades:
        return RecordFault(code="grade_missing", zh="缺少等级", en="a grade is needed")
    if grade is not None and grade not in kind.grades:
        return RecordFault(code="grade_unknown", zh="等级不在目录中", en="the grade is not in the catalogue")
    return None


def _judge_quantity(quantity: int | None, *, is_needed: bool) -> RecordFault | None:
    if quantity is None:
        if not is_needed:
            return None
        return RecordFault(code="quantity_missing", zh="缺少数量", en="a quantity is needed")
    if not is_needed:  # how much blood was given is nobody's business
        return RecordFault(code="quantity_needless", zh="该项不接收数量", en="no quantity is kept for this")
    if not 0 <= quantity <= QUANTITY_MAX:
        return RecordFault(code="quantity_out_of_range", zh="数量超出范围", en="the quantity is out of range")
    return None

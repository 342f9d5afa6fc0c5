"""Whether a record fits the closed lists and makes sense. Pure."""

from __future__ import annotations

import re
from datetime import date

from app.record.catalogue import CATALOGUE, FIRST_DAY, LAST_DAY, QUANTITY_MAX, Honour, Indicator, NewRecord
from app.record.flagged import find_flagged_words
from app.values.reason import Reason
from app.values.text import is_placeholder, to_half_width

# The least a reference to a document is made of, so that somebody else can find it.
REFERENCE_LETTERS_MIN = 2  # who issued it, or what it is, beside a number: 公告1号, （2026）闽02民终1号
REGISTERED_CHARACTERS_MIN = 8  # of a number without such words, as registers give out
URL = re.compile(r"https?://[^\s/]+\.[^\s/]+\S*", re.IGNORECASE)
REGISTERED = re.compile(rf"[0-9A-Z][0-9A-Z._/-]{{{REGISTERED_CHARACTERS_MIN - 1},}}", re.IGNORECASE)
OF_A_YEAR = re.compile(r"[〔﹝【（(\[](?:19|20)[0-9]{2}[〕﹞】）)\]][^0-9]*[0-9]")
NUMBERED = re.compile(r"[0-9]|第[〇零一二三四五六七八九十百千]+|[〇零一二三四五六七八九十百千]+号")


def judge_record(record: NewRecord, today: date) -> Reason | None:
    """Return why a record cannot be stored, or None when it can; ``today`` is a Shanghai day."""
    kind = find_kind(record.indicator, record.honour)
    if isinstance(kind, Reason):
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
) -> Reason | None:
    """Return why what is claimed of an indicator or honour cannot be stored, or None when it can."""
    if event_on > today or event_on < FIRST_DAY or ends_on is not None:
        fault = _judge_days(event_on, ends_on, today)
        if fault is not None:
            return fault
    is_amount = False
    if isinstance(kind, Indicator):
        if kind.measure == "computed":
            return Reason(code="indicator_computed", zh="该指标由系统推算，不接收记录", en="computed, not reported")
        if kind.needs_document and (fault := _judge_needed_document(document)):
            return fault
        is_amount = kind.measure == "quantity"
    if document and (fault := _judge_topics(document)):
        return fault
    if (grade is not None or kind.grades) and (fault := _judge_grade(grade, kind)):
        return fault
    return _judge_quantity(quantity, is_needed=is_amount)


def is_reference(text: str) -> bool:
    """Whether a text can refer to a document: words with a number or a year, a registered number, or an address."""
    plain = to_half_width(text)
    if (
        URL.fullmatch(plain)
        or OF_A_YEAR.search(plain)
        or (REGISTERED.fullmatch(plain) and any(map(str.isdigit, plain)))
    ):
        return True
    return NUMBERED.search(plain) is not None and sum(map(str.isalpha, plain)) >= REFERENCE_LETTERS_MIN


def find_kind(indicator: str | None, honour: str | None) -> Indicator | Honour | Reason:
    """Return the catalogue's entry for a record, or why there is none; a denied topic is refused by its title."""
    if indicator is not None and honour is None:
        return CATALOGUE.indicators.get(indicator) or _miss_indicator(indicator)
    if honour is not None and indicator is None:
        return CATALOGUE.honours.get(honour) or Reason(
            code="honour_unknown", zh="荣誉不在目录中", en="the honour is not in the catalogue"
        )
    return Reason(
        code="indicator_or_honour", zh="须且只须填写指标或荣誉之一", en="exactly one of indicator and honour is needed"
    )


def _miss_indicator(code: str) -> Reason:
    topic = CATALOGUE.denied_topics.get(code)
    if topic is None:
        return Reason(code="indicator_unknown", zh="指标不在目录中", en="the indicator is not in the catalogue")
    return Reason(
        code="topic_denied",
        zh=f"“{topic.title_zh}”属于禁止纳入信用记录的事项",
        en=f"“{topic.title_en}” must never be recorded or scored",
    )


def _judge_needed_document(document: str | None) -> Reason | None:
    if not document or is_placeholder(document):
        return Reason(code="document_missing", zh="缺少依据文书", en="the document it rests on is needed")
    if is_reference(document):
        return None
    return Reason(
        code="document_not_a_reference",
        zh="依据文书应写明文号，例如“厦府〔2026〕1号”，或登记编号、网址",
        en="a document is named by its reference, such as 厦府〔2026〕1号, a registered number or an address",
    )


def _judge_topics(document: str) -> Reason | None:
    """Refuse a document that certainly speaks of a denied topic: what it proves must not be recorded."""
    for flagged in find_flagged_words(document):
        if flagged.kind == "topic" and flagged.is_certain:
            return Reason(
                code="topic_in_document",
                zh=f"依据文书涉及禁止纳入信用记录的事项“{flagged.title_zh}”",
                en=f"the document is about “{flagged.title_en}”, which must never be recorded or scored",
            )
    return None


def _judge_days(event_on: date, ends_on: date | None, today: date) -> Reason | None:
    if event_on > today:
        return Reason(code="event_in_future", zh="发生日期晚于今天", en="the event date lies in the future")
    if event_on < FIRST_DAY or (ends_on is not None and ends_on > LAST_DAY):
        return Reason(code="date_out_of_range", zh="日期超出范围", en="a date is out of range")
    if ends_on is not None and ends_on < event_on:
        return Reason(code="ends_before_event", zh="结束日期早于发生日期", en="it ends before it began")
    return None


def _judge_grade(grade: str | None, kind: Indicator | Honour) -> Reason | None:
    if grade is None and kind.grades:
        return Reason(code="grade_missing", zh="缺少等级", en="a grade is needed")
    if grade is not None and grade not in kind.grades:
        return Reason(code="grade_unknown", zh="等级不在目录中", en="the grade is not in the catalogue")
    return None


def _judge_quantity(quantity: int | None, *, is_needed: bool) -> Reason | None:
    if quantity is None:
        if not is_needed:
            return None
        return Reason(code="quantity_missing", zh="缺少数量", en="a quantity is needed")
    if not is_needed:  # how much blood was given is nobody's business
        return Reason(code="quantity_needless", zh="该项不接收数量", en="no quantity is kept for this")
    if not 0 <= quantity <= QUANTITY_MAX:
        return Reason(code="quantity_out_of_range", zh="数量超出范围", en="the quantity is out of range")
    return None

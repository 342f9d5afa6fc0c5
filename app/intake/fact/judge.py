"""The first stage (清洗): is an item well formed, and does it fit the catalogue of indicators and honours? Pure."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import cast
from uuid import UUID

import msgspec

from app.citizen.paper import compute_adult_on, parse_id_number
from app.intake.fact.damage import explain, find_spoilt
from app.intake.fact.item import ArrivedItem, CleanItem, Flaw, make_flaws
from app.record.catalogue import (
    ACT_ID_CHARACTERS_MAX,
    DOCUMENT_CHARACTERS_MAX,
    EVENT_ID_CHARACTERS_MAX,
    Honour,
    Indicator,
    NewRecord,
)
from app.record.fault import find_kind, judge_claim
from app.values.names import clean_name
from app.values.patterns import SOURCE_CODE
from app.values.reason import Reason
from app.values.text import clean_text, is_placeholder, is_plain

NOBODY = UUID(int=0)  # whom a record concerns before its person is found
SOURCE = re.compile(SOURCE_CODE)
TRUTHS = frozenset(("TRUE", "FALSE"))  # letters, but what a spreadsheet makes of a formula: nobody is called so
# The quick way: longer than anything a spreadsheet makes of these characters, and with a digit, so no placeholder.
SOUND_ID = re.compile(rf"(?=.{{8,{EVENT_ID_CHARACTERS_MAX}}}$)[A-Za-z_:/-]*[0-9][0-9A-Za-z_:/-]*")
DIGIT = re.compile("[0-9]")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Which member a fault of the record is about; one that is not named here is about the item as a whole.
POINTERS = {
    "indicator_unknown": "/indicator", "topic_denied": "/indicator", "indicator_computed": "/indicator",
    "honour_unknown": "/honour", "event_in_future": "/eventOn", "ends_before_event": "/endsOn",
    "document_missing": "/document", "document_not_a_reference": "/document", "topic_in_document": "/document",
    "grade_missing": "/grade", "grade_unknown": "/grade",
    "quantity_missing": "/quantity", "quantity_needless": "/quantity", "quantity_out_of_range": "/quantity",
}  # fmt: skip

FLAWS = make_flaws(
    ("malformed", "", "无法读取这条记录", "this item cannot be read"),
    (
        "source_invalid", "/source", "来源代码应为 2 至 40 个小写字母、数字或 _ . -",
        "a source is 2 to 40 of a-z 0-9 _ . -",
    ),
    (
        "event_id_invalid", "/eventId", "事件编号应为 1 至 128 个普通字符",
        "an event id is 1 to 128 plain characters",
    ),
    ("act_id_invalid", "/actId", "行为编号应为 1 至 128 个普通字符", "an act id is 1 to 128 plain characters"),
    ("document_invalid", "/document", "文书编号应为 1 至 200 个普通字符", "a document is 1 to 200 plain characters"),
    (
        "id_number_invalid", "/idNumber", "身份证号码不正确",
        "the ID number is wrong: its form, birth date or check digit",
    ),
    ("name_invalid", "/name", "姓名不正确", "this cannot be a person's name"),
    ("date_invalid", "/eventOn", "日期应真实存在，格式为 YYYY-MM-DD", "a date is a real day, written YYYY-MM-DD"),
    ("minor", "/idNumber", "本人未满十八周岁，不记录", "the person is under eighteen; nothing is recorded"),
    (
        "before_adulthood", "/eventOn", "不记录未满十八周岁的行为",
        "nothing before the eighteenth birthday is recorded",
    ),
    ("ends_on_needless", "/endsOn", "按数量累计的指标没有结束日期", "an amount has no end date"),
    ("ends_on_in_future", "/endsOn", "结束日期晚于今天", "the end date lies in the future"),
    (
        "event_id_reused", "/eventId", "该来源的这一事件编号已有不同内容的记录",
        "the source has used this event id for other facts",
    ),
)  # fmt: skip
OWN_SOURCE = "huixin"  # what these records' source is called; no institution's register has this name
IMPORT_FLAWS = make_flaws(
    ("name_mismatch", "/name", "姓名与该身份证号码不符", "the name does not fit the ID number"),
    (
        "id_number_of_two_names",
        "/idNumber",
        "同一身份证号码对应两个姓名，且都无法核实",
        "one ID number with two names, and neither is known to be right",
    ),
    (
        "honour_not_renewable",
        "/honour",
        "该荣誉不可重复授予，此前授予的仍然有效",
        "this honour is given once and is still in force",
    ),
    ("source_unknown", "/source", "该来源尚未登记", "this source is not registered"),
    (
        "not_of_this_source",
        "",
        "该来源未登记报送此指标或荣誉",
        "the source is not registered to report this indicator or honour",
    ),
    (
        "quarantine_row_unknown",
        "",
        "更正文件的行号不在原文件的待更正行中",
        "the row's number is not one of the rows to be corrected",
    ),
)


def judge_item(arrived: ArrivedItem, today: date) -> CleanItem | Flaw:
    """Return the item ready to be matched, or the first thing that is wrong with it; ``today`` is a Shanghai day."""
    item = _trim(arrived)
    event_on = _parse_date(item.event_on) or explain(item.event_on, FLAWS["date_invalid"])
    ends_on = None if item.ends_on is None else _parse_date(item.ends_on) or explain(item.ends_on, ENDS_ON_INVALID)
    return judge_fact(
        item.source, item.event_id, item.indicator, item.honour, item.id_number, item.name, event_on, ends_on,
        item.grade, item.quantity, item.document, item.act_id, today,
    )  # fmt: skip


def judge_fact(
    source: str,
    event_id: str,
    indicator: str | None,
    honour: str | None,
    id_number: str,
    name: str,
    event_on: date | Flaw,
    ends_on: date | Flaw | None,
    grade: str | None,
    quantity: int | None,
    document: str | None,
    act_id: str | None,
    today: date,
) -> CleanItem | Flaw:
    """Return one fact ready to be matched, or the first thing that is wrong with it, whichever way it came.

    Texts are trimmed; a date may be the flaw of its reading. By place, not by name: this runs a million times a file.
    """
    if flaw := _judge_texts(source, event_id, act_id, document):
        return flaw
    kind = find_kind(indicator, honour)
    if isinstance(kind, Reason):
        return explain(indicator or honour or "", _as_flaw(kind))
    person, spelt = parse_id_number(id_number), clean_name(name)
    if person is None or spelt is None or spelt in TRUTHS:
        is_number = person is None
        wrong, code = (id_number, "id_number_invalid") if is_number else (name, "name_invalid")
        return explain(wrong, FLAWS[code], is_number=is_number)
    if isinstance(event_on, Flaw) or isinstance(ends_on, Flaw):
        return event_on if isinstance(event_on, Flaw) else cast(Flaw, ends_on)
    if flaw := _judge_claim(kind, person.birth_on, event_on, ends_on, grade, quantity, document, today):
        return flaw
    record = NewRecord(
        citizen_id=NOBODY, indicator=indicator, honour=honour, source=source, event_id=event_id, event_on=event_on,
        ends_on=ends_on, grade=grade, quantity=quantity, document=document, act_id=act_id,
    )  # fmt: skip
    return CleanItem(id_number=person.number, name=spelt, record=record)


@lru_cache(maxsize=1024)
def is_source(text: str) -> bool:
    """Whether a text can be the code of an institution's source; what our own rooms write has a code of its own."""
    return SOURCE.match(text) is not None and text != OWN_SOURCE


def _trim(item: ArrivedItem) -> ArrivedItem:
    texts = {name: clean_text(text) for name, text in msgspec.structs.asdict(item).items() if isinstance(text, str)}
    return msgspec.structs.replace(item, **texts)


def _judge_texts(source: str, event_id: str, act_id: str | None, document: str | None) -> Flaw | None:
    """Judge what a source calls things: its own words, which are not changed but may be spoilt by a spreadsheet."""
    if not is_source(source):
        return FLAWS["source_invalid"]
    if SOUND_ID.fullmatch(event_id) is None:
        flaw = _judge_id(event_id, EVENT_ID_CHARACTERS_MAX, FLAWS["event_id_invalid"])
        if flaw is not None:
            return flaw
    if act_id is not None and (flaw := _judge_id(act_id, ACT_ID_CHARACTERS_MAX, FLAWS["act_id_invalid"])):
        return flaw
    if document is None:
        return None
    if not is_plain(document, DOCUMENT_CHARACTERS_MAX):
        return FLAWS["document_invalid"]
    spoilt = find_spoilt(document)
    return None if spoilt is None else msgspec.structs.replace(spoilt, pointer="/document")


def _judge_id(text: str, characters_max: int, flaw: Flaw) -> Flaw | None:
    """Judge an id: a word for a missing one (无, N/A) would be the same id for many facts."""
    if not is_plain(text, characters_max):
        return flaw
    if spoilt := find_spoilt(text):
        return msgspec.structs.replace(spoilt, pointer=flaw.pointer)
    return flaw if DIGIT.search(text) is None and is_placeholder(text) else None


def _judge_claim(
    kind: Indicator | Honour,
    birth_on: date,
    event_on: date,
    ends_on: date | None,
    grade: str | None,
    quantity: int | None,
    document: str | None,
    today: date,
) -> Flaw | None:
    adult_on = compute_adult_on(birth_on)
    if adult_on > today:
        return FLAWS["minor"]
    if adult_on > event_on:
        return FLAWS["before_adulthood"]
    fault = judge_claim(kind, event_on, ends_on, grade, quantity, document, today)
    if fault is not None:
        return explain(grade or "", _as_flaw(fault)) if fault.code == "grade_unknown" else _as_flaw(fault)
    return None if ends_on is None else _judge_end(ends_on, kind, today)


def _judge_end(ends_on: date, kind: Indicator | Honour, today: date) -> Flaw | None:
    """Judge an end date: a state may have a coming one, an act that went on and an honour taken back a past one."""
    measure = kind.measure if isinstance(kind, Indicator) else "honour"
    if measure == "state":
        return None
    if measure == "quantity":  # it counts in the year of its event, whenever that ended
        return FLAWS["ends_on_needless"]
    return FLAWS["ends_on_in_future"] if ends_on > today else None


def _parse_date(text: str) -> date | None:
    """Read YYYY-MM-DD in ASCII digits; the standard library alone would take other ISO forms too."""
    try:
        return date.fromisoformat(text) if DATE.fullmatch(text) else None
    except ValueError:
        return None


def _as_flaw(fault: Reason) -> Flaw:
    return Flaw.of(fault, POINTERS.get(fault.code, ""))


ENDS_ON_INVALID = msgspec.structs.replace(FLAWS["date_invalid"], pointer="/endsOn")

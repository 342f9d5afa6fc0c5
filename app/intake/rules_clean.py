"""The first stage (清洗): is an item well formed, and does it fit the catalogue of indicators and honours? Pure."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from uuid import UUID

import msgspec

from app.citizen.rules import ADULT_AGE, IdNumber, compute_age, normalise_name, parse_id_number
from app.intake.rules import ArrivedItem, CleanItem, Flaw
from app.record.rules import (
    ACT_ID_CHARACTERS_MAX,
    DOCUMENT_CHARACTERS_MAX,
    EVENT_ID_CHARACTERS_MAX,
    Honour,
    Indicator,
    NewRecord,
    RecordFault,
)
from app.record.rules_fault import find_kind, judge_record

NOBODY = UUID(int=0)  # whom a record concerns before its person is found
SOURCE = re.compile(r"[a-z0-9_.-]{2,40}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Which member a fault of the record is about; one that is not named here is about the item as a whole.
POINTERS = {
    "indicator_unknown": "/indicator", "topic_denied": "/indicator", "indicator_computed": "/indicator",
    "honour_unknown": "/honour", "event_in_future": "/eventOn", "ends_before_event": "/endsOn",
    "document_missing": "/document", "grade_missing": "/grade", "grade_unknown": "/grade",
    "quantity_missing": "/quantity", "quantity_needless": "/quantity", "quantity_out_of_range": "/quantity",
}  # fmt: skip

FLAWS = {
    code: Flaw(code=code, pointer=pointer, zh=zh, en=en)
    for code, pointer, zh, en in (
        ("malformed", "", "无法读取这条记录", "this item cannot be read"),
        (
            "source_invalid",
            "/source",
            "来源代码应为 2 至 40 个小写字母、数字或 _ . -",
            "a source is 2 to 40 of a-z 0-9 _ . -",
        ),
        (
            "event_id_invalid",
            "/eventId",
            "事件编号应为 1 至 128 个普通字符",
            "an event id is 1 to 128 plain characters",
        ),
        ("act_id_invalid", "/actId", "行为编号应为 1 至 128 个普通字符", "an act id is 1 to 128 plain characters"),
        (
            "document_invalid",
            "/document",
            "文书编号应为 1 至 200 个普通字符",
            "a document is 1 to 200 plain characters",
        ),
        (
            "id_number_invalid",
            "/idNumber",
            "身份证号码不正确",
            "the ID number is wrong: its form, birth date or check digit",
        ),
        ("name_invalid", "/name", "姓名不正确", "this cannot be a person's name"),
        ("date_invalid", "/eventOn", "日期应真实存在，格式为 YYYY-MM-DD", "a date is a real day, written YYYY-MM-DD"),
        (
            "before_adulthood",
            "/eventOn",
            "不记录未满十八周岁的行为",
            "nothing before the eighteenth birthday is recorded",
        ),
        ("ends_on_needless", "/endsOn", "按数量累计的指标没有结束日期", "an amount has no end date"),
        ("ends_on_in_future", "/endsOn", "结束日期晚于今天", "the end date lies in the future"),
        (
            "event_id_reused",
            "/eventId",
            "该来源的这一事件编号已有不同内容的记录",
            "the source has used this event id for other facts",
        ),
    )
}


def judge_item(arrived: ArrivedItem, today: date) -> CleanItem | Flaw:
    """Return the item ready to be matched, or the first thing that is wrong with it; ``today`` is a Shanghai day."""
    item = _trim(arrived)
    if flaw := _judge_texts(item):
        return flaw
    kind = find_kind(item.indicator, item.honour)
    if isinstance(kind, RecordFault):
        return _as_flaw(kind)
    person = parse_id_number(item.id_number)
    if person is None:
        return FLAWS["id_number_invalid"]
    name = normalise_name(item.name)
    if name is None:
        return FLAWS["name_invalid"]
    record = _make_record(item)
    if isinstance(record, Flaw):
        return record
    return _judge_facts(record, kind, person, today) or CleanItem(id_number=person.number, name=name, record=record)


def is_plain_text(text: str, characters_max: int) -> bool:
    """Whether a trimmed text can stand in a register: no control, private or unassigned characters, no pictographs."""
    return 0 < len(text) <= characters_max and not any(
        unicodedata.category(character)[0] == "C" or unicodedata.category(character) == "So" for character in text
    )


def _trim(item: ArrivedItem) -> ArrivedItem:
    texts = {name: text.strip() for name, text in msgspec.structs.asdict(item).items() if isinstance(text, str)}
    return msgspec.structs.replace(item, **texts)


def _judge_texts(item: ArrivedItem) -> Flaw | None:
    """Judge what a source calls things; these are its own words, kept as they are."""
    if not SOURCE.fullmatch(item.source):
        return FLAWS["source_invalid"]
    for code, text, characters_max in (
        ("event_id_invalid", item.event_id, EVENT_ID_CHARACTERS_MAX),
        ("act_id_invalid", item.act_id, ACT_ID_CHARACTERS_MAX),
        ("document_invalid", item.document, DOCUMENT_CHARACTERS_MAX),
    ):
        if text is not None and not is_plain_text(text, characters_max):
            return FLAWS[code]
    return None


def _make_record(item: ArrivedItem) -> NewRecord | Flaw:
    """Return the record an item makes, of nobody yet, or which date is none."""
    event_on, ends_on = _parse_date(item.event_on), _parse_date(item.ends_on)
    if event_on is None:
        return FLAWS["date_invalid"]
    if ends_on is None and item.ends_on is not None:
        return msgspec.structs.replace(FLAWS["date_invalid"], pointer="/endsOn")
    return NewRecord(
        citizen_id=NOBODY,
        indicator=item.indicator,
        honour=item.honour,
        source=item.source,
        event_id=item.event_id,
        event_on=event_on,
        ends_on=ends_on,
        grade=item.grade,
        quantity=item.quantity,
        document=item.document,
        act_id=item.act_id,
    )


def _judge_facts(record: NewRecord, kind: Indicator | Honour, person: IdNumber, today: date) -> Flaw | None:
    if compute_age(person.birth_on, record.event_on) < ADULT_AGE:
        return FLAWS["before_adulthood"]
    fault = judge_record(record, today)
    if fault is not None:
        return _as_flaw(fault)
    return _judge_end(record, kind, today)


def _judge_end(record: NewRecord, kind: Indicator | Honour, today: date) -> Flaw | None:
    """Judge an end date: a state may have a coming one, an act that went on and an honour taken back a past one."""
    measure = kind.measure if isinstance(kind, Indicator) else "honour"
    if record.ends_on is None or measure == "state":
        return None
    if measure == "quantity":  # it counts in the year of its event, whenever that ended
        return FLAWS["ends_on_needless"]
    return FLAWS["ends_on_in_future"] if record.ends_on > today else None


def _parse_date(text: str | None) -> date | None:
    """Read YYYY-MM-DD in ASCII digits; the standard library alone would take other ISO forms too."""
    try:
        return date.fromisoformat(text) if text is not None and DATE.fullmatch(text) else None
    except ValueError:
        return None


def _as_flaw(fault: RecordFault) -> Flaw:
    return Flaw(pointer=POINTERS.get(fault.code, ""), **msgspec.structs.asdict(fault))

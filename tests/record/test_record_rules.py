"""The closed lists, and which records fit them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.record.catalogue import (
    CATALOGUE,
    FIRST_DAY,
    LAST_DAY,
    QUANTITY_MAX,
    CatalogueWrong,
    NewRecord,
    compute_facts_digest,
    parse_catalogue,
)
from app.record.fault import judge_record

TODAY = date(2026, 11, 21)
TOPICS = "code,is_denied,title_zh,title_en\ngood,no,好,good\nbad,yes,坏,bad\n"
INDICATORS = "code,topic,title_zh,title_en,measure,effect,grades,needs_document,note\n"
HONOURS = "code,title_zh,title_en,grades,validity_months,is_renewable\n"


def record(indicator: str | None = None, honour: str | None = None, **facts: Any) -> NewRecord:
    plain: dict[str, Any] = {"source": "s", "event_id": "1", "event_on": TODAY, **facts}
    return NewRecord(citizen_id=UUID(int=1), indicator=indicator, honour=honour, **plain)


def test_the_published_lists() -> None:
    assert (len(CATALOGUE.indicators), len(CATALOGUE.honours), len(CATALOGUE.denied_topics)) == (49, 8, 21)
    assert CATALOGUE.denied_topics["petition"].title_zh == "信访"
    assert CATALOGUE.honours["MERIT"].grades == ("3", "2", "1")
    assert CATALOGUE.honours["RED_LIST"].grades == ()
    assert not {i.topic for i in CATALOGUE.indicators.values()} & set(CATALOGUE.denied_topics)


@pytest.mark.parametrize(("topic", "words"), [("bad", "denied"), ("new", "not on the closed list")])
def test_an_indicator_needs_an_allowed_topic(topic: str, words: str) -> None:
    with pytest.raises(CatalogueWrong, match=words):
        parse_catalogue(TOPICS, f"{INDICATORS}POS_X,{topic},某,some,act,gives,,no,\n", HONOURS)
    assert parse_catalogue(TOPICS, f"{INDICATORS}POS_X,good,某,some,act,gives,,no,\n", HONOURS).indicators["POS_X"]


FINE = [
    record("POS_CLUE"),
    record("POS_CLUE", event_on=FIRST_DAY),
    record("POS_VOL_HOURS", quantity=0),
    record("POS_VOL_HOURS", quantity=QUANTITY_MAX),
    record("POS_VOL_STAR", grade="5"),
    record("NEG_TAX_ARREARS", document="税告〔2026〕1号", ends_on=TODAY),
    record("BASE_TAX_OK", ends_on=LAST_DAY),
    record(honour="VOL_STAR", grade="1"),
    record(honour="RED_LIST"),
]
FAULTS = [
    ("petition", None, {}, "topic_denied"),
    ("minority_age", None, {}, "topic_denied"),
    ("pos_clue", None, {}, "indicator_unknown"),
    ("schooling", None, {}, "indicator_unknown"),
    ("", None, {}, "indicator_unknown"),
    (None, "petition", {}, "honour_unknown"),
    (None, "POS_CLUE", {}, "honour_unknown"),
    (None, None, {}, "indicator_or_honour"),
    ("POS_CLUE", "RED_LIST", {}, "indicator_or_honour"),
    ("BASE_CLEAN", None, {}, "indicator_computed"),
    ("POS_CLUE", None, {"event_on": TODAY + timedelta(days=1)}, "event_in_future"),
    ("POS_CLUE", None, {"event_on": FIRST_DAY - timedelta(days=1)}, "date_out_of_range"),
    ("BASE_TAX_OK", None, {"ends_on": LAST_DAY + timedelta(days=1)}, "date_out_of_range"),
    ("BASE_TAX_OK", None, {"ends_on": TODAY - timedelta(days=1)}, "ends_before_event"),
    ("POS_VOL_STAR", None, {}, "grade_missing"),
    ("POS_VOL_STAR", None, {"grade": "6"}, "grade_unknown"),
    ("POS_VOL_STAR", None, {"grade": "１"}, "grade_unknown"),
    ("POS_CLUE", None, {"grade": "1"}, "grade_unknown"),
    (None, "VOL_STAR", {}, "grade_missing"),
    (None, "VOL_STAR", {"grade": "0"}, "grade_unknown"),
    (None, "RED_LIST", {"grade": "1"}, "grade_unknown"),
    ("POS_VOL_HOURS", None, {}, "quantity_missing"),
    ("POS_VOL_HOURS", None, {"quantity": -1}, "quantity_out_of_range"),
    ("POS_VOL_HOURS", None, {"quantity": QUANTITY_MAX + 1}, "quantity_out_of_range"),
    ("POS_BLOOD", None, {"quantity": 400}, "quantity_needless"),
    (None, "RED_LIST", {"quantity": 1}, "quantity_needless"),
    ("NEG_TAX_ARREARS", None, {}, "document_missing"),
    ("NEG_TAX_ARREARS", None, {"document": ""}, "document_missing"),
]


@pytest.mark.parametrize("fine", FINE)
def test_fitting_records(fine: NewRecord) -> None:
    assert judge_record(fine, TODAY) is None


@pytest.mark.parametrize(("indicator", "honour", "facts", "code"), FAULTS)
def test_faults(indicator: str | None, honour: str | None, facts: dict[str, Any], code: str) -> None:
    fault = judge_record(record(indicator, honour, **facts), TODAY)
    assert fault is not None
    assert fault.code == code


@pytest.mark.parametrize("topic", sorted(CATALOGUE.denied_topics))
def test_a_denied_topic_is_refused_by_its_title(topic: str) -> None:
    fault = judge_record(record(topic), TODAY)
    assert fault is not None
    assert fault.code == "topic_denied"
    assert CATALOGUE.denied_topics[topic].title_zh in fault.zh
    assert CATALOGUE.denied_topics[topic].title_en in fault.en


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({"ends_on": TODAY}, True),
        ({"source": "other", "event_id": "2"}, True),
        ({"event_on": TODAY - timedelta(days=1)}, False),
        ({"grade": "2"}, False),
        ({"quantity": 1}, False),
        ({"document": "x"}, False),
        ({"act_id": "x"}, False),
    ],
)
def test_facts_are_everything_but_the_end(changes: dict[str, Any], is_same: bool) -> None:
    same = compute_facts_digest(record("POS_CLUE")) == compute_facts_digest(record("POS_CLUE", **changes))
    assert same is is_same

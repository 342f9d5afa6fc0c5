"""What makes an item fit, as tables; every reason to refuse one is here."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.citizen.paper import compute_checksum
from app.intake.fact.damage import find_spoilt
from app.intake.fact.item import ArrivedItem, CleanItem, Flaw
from app.intake.fact.judge import FLAWS, NOBODY, POINTERS, SOUND_ID, judge_item
from app.record.catalogue import (
    ACT_ID_CHARACTERS_MAX,
    CATALOGUE,
    DOCUMENT_CHARACTERS_MAX,
    EVENT_ID_CHARACTERS_MAX,
    QUANTITY_MAX,
)
from app.values.text import is_plain

TODAY = date(2026, 3, 14)
SEVENTEEN = "11990019900314001"
ID_NUMBER = SEVENTEEN + compute_checksum(SEVENTEEN)  # of age since 14 March 2008
OF_AGE_TODAY = "11990020080314001" + compute_checksum("11990020080314001")
MINOR = "11990020080315001" + compute_checksum("11990020080315001")


def an_item(**changes: Any) -> ArrivedItem:
    plain: dict[str, Any] = {
        "source": "civil-affairs", "event_id": "E-1", "indicator": "POS_RESCUE", "id_number": ID_NUMBER,
        "name": "张三", "event_on": "2026-03-01",
    }  # fmt: skip
    return ArrivedItem(**{name: value for name, value in (plain | changes).items() if value is not None})


def flaw_of(**changes: Any) -> str:
    judged = judge_item(an_item(**changes), TODAY)
    return judged.code if isinstance(judged, Flaw) else "clean"


def test_a_clean_item_becomes_a_record_of_nobody_yet() -> None:
    judged = judge_item(
        an_item(
            indicator="NEG_COURT_LISTED", document=" （2026）闽0203执123号 ", act_id="act 7", ends_on="2026-03-05",
            name=" 张三 ", id_number=f" {ID_NUMBER.lower()} ",
        ),
        TODAY,
    )  # fmt: skip
    assert isinstance(judged, CleanItem)
    assert (judged.id_number, judged.name) == (ID_NUMBER, "张三")
    assert msgspec.structs.asdict(judged.record) == {
        "citizen_id": NOBODY, "indicator": "NEG_COURT_LISTED", "honour": None, "source": "civil-affairs",
        "event_id": "E-1", "event_on": date(2026, 3, 1), "ends_on": date(2026, 3, 5), "grade": None,
        "quantity": None, "document": "（2026）闽0203执123号", "act_id": "act 7",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # texts
        ({"source": "x"}, "source_invalid"),
        ({"source": "ab"}, "clean"),
        ({"source": "a" * 40}, "clean"),
        ({"source": "a" * 41}, "source_invalid"),
        ({"source": "Civil"}, "source_invalid"),
        ({"source": "民政局"}, "source_invalid"),
        ({"source": "a\x00b"}, "source_invalid"),
        ({"event_id": ""}, "event_id_invalid"),
        ({"event_id": "   "}, "event_id_invalid"),
        ({"event_id": "e" * EVENT_ID_CHARACTERS_MAX}, "clean"),
        ({"event_id": "e" * (EVENT_ID_CHARACTERS_MAX + 1)}, "event_id_invalid"),
        ({"event_id": "E\x001"}, "event_id_invalid"),
        ({"event_id": "E😀"}, "event_id_invalid"),
        ({"event_id": "闽民〔2026〕1号"}, "clean"),
        ({"act_id": "a" * ACT_ID_CHARACTERS_MAX}, "clean"),
        ({"act_id": "a" * (ACT_ID_CHARACTERS_MAX + 1)}, "act_id_invalid"),
        ({"act_id": "a\nb"}, "act_id_invalid"),
        ({"document": "文" * DOCUMENT_CHARACTERS_MAX}, "clean"),
        ({"document": "文" * (DOCUMENT_CHARACTERS_MAX + 1)}, "document_invalid"),
        ({"document": "\u202edoc\ue000"}, "document_invalid"),
        ({"document": ""}, "document_invalid"),
        # indicator and honour
        ({"indicator": None}, "indicator_or_honour"),
        ({"honour": "GOOD_CITIZEN"}, "indicator_or_honour"),
        ({"indicator": "NO_SUCH"}, "indicator_unknown"),
        ({"indicator": "pos_rescue"}, "indicator_unknown"),
        ({"indicator": "GOOD_CITIZEN"}, "indicator_unknown"),
        ({"indicator": None, "honour": "POS_RESCUE"}, "honour_unknown"),
        ({"indicator": None, "honour": "GOOD_CITIZEN"}, "clean"),
        ({"indicator": "BASE_CLEAN"}, "indicator_computed"),
        # people
        ({"id_number": ID_NUMBER[:-1] + ("0" if ID_NUMBER[-1] != "0" else "1")}, "id_number_invalid"),
        ({"id_number": "1" * 18}, "id_number_invalid"),
        ({"id_number": ID_NUMBER.translate(str.maketrans("0123456789", "０１２３４５６７８９"))}, "clean"),
        ({"name": ""}, "name_invalid"),
        ({"name": "张😀"}, "name_invalid"),
        ({"name": "张\x00三"}, "name_invalid"),
        ({"name": "张" * 51}, "name_invalid"),
        ({"id_number": MINOR}, "minor"),
        ({"id_number": OF_AGE_TODAY, "event_on": "2026-03-14"}, "clean"),
        ({"id_number": OF_AGE_TODAY, "event_on": "2026-03-13"}, "before_adulthood"),
        # days
        ({"event_on": "2026-03-14"}, "clean"),
        ({"event_on": "2026-03-15"}, "event_in_future"),
        ({"event_on": "2026-02-30"}, "date_invalid"),
        ({"event_on": "20260301"}, "date_invalid"),
        ({"event_on": "2026-W10-1"}, "date_invalid"),
        ({"event_on": "２０２６-03-01"}, "date_invalid"),
        ({"event_on": "0000-01-01"}, "date_invalid"),
        ({"event_on": "2008-03-14"}, "clean"),
        ({"event_on": "2008-03-13"}, "before_adulthood"),
        ({"event_on": "0001-01-01"}, "before_adulthood"),
        # grades
        ({"grade": "1"}, "grade_unknown"),
        ({"indicator": "POS_VOL_STAR"}, "grade_missing"),
        ({"indicator": "POS_VOL_STAR", "grade": "5"}, "clean"),
        ({"indicator": "POS_VOL_STAR", "grade": "6"}, "grade_unknown"),
        ({"indicator": None, "honour": "MORAL_MODEL"}, "grade_missing"),
        ({"indicator": None, "honour": "MORAL_MODEL", "grade": "nation"}, "clean"),
        ({"indicator": None, "honour": "GOOD_CITIZEN", "grade": "1"}, "grade_unknown"),
        # quantities
        ({"quantity": 5}, "quantity_needless"),
        ({"indicator": "POS_VOL_HOURS"}, "quantity_missing"),
        ({"indicator": "POS_VOL_HOURS", "quantity": QUANTITY_MAX}, "clean"),
        ({"indicator": "POS_VOL_HOURS", "quantity": QUANTITY_MAX + 1}, "quantity_out_of_range"),
        ({"indicator": "POS_VOL_HOURS", "quantity": -1}, "quantity_out_of_range"),
        ({"indicator": None, "honour": "GOOD_CITIZEN", "quantity": 1}, "quantity_needless"),
        # documents
        ({"indicator": "POS_JUDGMENT_SELF"}, "document_missing"),
        ({"indicator": "POS_JUDGMENT_SELF", "document": "判决书1号"}, "clean"),
        ({"indicator": "POS_JUDGMENT_SELF", "document": "无"}, "document_missing"),
        ({"indicator": "POS_JUDGMENT_SELF", "document": "判决书"}, "document_not_a_reference"),
        ({"indicator": "POS_JUDGMENT_SELF", "document": "#N/A"}, "spoilt_error_value"),
        ({"document": "信访案件〔2026〕1号"}, "topic_in_document"),
        # ends
        ({"indicator": "USE_LATE_GOODS", "ends_on": "2026-03-01"}, "clean"),
        ({"indicator": "USE_LATE_GOODS", "ends_on": "2026-02-28"}, "ends_before_event"),
        ({"indicator": "USE_LATE_GOODS", "ends_on": "2026-13-01"}, "date_invalid"),
        ({"indicator": "USE_LATE_GOODS", "ends_on": ""}, "date_invalid"),
        ({"indicator": "USE_LATE_GOODS", "ends_on": "2027-03-01"}, "clean"),
        ({"ends_on": "2026-03-14"}, "clean"),
        ({"ends_on": "2026-03-15"}, "ends_on_in_future"),
        ({"indicator": None, "honour": "GOOD_CITIZEN", "ends_on": "2026-03-02"}, "clean"),
        ({"indicator": None, "honour": "GOOD_CITIZEN", "ends_on": "2026-03-15"}, "ends_on_in_future"),
        ({"indicator": "POS_VOL_HOURS", "quantity": 5, "ends_on": "2026-03-02"}, "ends_on_needless"),
    ],
)
def test_items(changes: dict[str, Any], expected: str) -> None:
    assert flaw_of(**changes) == expected


@pytest.mark.parametrize("topic", sorted(CATALOGUE.denied_topics))
def test_a_denied_topic_is_refused_by_its_title(topic: str) -> None:
    judged = judge_item(an_item(indicator=topic, id_number="nobody's"), TODAY)
    assert isinstance(judged, Flaw)
    assert judged.code == "topic_denied"
    assert CATALOGUE.denied_topics[topic].title_zh in judged.zh
    assert CATALOGUE.denied_topics[topic].title_en in judged.en


def test_every_flaw_has_its_case() -> None:
    tested = {expected for _, expected in _cases()} | {"event_id_reused", "malformed"}
    assert set(FLAWS) <= tested


def _cases() -> list[tuple[dict[str, Any], str]]:
    (mark,) = test_items.pytestmark
    cases: list[tuple[dict[str, Any], str]] = mark.args[1]
    return cases


@pytest.mark.parametrize("text", ["a", "民政（2026）1号", "No. 7/8 – §3", "é"])
def test_plain_texts(text: str) -> None:
    assert is_plain(text, 20)


@pytest.mark.parametrize("text", ["", "\x00", "a\x7f", "\u200b", "\ue000", "☃", "👨‍👩‍👧", "\ud800", "x" * 21])
def test_texts_that_are_not_plain(text: str) -> None:
    assert not is_plain(text, 20)


ANY_ITEM = st.builds(
    ArrivedItem,
    source=st.text(max_size=45),
    event_id=st.text(max_size=140),
    indicator=st.none() | st.text(max_size=5) | st.sampled_from(sorted(CATALOGUE.indicators)),
    honour=st.none() | st.sampled_from(["VOL_STAR", "x"]),
    id_number=st.sampled_from([ID_NUMBER, "x"]),
    name=st.sampled_from(["张三", "x\x00"]) | st.text(max_size=60),
    event_on=st.dates().map(str) | st.text(max_size=12),
    ends_on=st.none() | st.dates().map(str),
    grade=st.none() | st.text(max_size=2),
    quantity=st.none() | st.integers(),
    document=st.none() | st.text(max_size=210),
    act_id=st.none() | st.text(max_size=140),
)


@given(ANY_ITEM)
def test_any_item_gets_a_verdict(item: ArrivedItem) -> None:
    judged = judge_item(item, TODAY)
    assert isinstance(judged, CleanItem | Flaw)
    if isinstance(judged, CleanItem):
        stored = "".join(map(str, msgspec.structs.astuple(judged.record)))
        assert "\x00" not in stored
        assert stored.encode()


def test_every_flaw_has_a_pointer_to_a_member_of_an_item() -> None:
    members = {f"/{field.encode_name}" for field in msgspec.structs.fields(ArrivedItem)}
    assert {flaw.pointer for flaw in FLAWS.values()} | set(POINTERS.values()) <= members | {""}


@given(
    st.from_regex(r"[0-9A-Za-z_:/.+#-]{0,12}", fullmatch=True) | st.sampled_from(["-3E-005", "12-sept", "undefined"])
)
def test_the_quick_way_of_ids_is_the_long_one(text: str) -> None:
    if SOUND_ID.fullmatch(text):
        assert is_plain(text, EVENT_ID_CHARACTERS_MAX)
        assert find_spoilt(text) is None

"""What is negative, when it ends by itself, and what the citizen reads: by the rule book, whichever it is."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from app.intake.keeping.negative import End, SourceTitle, compute_end, compute_words, is_negative, list_negative_codes
from app.record.catalogue import CATALOGUE, NewRecord
from app.score.book.check import parse_rule_book
from app.score.book.document import RuleBook, RuleIndicator
from app.score.book.standard import STANDARD_BOOK

DATA = Path(__file__).parents[3] / "app" / "score" / "book" / "data"
LEDGER = parse_rule_book((DATA / "ledger_v1.json").read_bytes(), CATALOGUE)
TODAY = date(2026, 11, 21)
SOURCE = SourceTitle("court", "市中级人民法院", "Intermediate Court")


def record(indicator: str, event_on: str = "2026-06-01", ends_on: str | None = None, **facts: Any) -> NewRecord:
    return NewRecord(
        citizen_id=UUID(int=1), indicator=indicator, honour=None, source="court", event_id="1",
        event_on=date.fromisoformat(event_on), ends_on=date.fromisoformat(ends_on) if ends_on else None, **facts,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "grade", "is_so"),
    [
        ("NEG_TAX_ARREARS", None, True), ("NEG_COURT_LISTED", None, True), ("NEG_PENALTY", "low", True),
        ("USE_PAYLATER_DEFAULT", None, True), ("USE_LATE_GOODS", None, True), ("USE_ABUSE", None, True),
        ("USE_LIB_ONTIME", None, False), ("USE_PAYLATER_ONTIME", None, False), ("POS_BLOOD", None, False),
        ("BASE_ID_VERIFIED", None, False),
    ],
)  # fmt: skip
def test_negative_is_what_breaks_good_faith_or_takes_points(code: str, grade: str | None, is_so: bool) -> None:
    assert is_negative(STANDARD_BOOK, STANDARD_BOOK.indicator(code), grade) is is_so
    assert (code in list_negative_codes(STANDARD_BOOK)) is is_so


@pytest.mark.parametrize("book", [STANDARD_BOOK, LEDGER], ids=["rating", "ledger"])
def test_whatever_takes_points_has_words_in_either_family(book: RuleBook) -> None:
    losing = {one.code for one in book.indicators if any(value.points < 0 for value in one.values)}
    assert losing
    assert losing <= set(list_negative_codes(book))
    assert not {code for code in list_negative_codes(book) if code.startswith(("POS_", "BASE_"))}


def test_a_grade_is_judged_by_its_own_value() -> None:
    values = [{"grade": "good", "points": 5}, {"grade": "bad", "points": -5}]
    plain = msgspec.to_builtins(STANDARD_BOOK.indicator("USE_ABUSE"))
    graded = msgspec.convert(plain | {"kind": "graded", "values": values}, RuleIndicator)
    assert not is_negative(STANDARD_BOOK, graded, "good")
    assert is_negative(STANDARD_BOOK, graded, "bad")


@pytest.mark.parametrize(
    ("given", "end"),
    [
        # An act: its validity from the event, or from the end of an act that went on.
        (record("NEG_CONTRACT_JUDG", "2026-06-01"), End("until", date(2027, 6, 1))),
        (record("NEG_CONTRACT_JUDG", "2026-02-28"), End("until", date(2027, 2, 28))),
        (record("NEG_CONTRACT_JUDG", "2024-02-29"), End("over", date(2025, 2, 28))),
        (record("NEG_CONTRACT_JUDG", "2025-11-21"), End("until", TODAY)),
        (record("NEG_CONTRACT_JUDG", "2025-11-20"), End("over", date(2026, 11, 20))),
        (record("NEG_CONTRACT_JUDG", "2025-06-01", "2026-03-31"), End("until", date(2027, 3, 31))),
        (record("NEG_TAX_EVASION", "2026-06-01", grade="2"), End("until", date(2028, 6, 1))),
        # What lasts: while it does, and until the day before it ends.
        (record("NEG_TAX_ARREARS", "2015-01-01"), End("while_it_lasts")),
        (record("NEG_TAX_ARREARS", "2015-01-01", "2026-11-22"), End("until", TODAY)),
        (record("NEG_TAX_ARREARS", "2015-01-01", "2026-11-21"), End("over", date(2026, 11, 20))),
        (record("NEG_COURT_LISTED", "2026-06-01"), End("while_it_lasts")),
    ],
)  # fmt: skip
def test_when_it_ends_by_itself(given: NewRecord, end: End) -> None:
    assert given.indicator is not None
    assert compute_end(STANDARD_BOOK.indicator(given.indicator), given, TODAY) == end


def test_a_minor_one_takes_no_points_and_says_so() -> None:
    plain = msgspec.to_builtins(STANDARD_BOOK.indicator("NEG_TAX_ARREARS"))
    minor = msgspec.convert(plain | {"severity": "minor"}, RuleIndicator)
    assert compute_end(minor, record("NEG_TAX_ARREARS"), TODAY) == End("not_scored")
    words = compute_words(minor, record("NEG_TAX_ARREARS"), SOURCE, TODAY)
    assert "不计分" in words.body_zh
    assert "takes no points" in words.body_en


def test_a_value_of_its_own_severity_and_validity_goes_before_the_indicators() -> None:
    plain = msgspec.to_builtins(STANDARD_BOOK.indicator("NEG_CONTRACT_JUDG"))
    values = [
        {"grade": "1", "points": -1, "severity": "minor"}, {"grade": "2", "points": -2, "validityMonths": 1},
        {"grade": "3", "points": -3},
    ]  # fmt: skip
    graded = msgspec.convert(plain | {"kind": "graded", "values": values, "validityMonths": None}, RuleIndicator)
    ends = [compute_end(graded, record("NEG_CONTRACT_JUDG", "2026-11-01", grade=grade), TODAY) for grade in "123"]
    assert ends == [End("not_scored"), End("until", date(2026, 12, 1)), End("open")]


@pytest.mark.parametrize("document", ["（2026）闽0203执12号", None])
def test_what_the_citizen_reads(document: str | None) -> None:
    given = record("NEG_CONTRACT_JUDG", "2026-06-01", document=document)
    words = compute_words(STANDARD_BOOK.indicator("NEG_CONTRACT_JUDG"), given, SOURCE, TODAY)
    assert words.title_zh == "新增失信记录：合同违约被生效判决认定"
    assert words.title_en == "New negative record: Contract breach adjudged"
    for said in ("合同违约", "2026-06-01", "市中级人民法院", "2027-06-01", "异议", "修复"):
        assert said in words.body_zh
    for said in ("Contract breach", "2026-06-01", "Intermediate Court", "2027-06-01", "Object", "repair"):
        assert said in words.body_en
    assert ("文书号" in words.body_zh) is (document is not None)
    assert (document or "Document") in words.body_zh + words.body_en or document is None
    assert "\n\n" not in words.body_zh


def test_every_indicator_of_either_book_has_words() -> None:
    for book in (STANDARD_BOOK, LEDGER):
        for indicator in list_negative_codes(book).values():
            for value in indicator.values:
                words = compute_words(indicator, record(indicator.code, grade=value.grade), SOURCE, TODAY)
                assert "None" not in words.body_zh + words.body_en

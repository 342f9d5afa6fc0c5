"""A rule book pulls the way it says: what is against somebody never raises a score, whatever displaces what."""

from __future__ import annotations

import copy
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.record.catalogue import CATALOGUE
from app.score.book.check import iter_faults
from app.score.book.document import RuleBook
from app.score.book.standard import STANDARD_BOOK, STANDARD_BOOK_FILE
from tests.score.book.test_book import Edit, on
from tests.score.engine.oracle import Fact, judge
from tests.score.engine.test_engine_random import BIRTHDAYS, CONSENTS, DAY, fact, pools

DOCUMENT: dict[str, Any] = msgspec.json.decode(STANDARD_BOOK_FILE.read_bytes())
LEDGER: dict[str, Any] = msgspec.json.decode(STANDARD_BOOK_FILE.with_name("ledger_v1.json").read_bytes())
SEVERE = [{"points": -300}]


def book_of(*edits: Edit, document: dict[str, Any] = DOCUMENT) -> RuleBook:
    made = copy.deepcopy(document)
    for edit in edits:
        edit(made)
    return msgspec.convert(made, RuleBook)


def dimension(place: int, **changes: object) -> Edit:
    return lambda document: document["dimensions"][place].update(changes)


def at(code: str, field: str) -> str:
    return f"/indicators/{[one['code'] for one in DOCUMENT['indicators']].index(code)}/{field}"


FAULTS: dict[str, tuple[list[Edit], str, str]] = {
    "plus points for what is negative": (
        [on("NEG_TAX_ARREARS", values=[{"points": 20}])], at("NEG_TAX_ARREARS", "values"), "effect_contradicted"),
    "the same in a dimension of both signs": (
        [on("NEG_TAX_ARREARS", values=[{"points": 20}], dimension="usage")], at("NEG_TAX_ARREARS", "values"),
        "effect_contradicted"),
    "a good deed in the negative dimension": (
        [on("POS_CLUE", dimension="negative")], at("POS_CLUE", "values"), "points_sign_wrong"),
    "minus points for a good deed": (
        [on("POS_CLUE", values=[{"points": -4}], annualCap=None)], at("POS_CLUE", "values"), "effect_contradicted"),
    "minus points in a positive dimension": (
        [on("NEG_TAX_ARREARS", dimension="positive")], at("NEG_TAX_ARREARS", "values"), "points_sign_wrong"),
    "a good deed with a ceiling": (
        [on("POS_BRAVE", values=[{"grade": "1", "points": 40, "ceiling": 500}])], at("POS_BRAVE", "values"),
        "effect_contradicted"),
    "a dimension that costs everybody": ([dimension(2, cap=-1)], "/dimensions/2/cap", "dimension_cap_sign_wrong"),
    "a dimension that is given to all": ([dimension(2, floor=1)], "/dimensions/2/floor", "dimension_floor_sign_wrong"),
    "superseding each other": (
        [on("BASE_SI_12M", supersedes=["BASE_SI_36M"])], at("BASE_SI_12M", "supersedes"), "supersedes_cycle"),
    "superseding in a ring": (
        [on("BASE_SI_12M", supersedes=["BASE_TAX_OK"]), on("BASE_TAX_OK", supersedes=["BASE_SI_36M"])],
        at("BASE_TAX_OK", "supersedes"), "supersedes_chain_open"),
    "a chain that is not named whole": (
        [on("BASE_UTILITY_OK", supersedes=["BASE_SI_36M"], values=[{"points": 25}])],
        at("BASE_UTILITY_OK", "supersedes"), "supersedes_chain_open"),
    "the same twice": (
        [on("BASE_SI_36M", supersedes=["BASE_SI_12M", "BASE_SI_12M"])], at("BASE_SI_36M", "supersedes"),
        "supersedes_twice"),
    "the weaker takes the place": (
        [on("NEG_TAX_ARREARS", supersedes=["NEG_DEBT_JUDG"])], at("NEG_TAX_ARREARS", "supersedes"),
        "superseder_weaker"),
    "a ceiling is lifted": (
        [on("NEG_TAX_ARREARS", values=SEVERE, supersedes=["NEG_COURT_LISTED"])], at("NEG_TAX_ARREARS", "supersedes"),
        "superseder_weaker"),
    "acts that each count are superseded by one": (
        [on("NEG_TAX_ARREARS", values=SEVERE, supersedes=["NEG_FALSE_MATERIAL"])],
        at("NEG_TAX_ARREARS", "supersedes"), "superseded_counts_often"),
    "states that add up are": (
        [on("NEG_TAX_ARREARS", values=SEVERE, supersedes=["NEG_DEBT_JUDG"]), on("NEG_DEBT_JUDG", addsUp=True)],
        at("NEG_TAX_ARREARS", "supersedes"), "superseded_counts_often"),
    "bad takes the place of good": (
        [on("NEG_TAX_ARREARS", values=SEVERE, supersedes=["BASE_TAX_OK"])], at("NEG_TAX_ARREARS", "supersedes"),
        "supersedes_another_kind"),
    "across dimensions": (
        [on("NEG_TAX_ARREARS", values=SEVERE, supersedes=["USE_LATE_MONEY"])], at("NEG_TAX_ARREARS", "supersedes"),
        "supersedes_another_kind"),
    "with a cap that may be full": (
        [on("NEG_TAX_ARREARS", values=SEVERE, annualCap=-300, supersedes=["NEG_DEBT_JUDG"])],
        at("NEG_TAX_ARREARS", "supersedes"), "superseder_capped"),
    "a group of both signs": (
        [on("USE_PAYLATER_ONTIME", exclusiveGroup="money_late")], at("USE_PAYLATER_DEFAULT", "exclusiveGroup"),
        "group_signs_mixed"),
    "a group across dimensions": (
        [on("NEG_TAX_ARREARS", exclusiveGroup="money_late")], at("NEG_TAX_ARREARS", "exclusiveGroup"),
        "group_dimensions_mixed"),
    "a cap within a group": (
        [on("NEG_CONTRACT_JUDG", annualCap=-80)], at("NEG_CONTRACT_JUDG", "annualCap"), "group_member_capped"),
    "a ceiling that gives way": (
        [on("NEG_COURT_LISTED", values=[{"points": -80, "ceiling": 499}])], at("NEG_COURT_LISTED", "values"),
        "ceiling_displaced"),
}  # fmt: skip


@pytest.mark.parametrize(("edits", "pointer", "code"), FAULTS.values(), ids=FAULTS.keys())
def test_what_pulls_the_wrong_way(edits: list[Edit], pointer: str, code: str) -> None:
    found = [
        fault for fault in iter_faults(book_of(*edits), CATALOGUE) if (fault.pointer, fault.code) == (pointer, code)
    ]
    assert found
    assert found[0].zh
    assert found[0].en


FINE: dict[str, list[Edit]] = {
    "as shipped": [],
    "a doubled rival just below the ceiling's": [on("NEG_COURT_LISTED", values=[{"points": -81, "ceiling": 499}])],
    "as strong as what it supersedes": [
        on("NEG_PENALTY_UNPAID", supersedes=["NEG_DEBT_JUDG"], values=[{"points": -30}])],
    "a chain named whole": [
        on("BASE_UTILITY_OK", supersedes=["BASE_SI_36M", "BASE_SI_12M"], values=[{"points": 25}])],
    "a state that counts for nothing": [on("NEG_DEBT_JUDG", values=[{"points": 0}])],
}  # fmt: skip


@pytest.mark.parametrize("edits", FINE.values(), ids=FINE.keys())
def test_what_pulls_as_it_should(edits: list[Edit]) -> None:
    assert list(iter_faults(book_of(*edits), CATALOGUE)) == []


def test_the_ledger_as_shipped() -> None:
    assert list(iter_faults(book_of(document=LEDGER), CATALOGUE)) == []


AGAINST = [code for code, one in CATALOGUE.indicators.items() if one.effect == "takes"]


@st.composite
def edits_of(draw: st.DrawFn, codes: list[str]) -> Edit:
    """Change one thing of one of some indicators, in ways an editor may think of."""
    code, what = draw(st.sampled_from(codes)), draw(st.sampled_from(list(CHANGES)))
    change = draw(CHANGES[what](codes))

    def edit(document: dict[str, Any]) -> None:
        indicator = next(one for one in document["indicators"] if one["code"] == code)
        if what == "points":
            points, ceiling = change
            for value in indicator["values"]:
                value["points"] = points
                if ceiling and indicator["kind"] in ("graded", "flat", "ceiling"):
                    value["ceiling"] = ceiling
        else:
            indicator[what] = change

    return edit


CHANGES: dict[str, Any] = {
    "exclusiveGroup": lambda _: st.sampled_from([None, "debt_case", "money_late", "new", "new"]),
    "supersedes": lambda codes: st.lists(st.sampled_from(codes), min_size=1, max_size=2),
    "points": lambda _: st.tuples(st.sampled_from([-300, -60, -40, -10, 0, 20]), st.sampled_from([None, 300, 499])),
    "doubles": lambda _: st.booleans(),
    "annualCap": lambda _: st.sampled_from([None, -60, -30]),
    "dimension": lambda _: st.sampled_from(["usage", "negative"]),
    "addsUp": lambda _: st.booleans(),
}


@st.composite
def in_force(draw: st.DrawFn, codes: list[str]) -> Fact:
    code = draw(st.sampled_from(codes))
    return Fact(
        id=UUID(int=draw(st.integers(1, 2**64))),
        indicator=code,
        event_on=DAY - timedelta(days=draw(st.integers(0, 300))),
        grade=next(iter(CATALOGUE.indicators[code].grades), None),
    )


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(st.lists(st.sampled_from(AGAINST), min_size=2, max_size=4, unique=True), st.data())
def test_one_more_record_against_somebody_never_raises_the_score(codes: list[str], data: st.DataObject) -> None:
    """Of any book that is accepted, whatever else is on record; the new record is of an act of its own."""
    book = book_of(*data.draw(st.lists(edits_of(codes), max_size=3)))
    assume(not list(iter_faults(book, CATALOGUE)))
    records = data.draw(st.lists(in_force(codes), max_size=5, unique_by=lambda record: record.id))
    records += data.draw(pools(book).flatmap(lambda pool: st.lists(fact(pool), max_size=4)))
    new = msgspec.structs.replace(data.draw(in_force(codes)), id=UUID(int=2**100))
    facts: dict[str, Any] = {
        "birth_on": data.draw(st.sampled_from(BIRTHDAYS)),
        "consents": data.draw(st.frozensets(st.sampled_from(CONSENTS))),
        "day": DAY,
    }
    assert judge(book, [*records, new], **facts).value <= judge(book, records, **facts).value


def test_the_property_would_see_a_fault() -> None:
    """With the weaker superseding the stronger the oracle does raise a score: that is what the check is for."""
    book = book_of(on("NEG_TAX_ARREARS", supersedes=["NEG_PENALTY_UNPAID"]))
    day = date(2026, 11, 21)
    heavy, light = (
        Fact(id=UUID(int=n), indicator=code, event_on=day - timedelta(days=9))
        for n, code in enumerate(("NEG_PENALTY_UNPAID", "NEG_TAX_ARREARS"))
    )
    facts: dict[str, Any] = {"birth_on": date(1980, 1, 1), "consents": (), "day": day}
    assert judge(book, [heavy, light], **facts).value > judge(book, [heavy], **facts).value
    assert judge(STANDARD_BOOK, [heavy, light], **facts).value < judge(STANDARD_BOOK, [heavy], **facts).value

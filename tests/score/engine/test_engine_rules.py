"""Every engine rule as a table of cases, under the published rating."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.score.engine.cases import CLEAN, DAY, contributions_of, fact, parts_of, records_of, score_of
from tests.score.engine.oracle import Fact

pytestmark = pytest.mark.usefixtures("app")
Case = tuple[list[Fact], dict[str, int]]

ONE_ACT: dict[str, Case] = {
    "the strongest of one act counts": (
        [fact("POS_RESCUE", act_id="flood"), fact("POS_CLUE", act_id="flood")], {**CLEAN, "POS_RESCUE": 40}),
    "different acts all count": (
        [fact("POS_RESCUE", act_id="flood"), fact("POS_CLUE", act_id="fire")],
        {**CLEAN, "POS_RESCUE": 40, "POS_CLUE": 4}),
    "no act id is no common act": (
        [fact("POS_CLUE"), fact("POS_CLUE")], {**CLEAN, "POS_CLUE": 8}),
    "of one indicator too": (
        [fact("POS_CLUE", act_id="x"), fact("POS_CLUE", act_id="x")], {**CLEAN, "POS_CLUE": 4}),
    "strongest is largest, whatever the sign": (
        [fact("NEG_FALSE_MATERIAL", act_id="x"), fact("POS_CLUE", act_id="x")], {"NEG_FALSE_MATERIAL": -30}),
    "a part of an act is no repeat of it": (
        [fact("NEG_FALSE_MATERIAL", act_id="x"), fact("NEG_FALSE_MATERIAL", act_id="x")], {"NEG_FALSE_MATERIAL": -30}),
    "an expired record does not stand for its act": (
        [fact("POS_RESCUE", "2025-01-01", act_id="x"), fact("POS_CLUE", act_id="x")], {**CLEAN, "POS_CLUE": 4}),
    "hours of one act count under one indicator": (
        [fact("POS_VOL_HOURS", quantity=20, act_id="x"), fact("POS_PATROL", quantity=50, act_id="x")],
        {**CLEAN, "POS_PATROL": 20}),
    "a state counts once, whichever of its records name an act": (
        [fact("NEG_TAX_ARREARS"), fact("NEG_TAX_ARREARS", act_id="x")], {"NEG_TAX_ARREARS": -20}),
    "a state may be the weaker of one act, and count by another record": (
        [fact("NEG_TAX_ARREARS", act_id="x"), fact("NEG_FALSE_MATERIAL", act_id="x"), fact("NEG_TAX_ARREARS")],
        {"NEG_TAX_ARREARS": -20, "NEG_FALSE_MATERIAL": -30}),
    "a state that is only the weaker of one act does not count": (
        [fact("NEG_TAX_ARREARS", act_id="x"), fact("NEG_FALSE_MATERIAL", act_id="x")], {"NEG_FALSE_MATERIAL": -30}),
}  # fmt: skip
REPEATS: dict[str, Case] = {
    "first once, later ones twice, never more": (
        [fact("NEG_FALSE_MATERIAL", f"2026-0{month}-01") for month in (6, 7, 8)],
        {"NEG_FALSE_MATERIAL": -30 - 60 - 60}),
    "another indicator is no repeat": (
        [fact("NEG_FALSE_MATERIAL"), fact("NEG_FALSE_COMMIT")], {"NEG_FALSE_MATERIAL": -30, "NEG_FALSE_COMMIT": -40}),
    "what has expired cannot be repeated": (
        [fact("NEG_FALSE_MATERIAL", "2025-11-20"), fact("NEG_FALSE_MATERIAL")], {"NEG_FALSE_MATERIAL": -30}),
    "by event date, not by entry": (
        [fact("NEG_EXAM_FRAUD", "2026-08-01", grade="1"), fact("NEG_EXAM_FRAUD", "2026-02-01", grade="2")],
        {"NEG_EXAM_FRAUD": -40 - 2 * 20}),
    "of one day the strongest is first": (
        [fact("NEG_EXAM_FRAUD", grade="1"), fact("NEG_EXAM_FRAUD", grade="2")], {"NEG_EXAM_FRAUD": -40 - 2 * 20}),
    "an indicator that does not double": (
        [fact("POS_CLUE"), fact("POS_CLUE", "2026-07-01")], {**CLEAN, "POS_CLUE": 8}),
}  # fmt: skip
VALIDITY: dict[str, Case] = {
    "the day of the same number is the last": (
        [fact("POS_CLUE", "2025-11-21")], {**CLEAN, "POS_CLUE": 4}),
    "the day after it is not": (
        [fact("POS_CLUE", "2025-11-20")], CLEAN),
    "today counts": (
        [fact("POS_CLUE", "2026-11-21")], {**CLEAN, "POS_CLUE": 4}),
    "tomorrow does not yet": (
        [fact("POS_CLUE", "2026-11-22")], CLEAN),
    "a continuing act counts from its end": (
        [fact("POS_CARE", "2025-01-01", ends_on="2026-01-01", grade="2")], {**CLEAN, "POS_CARE": 20}),
    "validity by grade, 12 months": (
        [fact("POS_AWARD", "2025-06-01", grade="county")], CLEAN),
    "validity by grade, 24 months": (
        [fact("POS_AWARD", "2025-06-01", grade="city")], {**CLEAN, "POS_AWARD": 50}),
    "severity by grade: serious for 36 months": (
        [fact("NEG_PENALTY", "2024-06-01", grade="high")], {"NEG_PENALTY": -40}),
    "severity by grade: general for 12, then a year and a half of good faith": (
        [fact("NEG_PENALTY", "2024-05-01", grade="low")], {"BASE_CLEAN": 30}),
    "an open state lasts": (
        [fact("NEG_TAX_ARREARS", "2020-01-01")], {"NEG_TAX_ARREARS": -20}),
    "longer than its publication period of 36 months": (
        [fact("NEG_COURT_LISTED", "2019-01-01")], {"NEG_COURT_LISTED": -200}),
    "and is gone at once when it ends": (
        [fact("NEG_COURT_LISTED", "2026-01-01", ends_on="2026-11-21")], {"BASE_CLEAN": 20}),
    "a state counts until the day before it ends": (
        [fact("BASE_TAX_OK", ends_on="2026-11-22")], {**CLEAN, "BASE_TAX_OK": 10}),
    "and no longer on the day it ends": (
        [fact("BASE_TAX_OK", ends_on="2026-11-21")], CLEAN),
    "a grade the book does not know gives nothing": (
        [fact("NEG_PENALTY", grade="colossal"), fact("POS_VOL_STAR")], CLEAN),
    "only active records": (
        [fact("POS_CLUE", state=s) for s in ("suspended", "repaired", "corrected", "superseded")], CLEAN),
    "a repaired record is as if it had never been": (
        [fact("NEG_COURT_LISTED", state="repaired")], CLEAN),
}  # fmt: skip
GROUPS: dict[str, Case] = {
    "one debt, two courts": (
        [fact("NEG_DEBT_JUDG"), fact("NEG_CONTRACT_JUDG"), fact("NEG_FEE_ADJUDGED")], {"NEG_CONTRACT_JUDG": -40}),
    "a doubled repeat is stronger": (
        [fact("NEG_PENALTY", "2026-01-10", grade="low"), fact("NEG_PENALTY", "2026-02-10", grade="high"),
         fact("NEG_PENALTY_UNPAID")],
        {"NEG_PENALTY": -80}),
    "a ladder's rung counts as one": (
        [fact("POS_VOL_HOURS", quantity=30), fact("POS_VOL_HOURS", "2026-07-01", quantity=30),
         fact("POS_PATROL", quantity=30)],
        {**CLEAN, "POS_VOL_HOURS": 20}),
    "a rung not reached does not hold the place": (
        [fact("POS_VOL_HOURS", quantity=9), fact("POS_PATROL", quantity=10)], {**CLEAN, "POS_PATROL": 4}),
    "groups do not mix": (
        [fact("NEG_DEBT_JUDG"), fact("NEG_PENALTY", grade="low")], {"NEG_DEBT_JUDG": -30, "NEG_PENALTY": -10}),
    "the longer state replaces the shorter": (
        [fact("BASE_SI_12M"), fact("BASE_SI_36M")], {**CLEAN, "BASE_SI_36M": 25}),
    "while both hold": (
        [fact("BASE_SI_12M"), fact("BASE_SI_36M", ends_on="2026-11-01")], {**CLEAN, "BASE_SI_12M": 15}),
    "a state reported twice is one state": (
        [fact("BASE_ID_VERIFIED"), fact("BASE_ID_VERIFIED", "2026-07-01")], {**CLEAN, "BASE_ID_VERIFIED": 30}),
    "unless it adds up": (
        [fact("USE_LATE_GOODS"), fact("USE_LATE_GOODS")], {**CLEAN, "USE_LATE_GOODS": -10}),
}  # fmt: skip
LADDERS: dict[str, Case] = {
    "below the first rung": ([fact("POS_VOL_HOURS", quantity=9)], CLEAN),
    "the edge is inclusive": ([fact("POS_VOL_HOURS", quantity=10)], {**CLEAN, "POS_VOL_HOURS": 4}),
    "the last rung has no end": ([fact("POS_VOL_HOURS", quantity=5000)], {**CLEAN, "POS_VOL_HOURS": 100}),
    "a year adds up": (
        [fact("POS_VOL_HOURS", quantity=6), fact("POS_VOL_HOURS", "2026-09-01", quantity=4)],
        {**CLEAN, "POS_VOL_HOURS": 4}),
    "two years do not": (
        [fact("POS_VOL_HOURS", "2025-12-31", quantity=9), fact("POS_VOL_HOURS", "2026-01-01", quantity=9)], CLEAN),
    "the best year still valid": (
        [fact("POS_VOL_HOURS", "2025-12-20", quantity=60), fact("POS_VOL_HOURS", quantity=25)],
        {**CLEAN, "POS_VOL_HOURS": 20}),
    "what has expired adds nothing": (
        [fact("POS_VOL_HOURS", "2025-03-01", quantity=60), fact("POS_VOL_HOURS", "2025-12-20", quantity=15)],
        {**CLEAN, "POS_VOL_HOURS": 4}),
    "money in fen": ([fact("POS_DONATE_MONEY", quantity=50_000)], {**CLEAN, "POS_DONATE_MONEY": 6}),
    "money is capped": ([fact("POS_DONATE_MONEY", quantity=10**12)], {**CLEAN, "POS_DONATE_MONEY": 20}),
}  # fmt: skip
CAPS: dict[str, Case] = {
    "at the annual cap": ([fact("POS_SUPERVISE") for _ in range(3)],
                          {**CLEAN, "POS_SUPERVISE": 12}),
    "above it": ([fact("POS_SUPERVISE") for _ in range(4)],
                 {**CLEAN, "POS_SUPERVISE": 16, "annual_cap:POS_SUPERVISE": -4}),
    "of each year by itself": (
        [fact("POS_SUPERVISE") for _ in range(4)] + [fact("POS_SUPERVISE", "2025-12-01") for _ in range(4)],
        {**CLEAN, "POS_SUPERVISE": 32, "annual_cap:POS_SUPERVISE": -8}),
    "a negative cap": ([fact("USE_LATE_GOODS") for _ in range(4)],
                       {**CLEAN, "USE_LATE_GOODS": -20, "annual_cap:USE_LATE_GOODS": 5}),
    "of a state in all, whatever the years": (
        [fact("USE_LATE_GOODS", f"202{y}-01-01") for y in (3, 4, 5, 6)],
        {**CLEAN, "USE_LATE_GOODS": -20, "annual_cap:USE_LATE_GOODS": 5}),
    "dimension cap": (
        [fact("POS_AWARD", grade="nation"), fact("POS_SERVICE_MERIT", grade="1")],
        {**CLEAN, "POS_AWARD": 160, "POS_SERVICE_MERIT": 120, "dimension_cap:positive": -30}),
    "annual caps before dimension caps": (
        [fact("POS_AWARD", grade="nation"), fact("POS_SERVICE_MERIT", grade="1"), fact("POS_SERVICE_MERIT", grade="2")],
        {**CLEAN, "POS_AWARD": 160, "POS_SERVICE_MERIT": 200, "annual_cap:POS_SERVICE_MERIT": -80,
         "dimension_cap:positive": -30}),
    "dimension floor": (
        [fact("NEG_COURT_LISTED"), *(fact("NEG_FALSE_COMMIT", f"2026-0{m}-01") for m in (1, 2, 3))],
        {"NEG_COURT_LISTED": -200, "NEG_FALSE_COMMIT": -200, "dimension_cap:negative": 50}),
    "a ceiling last of all": (
        [fact("NEG_COURT_LISTED"), fact("POS_AWARD", grade="nation"), fact("POS_SERVICE_MERIT", grade="1"),
         fact("BASE_ID_VERIFIED")],
        {"BASE_ID_VERIFIED": 30, "NEG_COURT_LISTED": -200, "POS_AWARD": 160, "POS_SERVICE_MERIT": 120,
         "dimension_cap:positive": -30, "ceiling:499": -81}),
    "a ceiling not reached takes nothing": ([fact("NEG_COURT_LISTED")], {"NEG_COURT_LISTED": -200}),
}  # fmt: skip
TABLES = {"act": ONE_ACT, "repeat": REPEATS, "validity": VALIDITY, "group": GROUPS, "ladder": LADDERS, "cap": CAPS}
CASES = [pytest.param(*case, id=f"{t}: {name}") for t, table in TABLES.items() for name, case in table.items()]


@pytest.mark.parametrize(("records", "parts"), CASES)
async def test_rule(records: list[Fact], parts: dict[str, int]) -> None:
    assert parts_of(await score_of(*records)) == parts


BORN = date(2008, 2, 29)  # comes of age on 1 March 2026


@pytest.mark.parametrize(
    ("event_on", "counts"), [("2026-02-28", False), ("2026-03-01", True), ("2026-03-02", True)]
)  # fmt: skip
async def test_nothing_before_the_eighteenth_birthday(event_on: str, counts: bool) -> None:
    record = fact("POS_CLUE", event_on)
    assert (record.id in records_of(await score_of(record, born_on=BORN))) is counts


@pytest.mark.parametrize(
    ("arrears", "day", "points"),
    [
        (None, "2026-03-01", 20),
        (None, "2027-02-28", 20),
        (None, "2027-03-01", 30),
        (None, "2029-03-01", 45),
        (None, "2031-03-01", 60),
        ({"ends_on": "2026-05-10"}, "2026-05-09", 0),
        ({"ends_on": "2026-05-10"}, "2026-05-10", 20),
        ({"ends_on": "2026-05-10"}, "2027-05-09", 20),
        ({"ends_on": "2026-05-10"}, "2027-05-10", 30),
        ({"ends_on": "2026-05-10", "state": "repaired"}, "2026-05-09", 20),
        ({"ends_on": "2026-05-10", "state": "repaired"}, "2027-03-01", 30),
        ({"ends_on": "2026-04-01"}, "2026-04-01", 20),
        ({}, "2040-01-01", 0),
    ],
)
async def test_good_faith_counts_months(arrears: dict[str, str] | None, day: str, points: int) -> None:
    """Born on 29 February 2008; perhaps tax arrears announced on 1 April 2026."""
    records = [] if arrears is None else [fact("NEG_TAX_ARREARS", "2026-04-01", **arrears)]
    score = await score_of(*records, born_on=BORN, day=date.fromisoformat(day))
    assert parts_of(score).get("BASE_CLEAN", 0) == points


async def test_good_faith_is_broken_by_what_loses_its_group_too() -> None:
    """The listing outweighs the judgment, and ends; the judgment was there all the time."""
    listed = fact("NEG_COURT_LISTED", "2026-01-01", ends_on="2026-03-01")
    judged = fact("NEG_CONTRACT_JUDG", "2026-02-01")
    assert parts_of(await score_of(listed, judged)) == {"NEG_CONTRACT_JUDG": -40}


@pytest.mark.parametrize(
    ("consents", "parts"), [((), CLEAN), (("pos_blood",), {**CLEAN, "POS_BLOOD": 10}), (("pos_marrow",), CLEAN)]
)
async def test_separate_consent(consents: tuple[str, ...], parts: dict[str, int]) -> None:
    assert parts_of(await score_of(fact("POS_BLOOD"), consents=consents)) == parts


@pytest.mark.parametrize(
    ("records", "until"),
    [
        ([fact("POS_CLUE", "2026-03-31")], "2027-03-31"),
        ([fact("POS_CLUE", "2026-02-28")], "2027-02-28"),
        ([fact("POS_AWARD", "2024-02-29", grade="nation")], "2029-02-28"),
        ([fact("BASE_TAX_OK", ends_on="2027-01-01")], "2026-12-31"),
        ([fact("BASE_TAX_OK")], None),
        ([fact("BASE_TAX_OK", ends_on="2027-01-01"), fact("BASE_TAX_OK", ends_on="2027-02-01")], "2027-01-31"),
        ([fact("BASE_TAX_OK", ends_on="2027-01-01"), fact("BASE_TAX_OK")], None),
        ([fact("POS_VOL_HOURS", "2026-01-05", quantity=9), fact("POS_VOL_HOURS", "2026-02-05", quantity=9)],
         "2027-01-05"),
    ],
)  # fmt: skip
async def test_until_when_points_stand(records: list[Fact], until: str | None) -> None:
    given = [c for c in contributions_of(await score_of(*records)) if c.indicator != "BASE_CLEAN"]
    assert [(c.until.isoformat() if c.until else None, set(c.record_ids)) for c in given] == [
        (until, {record.id for record in records})
    ]


@pytest.mark.parametrize(
    ("records", "born_on", "next_on"),
    [
        ([], date(1980, 1, 1), None),
        ([], BORN, "2027-03-01"),
        ([fact("POS_CLUE", "2026-03-31")], date(1980, 1, 1), "2027-04-01"),
        ([fact("POS_CLUE", "2026-12-24")], date(1980, 1, 1), "2026-12-24"),
        ([fact("BASE_TAX_OK", ends_on="2027-01-01")], date(1980, 1, 1), "2027-01-01"),
        ([fact("NEG_TAX_ARREARS")], BORN, None),
        ([fact("NEG_TAX_ARREARS", ends_on="2026-11-21")], BORN, "2027-11-21"),
        ([fact("POS_BLOOD")], date(1980, 1, 1), None),
    ],
)
async def test_next_change(records: list[Fact], born_on: date, next_on: str | None) -> None:
    score = await score_of(*records, born_on=born_on)
    assert (score.next_change_on.isoformat() if score.next_change_on else None) == next_on


@pytest.mark.parametrize("day", [date(2026, 2, 28), date(2026, 2, 28) - timedelta(days=4000)])
async def test_no_score_under_eighteen(day: date) -> None:
    with pytest.raises(IndexError):
        await score_of(born_on=BORN, day=day)
    assert (await score_of(born_on=BORN, day=DAY)).value == 520

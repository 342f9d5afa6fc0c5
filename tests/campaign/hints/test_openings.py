"""Which benefits a higher score opens, and which things to do are tried: tables of cases, without a database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from app.campaign.catalogue.live import LiveBenefit
from app.campaign.hints.openings import (
    ACTIONABLE,
    ACTIONABLE_FILE,
    BENEFITS_HINTED_MAX,
    RUNGS_TRIED_MAX,
    Trial,
    compute_action_hints,
    compute_benefit_hints,
    drop_full,
    list_burdens,
    list_trials,
    parse_actionable,
    pick_counting,
)
from app.campaign.terms.eligibility import Eligibility, Facts, HeldHonour
from app.campaign.terms.grant import Grant
from app.record.catalogue import CATALOGUE
from app.record.stored import StoredRecord
from app.score.book.standard import STANDARD_BOOK
from app.score.engine.given import Explanation
from app.score.engine.parts import Adjustment, AdjustmentCode, Contribution
from tests.support.switching import LEDGER, LEDGER_LEVELS, LEVELS

DAY = date(2026, 11, 22)
STAR = HeldHonour("VOL_STAR", "3", 3, DAY)
PERSON = Facts(score=590, level="L2", honours=(STAR,), birth_on=date(1980, 6, 15), levels=LEVELS)


def benefit(number: int, eligibility: str) -> LiveBenefit:
    return LiveBenefit(
        id=UUID(int=number),
        code=f"B{number}",
        title="优惠",
        kind="fee_reduction",
        scenario="garage",
        needs_name=False,
        institution_id=UUID(int=1),
        campaign_id=UUID(int=2),
        campaign_version=1,
        eligibility=msgspec.json.decode(eligibility, type=Eligibility),
        grant=msgspec.json.decode(b'{"type":"percentOff","percent":10,"maxFen":1000}', type=Grant),
        stock=None,
        per_citizen=None,
        reversal_window_seconds=3600,
        store_ids=None,
        without_score=None,
        starts_at=datetime(2026, 1, 1, tzinfo=UTC),
        ends_at=datetime(2027, 1, 1, tzinfo=UTC),
        state="live",
    )


def at_least(value: int) -> str:
    return f'{{"type":"scoreAtLeast","value":{value}}}'


@pytest.mark.parametrize(
    ("eligibility", "opens_at"),
    [
        ('{"type":"everyone"}', None),
        (at_least(590), None),
        (at_least(591), 591),
        (at_least(1000), 1000),
        (at_least(1001), None),  # no score is ever so high
        ('{"type":"levelAtLeast","level":"L2"}', None),
        ('{"type":"levelAtLeast","level":"L4"}', 650),
        ('{"type":"levelAtLeast","level":"GONE"}', None),
        ('{"type":"hasHonour","honour":"BRAVERY"}', None),
        ('{"type":"ageBetween","min":60}', None),
        (f'{{"type":"all","of":[{at_least(600)},{{"type":"levelAtLeast","level":"L4"}}]}}', 650),
        (f'{{"type":"all","of":[{at_least(600)},{{"type":"hasHonour","honour":"VOL_STAR"}}]}}', 600),
        (f'{{"type":"all","of":[{at_least(600)},{{"type":"hasHonour","honour":"BRAVERY"}}]}}', None),
        (f'{{"type":"any","of":[{at_least(700)},{at_least(620)}]}}', 620),
        (f'{{"type":"any","of":[{at_least(700)},{{"type":"hasHonour","honour":"BRAVERY"}}]}}', 700),
        (f'{{"type":"any","of":[{at_least(700)},{{"type":"hasHonour","honour":"VOL_STAR"}}]}}', None),
    ],
)
def test_from_which_score_on_a_benefit_is_open(eligibility: str, opens_at: int | None) -> None:
    hints = compute_benefit_hints([benefit(7, eligibility)], PERSON, STANDARD_BOOK, DAY)
    assert [hint.opens_at for hint in hints] == ([] if opens_at is None else [opens_at])
    assert all(hint.reasons for hint in hints)


def test_the_nearest_benefits_first_and_no_more_than_so_many() -> None:
    many = [benefit(n, at_least(700 - n)) for n in range(1, BENEFITS_HINTED_MAX + 3)]
    hints = compute_benefit_hints([benefit(99, '{"type":"everyone"}'), *many], PERSON, STANDARD_BOOK, DAY)
    assert len(hints) == BENEFITS_HINTED_MAX
    assert [hint.opens_at for hint in hints] == sorted(700 - n for n in range(3, BENEFITS_HINTED_MAX + 3))
    assert hints[0].reasons[0].en == "needs 688 points, you have 590, 98 points away"


def test_a_ledger_has_no_top() -> None:
    facts = msgspec.structs.replace(PERSON, score=1000, level="A", levels=LEDGER_LEVELS)
    named = [f'{{"type":"levelAtLeast","level":"{level}"}}' for level in ("A", "AAA", "L5")]
    asked = [benefit(number, text) for number, text in enumerate([at_least(1900), *named])]
    hints = compute_benefit_hints(asked, facts, LEDGER, DAY)
    assert [(hint.benefit.id.int, hint.opens_at) for hint in hints] == [(2, 1050), (0, 1900)]


def stored(indicator: str, **facts: Any) -> StoredRecord:
    plain: dict[str, Any] = {
        "id": uuid4(), "version": 1, "state": "active", "indicator": indicator, "honour": None, "source": "test",
        "event_id": "1", "document": None, "event_on": DAY, "ends_on": None,
        "entered_at": datetime(2026, 11, 22, tzinfo=UTC),
        "grade": None, "quantity": None, "act_id": None,
    }  # fmt: skip
    return StoredRecord(**plain | facts)


def trials_of(indicator: str, *records: StoredRecord, consents: tuple[str, ...] = ()) -> list[Trial]:
    trials = list_trials(ACTIONABLE, STANDARD_BOOK, records, consents, DAY)
    return [trial for trial in trials if trial.indicator.code == indicator]


@pytest.mark.parametrize(
    ("records", "missing"),
    [
        ([], [10, 20, 50]),
        ([stored("POS_VOL_HOURS", quantity=4), stored("POS_VOL_HOURS", quantity=5)], [1, 11, 41]),
        ([stored("POS_VOL_HOURS", quantity=10)], [10, 40, 70]),
        ([stored("POS_VOL_HOURS", quantity=9, event_on=date(2025, 12, 31))], [10, 20, 50]),
        ([stored("POS_VOL_HOURS", quantity=9, state="corrected")], [10, 20, 50]),
        ([stored("POS_PATROL", quantity=9)], [10, 20, 50]),
        ([stored("POS_VOL_HOURS", quantity=299)], [1]),
        ([stored("POS_VOL_HOURS", quantity=300)], []),
    ],
)
def test_what_is_missing_to_the_next_rungs(records: list[StoredRecord], missing: list[int]) -> None:
    trials = trials_of("POS_VOL_HOURS", *records)
    assert [trial.record.quantity for trial in trials if trial.record] == missing
    assert len(missing) <= RUNGS_TRIED_MAX


def test_what_needs_consent_is_not_tried_without_it() -> None:
    (without,) = trials_of("POS_BLOOD")
    assert without.record is None
    (given,) = trials_of("POS_BLOOD", consents=("pos_blood",))
    assert given.record is not None
    (hint,) = compute_action_hints([without], [])
    assert (hint.points, hint.quantity) == (None, None)


def test_the_nearest_rung_that_adds_and_the_strongest_thing_first() -> None:
    trials = [*trials_of("POS_VOL_HOURS"), *trials_of("POS_CLUE"), *trials_of("POS_BLOOD"), *trials_of("POS_CARE")]
    hints = compute_action_hints(trials, [0, 4, 20, 0, 10])
    assert [(hint.indicator.code, hint.quantity, hint.points) for hint in hints] == [
        ("POS_CARE", None, 10), ("POS_VOL_HOURS", 20, 4), ("POS_BLOOD", None, None),
    ]  # fmt: skip


def score_with(*adjustments: Adjustment, counting: tuple[UUID, ...] = ()) -> Explanation:
    given = Contribution(
        record_ids=counting, indicator="POS_CLUE", dimension="positive", points=4, until=None, is_repeat=False
    )
    return Explanation(
        citizen_id=UUID(int=1), value=590, level="L2", rule_book_id=1, as_of=DAY, next_change_on=None, inputs_hash=b"",
        base=500, contributions=(given,), adjustments=adjustments,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "subject", "year", "points", "is_full"),
    [
        ("annual_cap", "POS_CLUE", 2026, -4, True), ("annual_cap", "POS_CLUE", 2025, -4, False),
        ("annual_cap", "POS_CARE", 2026, -4, False), ("dimension_cap", "positive", None, -4, True),
        ("dimension_cap", "positive", None, 4, False), ("dimension_cap", "usage", None, -4, False),
        ("scale", "", None, -4, False), ("ceiling", "499", None, -4, False),
    ],
)  # fmt: skip
def test_what_the_explanation_says_is_full_is_not_tried(
    code: AdjustmentCode, subject: str, year: int | None, points: int, is_full: bool
) -> None:
    score = score_with(Adjustment(code=code, subject=subject, year=year, points=points))
    assert drop_full(trials_of("POS_CLUE"), score, DAY) == ([] if is_full else trials_of("POS_CLUE"))


def test_what_counts_and_amounts_that_may_add_up_go_into_the_trials() -> None:
    counts, adds_up, neither = stored("POS_CLUE"), stored("POS_VOL_HOURS", quantity=3), stored("POS_CLUE")
    picked = pick_counting([counts, adds_up, neither], score_with(counting=(counts.id,)))
    assert picked == [counts, adds_up]


def test_the_list_names_only_what_a_person_decides() -> None:
    assert set(ACTIONABLE) <= set(CATALOGUE.indicators)
    for code, entry in ACTIONABLE.items():
        listed = CATALOGUE.indicators[code]
        assert entry.how_zh
        assert entry.how_en
        assert entry.grade in (listed.grades or ("",)), code
        assert bool(entry.grade) == (listed.measure == "grade")
        assert bool(entry.unit_zh) == bool(entry.unit_en) == (listed.measure == "quantity")
        assert listed.topic not in {"charity", "court", "fraud", "penalty", "honour", "performance", "repair"}
        assert not code.startswith("NEG_")
        assert "DONATE" not in code
        assert not listed.needs_document
    # Danger, luck and money: none of them is advice.
    assert not set(ACTIONABLE) & {
        "POS_BRAVE", "POS_RESCUE", "POS_MARROW", "POS_LOST_FOUND", "POS_DONATE_MONEY", "POS_AWARD", "POS_VOL_STAR",
    }  # fmt: skip
    text = ACTIONABLE_FILE.read_text(encoding="utf-8")
    assert not [word for word in ("捐", "购买", "充值", "donat", "buy") if word in text]
    assert parse_actionable(text) == ACTIONABLE


def test_only_what_the_rules_in_force_know_is_tried() -> None:
    book = msgspec.structs.replace(
        STANDARD_BOOK, indicators=tuple(one for one in STANDARD_BOOK.indicators if one.code != "POS_CLUE")
    )
    tried = {trial.indicator.code for trial in list_trials(ACTIONABLE, book, [], (), DAY)}
    assert tried == set(ACTIONABLE) - {"POS_CLUE"}


def test_what_weighs_the_heaviest_first_with_the_day_it_ends() -> None:
    def given(indicator: str, points: int, until: date | None) -> Contribution:
        return Contribution(
            record_ids=(uuid4(),),
            indicator=indicator,
            dimension="negative",
            points=points,
            until=until,
            is_repeat=False,
        )

    burdens = list_burdens(
        [given("POS_CLUE", 4, DAY), given("NEG_PENALTY", -10, date(2026, 12, 31)),
         given("NEG_TAX_ARREARS", -20, None)],
        STANDARD_BOOK,
    )  # fmt: skip
    assert [(one.indicator.code, one.points, one.ends_on) for one in burdens] == [
        ("NEG_TAX_ARREARS", -20, None), ("NEG_PENALTY", -10, date(2027, 1, 1)),
    ]  # fmt: skip

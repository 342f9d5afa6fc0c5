"""The SQL engine equals a plain Python one on random histories, under both families of rule books."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.kit.db.database import fetch_value
from app.record.catalogue import CATALOGUE
from app.score.book import queries as book_queries
from app.score.book.check import parse_rule_book
from app.score.book.document import RuleBook, RuleIndicator
from app.score.book.standard import STANDARD_BOOK, STANDARD_BOOK_FILE
from app.score.engine.actions import score_given
from app.score.engine.given import GivenPerson, GivenRecord
from app.score.engine.parts import Adjustment, Contribution
from app.score.engine.queries import ExplainedScore
from tests.score.engine import cases as engine_cases
from tests.score.engine.cases import check_stored
from tests.score.engine.oracle import Fact, Given, Judged, Taken, judge
from tests.support.histories import give_separate_consents, insert_facts, make_citizen

pytestmark = pytest.mark.usefixtures("app")

LEDGER = STANDARD_BOOK_FILE.with_name("ledger_v1.json").read_text(encoding="utf-8")
DAY = date(2026, 11, 21)
BIRTHDAYS = (date(1950, 3, 3), date(1990, 12, 31), date(2004, 2, 29), date(2007, 5, 1), date(2008, 11, 21))
CONSENTS = ("pos_blood", "pos_marrow")


class History(msgspec.Struct, frozen=True):
    """One citizen's whole input."""

    birth_on: date
    consents: frozenset[str]
    records: tuple[Fact, ...]


def quantities(indicator: RuleIndicator) -> st.SearchStrategy[int | None]:
    """Quantities at, just below and between the rungs, so that sums of them fall around the edges."""
    if indicator.kind != "ladder":
        return st.none()
    edges = [value.at_least or 0 for value in indicator.values]
    return st.sampled_from([0, 1, *edges, *(edge - 1 for edge in edges), *(edge // 2 for edge in edges)])


def pools(book: RuleBook) -> st.SearchStrategy[list[RuleIndicator]]:
    """Draw what a history is about: a few indicators, often ones that have to do with each other."""
    reported = [indicator for indicator in book.indicators if indicator.kind != "clean"]
    related = [
        [i for i in reported if i.exclusive_group == group]
        for group in sorted({i.exclusive_group for i in reported if i.exclusive_group})
    ]
    related.append([i for i in reported if i.supersedes or any(i.code in other.supersedes for other in reported)])
    some = st.lists(st.sampled_from(reported), min_size=1, max_size=6)
    return st.one_of(some, st.builds(list.__add__, st.sampled_from([each for each in related if each]), some))


@st.composite
def fact(draw: st.DrawFn, pool: list[RuleIndicator]) -> Fact:
    indicator = draw(st.sampled_from(pool))
    event_on = DAY - timedelta(days=draw(st.one_of(st.integers(-40, 800), st.sampled_from([0, 364, 365, 366, 1500]))))
    lasts = draw(st.sampled_from([None, None, 0, 1, 30, 200, 365]))
    return Fact(
        id=UUID(int=draw(st.integers(0, 3)) << 120 | secrets.randbits(120)),
        indicator=indicator.code,
        event_on=event_on,
        ends_on=None if lasts is None else event_on + timedelta(days=lasts),
        grade=draw(st.sampled_from([value.grade for value in indicator.values])),
        quantity=draw(quantities(indicator)),
        act_id=draw(st.sampled_from([None, None, None, "a", "b"])),
        state=draw(st.sampled_from(["active"] * 6 + ["suspended", "repaired", "corrected", "superseded"])),
    )


def histories(book: RuleBook) -> st.SearchStrategy[list[History]]:
    """Make a few citizens at once, so that one's records must not leak into another's."""
    history = st.builds(
        History,
        birth_on=st.sampled_from(BIRTHDAYS),
        consents=st.frozensets(st.sampled_from(CONSENTS)),
        records=pools(book).flatmap(lambda pool: st.lists(fact(pool), max_size=20)).map(tuple),
    )
    return st.lists(history, min_size=1, max_size=5)


async def store(history: History) -> UUID:
    citizen_id = await make_citizen(born_on=history.birth_on)
    await give_separate_consents(citizen_id, history.consents)
    await insert_facts(citizen_id, history.records)
    return citizen_id


def read(score: ExplainedScore) -> Judged:
    contributions = msgspec.json.decode(score.contributions, type=list[Contribution])
    adjustments = msgspec.json.decode(score.adjustments, type=list[Adjustment])
    given_ = frozenset(
        Given(indicator=c.indicator, records=c.record_ids, points=c.points, until=c.until, is_repeat=c.is_repeat)
        for c in contributions
    )
    assert len(given_) == len(contributions)
    taken = tuple(Taken(code=a.code, subject=a.subject, year=a.year, points=a.points) for a in adjustments)
    assert score.value == score.base + sum(c.points for c in contributions) + sum(a.points for a in adjustments)
    return Judged(value=score.value, given=given_, taken=taken)


def to_person(history: History) -> GivenPerson:
    """Make of a history what the engine is given instead of what is stored."""
    records = tuple(GivenRecord(**msgspec.structs.asdict(record)) for record in history.records)
    return GivenPerson(birth_on=history.birth_on, consents=tuple(history.consents), records=records)


async def resolve_book_id(book_id: int | None) -> int:
    return await book_queries.find_active_book_id() if book_id is None else book_id


async def compare(book: RuleBook, book_id: int | None, cases: list[History], later: int) -> None:
    """Compare every citizen's answer, and that nothing moves before the day the engine names."""
    ids = [await store(history) for history in cases]
    answers = {score.citizen_id: score for score in await engine_cases.find_explained(ids, DAY, book_id)}
    day = DAY + timedelta(days=later)
    later_answers = {score.citizen_id: score for score in await engine_cases.find_explained(ids, day, book_id)}
    await check_stored(answers, DAY, book_id)
    await check_stored(later_answers, day, book_id)
    given_answers = await score_given(
        [to_person(history) for history in cases], rule_book_id=await resolve_book_id(book_id), day=DAY
    )
    for citizen_id, history, answer in zip(ids, cases, given_answers, strict=True):
        facts: dict[str, Any] = {"birth_on": history.birth_on, "consents": history.consents}
        score, after = answers[citizen_id], later_answers[citizen_id]
        assert read(score) == judge(book, history.records, day=DAY, **facts)
        assert answer is not None
        assert (answer.value, answer.inputs_hash) == (score.value, score.inputs_hash)
        assert list(answer.contributions) == msgspec.json.decode(score.contributions, type=list[Contribution])
        assert read(after) == judge(book, history.records, day=day, **facts)
        if score.next_change_on is None or day < score.next_change_on:
            assert (after.value, after.contributions) == (score.value, score.contributions)


SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SETTINGS
@given(cases=histories(STANDARD_BOOK), later=st.integers(1, 500))
async def test_rating_equals_the_oracle(cases: list[History], later: int) -> None:
    await compare(STANDARD_BOOK, None, cases, later)


@pytest.fixture(scope="module")
async def ledger_id(app: object) -> int:
    """Find the points ledger that every city has as a draft: it scores when it is named."""
    assert app is not None
    return int(await fetch_value("SELECT id FROM rule_book WHERE code = 'ledger' AND version = 1"))


LEDGER_BOOK = parse_rule_book(LEDGER, CATALOGUE)


@SETTINGS
@given(cases=histories(LEDGER_BOOK), later=st.integers(1, 500))
async def test_ledger_equals_the_oracle(ledger_id: int, cases: list[History], later: int) -> None:
    await compare(LEDGER_BOOK, ledger_id, cases, later)

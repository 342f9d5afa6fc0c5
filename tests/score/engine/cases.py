"""How a rule becomes a row of a table: a few records, and the points by indicator and by limit they must give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import msgspec

from app.kit.db.database import fetch_all
from app.score.book.actions.find import find_book
from app.score.engine import queries as engine_queries
from app.score.engine.actions import find_parts
from app.score.engine.parts import Adjustment, Contribution, unpack_dimensions
from app.score.engine.queries import EXPLAINED, ExplainedScore, compose
from tests.score.engine.oracle import Fact
from tests.support.histories import BORN_ON, give_separate_consents, insert_facts, make_citizen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.score.book.document import RuleBook

DAY = date(2026, 11, 21)
CLEAN = {"BASE_CLEAN": 60}  # five years and more of good faith: what somebody born in 1980 has without any record
EXPLAIN_ON_DAY = compose("asked_on_day", "consents_stored", "who", "facts_stored", **EXPLAINED)


def fact(indicator: str, event_on: str = "2026-06-01", **facts: Any) -> Fact:
    """Make a record; dates as text."""
    if "ends_on" in facts:
        facts["ends_on"] = date.fromisoformat(facts["ends_on"])
    return Fact(id=uuid4(), indicator=indicator, event_on=date.fromisoformat(event_on), **facts)


async def score_of(
    *records: Fact, day: date = DAY, born_on: date = BORN_ON, consents: tuple[str, ...] = (), book_id: int | None = None
) -> ExplainedScore:
    """Score a new citizen with these records."""
    citizen_id = await make_citizen(born_on=born_on)
    await give_separate_consents(citizen_id, consents)
    await insert_facts(citizen_id, records)
    explained = (await find_explained([citizen_id], day, book_id))[0]
    await check_stored({citizen_id: explained}, day, book_id)
    return explained


async def check_stored(explained: Mapping[UUID, ExplainedScore], day: date, book_id: int | None) -> None:
    """Check that the statement that stores, which adds up before it joins, gives what the one that explains gives."""
    stored = await engine_queries.find_scores(list(explained), day, book_id)
    assert {score.citizen_id for score in stored} == explained.keys()
    for score in stored:
        answer = explained[score.citizen_id]
        assert (score.value, score.level, score.next_change_on, score.inputs_hash) == (
            answer.value, answer.level, answer.next_change_on, answer.inputs_hash
        )  # fmt: skip
        assert await find_parts(score.part_points, score.rule_book_id) == parts_of(answer)
        book = await find_book(score.rule_book_id)
        dimensions = unpack_dimensions(score.dimension_points, book)
        assert {one.code: one.points for one in dimensions} == dimensions_of(answer, book)


def dimensions_of(score: ExplainedScore, book: RuleBook) -> dict[str, int]:
    """Add up by dimension what an explanation says; what comes to nothing is left out."""
    points: Counter[str] = Counter()
    for given in contributions_of(score):
        points[given.dimension] += given.points
    for taken in msgspec.json.decode(score.adjustments, type=list[Adjustment]):
        if taken.code == "annual_cap":
            points[book.indicator(taken.subject).dimension] += taken.points
        if taken.code == "dimension_cap":
            points[taken.subject] += taken.points
    return {code: sum_ for code, sum_ in points.items() if sum_}


def parts_of(score: ExplainedScore) -> dict[str, int]:
    """Read the points by indicator and by limit; they and the base make the value."""
    parts = compute_parts(contributions_of(score), msgspec.json.decode(score.adjustments, type=list[Adjustment]))
    assert score.base + sum(parts.values()) == score.value
    return parts


def contributions_of(score: ExplainedScore) -> list[Contribution]:
    """Read the contributions."""
    return msgspec.json.decode(score.contributions, type=list[Contribution])


def records_of(score: ExplainedScore) -> set[UUID]:
    """Read which records count."""
    return {record_id for contribution in contributions_of(score) for record_id in contribution.record_ids}


async def find_explained(
    citizen_ids: Sequence[UUID], day: date, rule_book_id: int | None = None
) -> list[ExplainedScore]:
    """Score citizens as ``find_scores`` does, and return every contribution and adjustment."""
    return await fetch_all(ExplainedScore, EXPLAIN_ON_DAY, citizen_ids, day, rule_book_id)


def compute_parts(contributions: Sequence[Contribution], adjustments: Sequence[Adjustment]) -> dict[str, int]:
    """Return the points by indicator and by limit (``annual_cap:POS_BLOOD``); with the base they sum to the value."""
    parts: dict[str, int] = {}
    for contribution in contributions:
        parts[contribution.indicator] = parts.get(contribution.indicator, 0) + contribution.points
    for adjustment in adjustments:
        key = f"{adjustment.code}:{adjustment.subject}"
        parts[key] = parts.get(key, 0) + adjustment.points
    return parts
